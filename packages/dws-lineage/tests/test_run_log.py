"""``run.jsonl``: what is read of it, whole, cut short, and of somebody else's making."""

from __future__ import annotations

import pytest

from dataworkspaces.lineage.runs.log import FileRecord, line_of, parse_log

BEGIN = line_of("begin", {"run_id": "r1", "session": "s", "step": "train", "start_time": "t", "parameters": {"C": 1}})
FILE = line_of("file", {"path": "model", "size": 3, "sha256": "ab"})
EPOCHS = line_of("epoch", {"epoch": 1, "metrics": {"loss": 2}}) + line_of("epoch", {"epoch": 2, "metrics": {"acc": 1}})
END = line_of("end", {"status": "completed", "error": None})


def test_what_a_run_says() -> None:
    log = parse_log(BEGIN + line_of("parameters", {"parameters": {"D": 2}}) + FILE + EPOCHS + END)
    assert log is not None
    assert (log.run_id, log.session, log.step, log.name) == ("r1", "s", "train", "train")
    assert (log.parameters, log.files) == ({"C": 1, "D": 2}, {"model": FileRecord(3, "ab")})
    assert log.history() == {"loss": [2, None], "acc": [None, 1]}
    assert (log.status, log.error) == ("completed", None)


def test_a_line_that_is_cut_short_is_left_out() -> None:
    whole = BEGIN + EPOCHS + END
    lengths = [len(BEGIN) - 1, len(BEGIN + EPOCHS) - 5, len(whole) - 5]
    first, second, third = (parse_log(whole[:length]) for length in lengths)
    assert first is None or first.epochs == ()
    assert second is not None
    assert len(second.epochs) == 1
    assert third is not None
    assert (len(third.epochs), third.status) == (2, None)


def test_a_run_that_goes_on_after_its_end_has_none() -> None:
    log = parse_log(BEGIN + END + FILE)
    assert log is not None
    assert log.status is None


def test_files_that_moved_are_listed_where_they_are() -> None:
    log = parse_log(BEGIN + FILE + line_of("moved", {"path": "model", "to": "runs/A-1/model"}))
    assert log is not None
    assert log.files == {"runs/A-1/model": FileRecord(3, "ab")}


@pytest.mark.parametrize(
    "line",
    [
        b"[1]\n", b"{}\n", b'{"event": 3}\n', b"\xff\n", b"[" * 10**5 + b"\n",
        line_of("file", {"path": 3, "size": "x"}), line_of("epoch", {"metrics": 3}), line_of("end", {"status": 3}),
        line_of("parameters", {"parameters": []}), line_of("moved", {"path": [], "to": 3}),
        line_of("moved", {"path": "other", "to": "x"}), line_of("something new", {}),
    ],
)  # fmt: skip
def test_what_is_no_line_of_a_log_is_left_out(line: bytes) -> None:
    log = parse_log(BEGIN + line + FILE)
    assert log is not None
    assert (list(log.files), log.epochs, log.status) == (["model"], (), None)


@pytest.mark.parametrize("content", [b"", FILE, line_of("begin", {"run_id": 3, "step": "s", "start_time": "t"})])
def test_what_is_no_log(content: bytes) -> None:
    assert parse_log(content) is None
