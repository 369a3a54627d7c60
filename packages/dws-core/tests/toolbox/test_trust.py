"""Agreements, and how they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dataworkspaces.errors import MetadataError, RefusedError
from dataworkspaces.toolbox.trust import Agreements, agreeing, agreements_file
from dataworkspaces.workspace.interaction import BatchInteraction
from dataworkspaces.workspace.trust import Consent

PLACE, OTHER = "/home/ada/ws", "/home/ada/other"
WHAT = "Resource 'data'"


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "dws"


@dataclass
class Answers(BatchInteraction):
    """Somebody who gives an answer, and what they were asked and told."""

    answer: bool = False
    asked: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        self.asked.append(question)
        return self.answer

    def warn(self, message: str) -> None:
        self.warned.append(message)


def test_without_an_answer_nothing_is_agreed_to() -> None:
    with pytest.raises(RefusedError, match=f"^{WHAT} names s3://b, and nobody .* this copy of the workspace") as caught:
        Consent(PLACE, BatchInteraction()).to("s3://b", WHAT)
    assert caught.value.hint == "If you trust it: dws trust s3://b"
    assert Agreements(PLACE).addresses() == []


def test_no_is_not_kept_and_yes_is() -> None:
    no, yes = Answers(answer=False), Answers(answer=True)
    with pytest.raises(RefusedError):
        Consent(PLACE, no).to("s3://b", WHAT)
    Consent(PLACE, yes).to("s3://b", WHAT)
    Consent(PLACE, yes).to("s3://b", WHAT)
    assert len(no.asked) == len(yes.asked) == 1
    assert "s3://b" in no.asked[0]


@pytest.mark.parametrize(("place", "address"), [(OTHER, "s3://b"), (PLACE, "s3://b/"), (PLACE, "s3://b at http://x")])
def test_an_agreement_is_of_one_workspace_and_one_address(place: str, address: str) -> None:
    Agreements(PLACE).add(["s3://b"])
    with pytest.raises(RefusedError):
        Consent(place, BatchInteraction()).to(address, WHAT)


def test_what_the_user_names_is_agreed_to_and_kept() -> None:
    with agreeing():
        Consent(PLACE, BatchInteraction()).to("s3://b", WHAT)
    with agreeing(False):
        Consent(PLACE, BatchInteraction()).to("s3://b", WHAT)
        with pytest.raises(RefusedError):
            Consent(PLACE, BatchInteraction()).to("s3://other", WHAT)


def test_agreements_end() -> None:
    agreements = Agreements(PLACE)
    agreements.add(["a", "b", "c"])
    Agreements(OTHER).add(["a"])
    agreements.remove(["b", "x"])
    assert agreements.addresses() == ["a", "c"]
    assert Agreements(OTHER).addresses() == ["a"]


def test_the_advice_is_safe_to_copy() -> None:
    with pytest.raises(RefusedError) as caught:
        Consent(PLACE, BatchInteraction()).to("http://x/$(reboot)", WHAT)
    assert caught.value.hint == "If you trust it: dws trust 'http://x/$(reboot)'"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"workspaces": []}', '{"workspaces": {"/home/ada/ws": "a"}}'])
def test_agreements_that_cannot_be_read_are_none_and_stay(configuration: Path, text: str) -> None:
    configuration.mkdir(parents=True)
    agreements_file().write_text(text)
    with pytest.raises(MetadataError):
        Consent(PLACE, Answers(answer=True)).to("a", WHAT)
    assert agreements_file().read_text() == text


def test_where_none_can_be_kept_a_yes_holds_for_now(configuration: Path) -> None:
    configuration.parent.mkdir(parents=True)
    configuration.write_text("a file where the directory should be")
    somebody = Answers(answer=True)
    Consent(PLACE, somebody).to("a", WHAT)
    assert "is not kept" in somebody.warned[0]
