"""Which names of files say that there is a secret in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataworkspaces.gitrepo import secret_names
from dataworkspaces.gitrepo.secret_names import EXAMPLES, SECRETS, looks_secret

SECRET = [
    ".env", ".env.local", "app/.env.production", ".ENV", "server.pem", "tls/private.key", "cert.p12", "a/b/store.jks",
    "id_rsa", ".ssh/id_ed25519", "credentials.json", "credentials-prod.json", "conf/local/credentials.yml",
    "client_secret_123.apps.json", "service-account.json", "service_account_key.json", ".streamlit/secrets.toml",
    "secrets.yaml", "kaggle.json", ".netrc", ".pypirc", ".git-credentials", ".pgpass", ".aws/credentials",
    "home/.docker/config.json", ".kube/config", "passwords.kdbx", "id_rsa.bak",
]  # fmt: skip
PLAIN = [
    "rclone.conf",
    ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.example.local", "env", "environment.yml",
    "id_rsa.pub", "id_ed25519.pub", "params.yaml", "keys.csv", "keyboard.json", "my.keys", "secrets.py", "secrets.md",
    "config.json", "docker/config.json", "kube/config", "credentials", "credentials.md", "data/.envs/x", ".env/x.txt",
    "secrets.toml.example", "pem", "notes.pem.txt", "", "credentials.example.json",
]  # fmt: skip


@pytest.mark.parametrize("path", SECRET)
def test_a_secret(path: str) -> None:
    assert looks_secret(path)


@pytest.mark.parametrize("path", PLAIN)
def test_no_secret(path: str) -> None:
    assert not looks_secret(path)


def test_usual_names_need_no_regular_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    """To make one of each pattern takes longer than a git process, in each snapshot with a new file."""
    assert not any(set(pattern) & set("[]!") for pattern in (*SECRETS, *EXAMPLES))
    monkeypatch.delattr(secret_names, "fnmatchcase")
    assert not any(map(looks_secret, ["results.json", "code/train.py", "data.csv", "snapshots/host-1/lineage.json"]))


def test_the_list_in_the_documentation_is_the_list() -> None:
    page = Path(__file__).parents[3] / "docs" / "trust.md"
    if not page.exists():
        pytest.skip("the distribution stands alone")
    section = page.read_text(encoding="utf-8").partition("## Files that look like secrets")[2].partition("\nexcept ")[0]
    named = set(re.findall(r"`([^`]+)`", section))
    stems = {name.partition(".")[0] for name in named if name.endswith((".json", ".toml"))}
    assert {p for p in SECRETS if p not in named and p.partition(".")[0] not in stems} == set()
    assert {name for name in named if not name.startswith(".") and not looks_secret(name)} == set()
