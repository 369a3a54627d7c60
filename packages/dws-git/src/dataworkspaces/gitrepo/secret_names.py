"""Names of files that usually hold a password, a key or a token: the list in the documentation, ``docs/trust.md``."""

from __future__ import annotations

from fnmatch import fnmatchcase

SECRETS = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    "credentials*.json", "credentials*.yml", "credentials*.yaml", "client_secret*.json", "service?account*.json",
    "secrets.toml", "secrets.yaml", "secrets.yml", "secrets.json", "kaggle.json",
    ".netrc", "_netrc", ".pypirc", ".git-credentials", ".pgpass", ".my.cnf", ".htpasswd", ".boto", ".s3cfg",
    ".aws/credentials", ".docker/config.json", ".kube/config",
)  # fmt: skip
"""Patterns of the last parts of a path, in small letters. ``rclone.conf`` is none: a resource may name one for all."""
EXAMPLES = ("*.pub", "*.example", "*.sample", "*.template", "*.dist", "*.tmpl", "*.example.*", "*.sample.*")
"""What is meant to be seen, though its name begins like one of those."""


def looks_secret(path: str) -> bool:
    """Whether the name of a file says that it holds a secret. What is in it is not looked at."""
    parts = path.lower().split("/")
    if any(_is_like(parts[-1], pattern) for pattern in EXAMPLES):
        return False
    ends = ["/".join(parts[-count:]) for count in (1, 2)]
    return any(_is_like(ends[pattern.count("/")], pattern) for pattern in SECRETS)


def _is_like(name: str, pattern: str) -> bool:
    """As :func:`fnmatchcase` says, which makes a regular expression of each pattern: that is only worth it for a name
    that has all of its words."""
    return all(word in name for word in pattern.replace("?", "*").split("*")) and fnmatchcase(name, pattern)
