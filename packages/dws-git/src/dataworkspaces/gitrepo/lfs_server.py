"""Where git-lfs takes large files from and sends them to, when a repository's own ``.lfsconfig`` says so.

Of that file git-lfs honours the keys ``lfs.url``, ``lfs.pushurl``, ``remote.NAME.lfsurl``, ``lfs.URL.access``,
``lfs.fetchinclude``, ``lfs.fetchexclude``, ``lfs.gitprotocol``, ``lfs.locksverify``, ``lfs.allowincompletepush`` and
``lfs.skipdownloaderrors``, and no key that names a program (see its manual page git-lfs-config, "LFSCONFIG"). So the
first three matter: whoever wrote the repository names a host, and what is pushed goes there. What the user's own
configuration says for the same key comes before it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.checks import is_local_url, without_password
from dataworkspaces.gitrepo.plumbing import describe
from dataworkspaces.gitrepo.remote import ORIGIN, origin_url
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.workspace.trust import Consent

LFS_CONFIG = ".lfsconfig"
_URL_KEY_RE = r"(?s)lfs\.(?:push)?url|remote\..+\.lfs(?:push)?url"
_SCHEMES = ("https", "http", "ssh", "git+ssh", "ssh+git", "git")
_SCP_LIKE_RE = r"(?:[^@/:]+@)?([^/:]+):"


def check_config_of_tree(root: Path, commit: str) -> None:
    """Raise ConfigurationError if the ``.lfsconfig`` of a commit names a place that a repository of such an origin must
    not name: one of this machine, unless the origin is one too."""
    _check_places(root, ["--blob", f"{commit}:{LFS_CONFIG}"], origin_url(root))


def check_servers(root: Path, remote: str, consent: Consent, *, sending: bool) -> None:
    """Look at the ``.lfsconfig`` that git-lfs takes. Raises as above, and RefusedError if it names another host than
    the remote's, which the user neither has named too nor agrees to contact."""
    for key, place in foreign_servers(root, remote):
        if sending or key != "lfs.pushurl":
            consent.to(address(place), f"The {LFS_CONFIG} of {_name(root)}")


def address(place: str) -> str:
    """A server, for the user of this machine to agree to."""
    return f"git-lfs {without_password(place)}"


def foreign_servers(root: Path, remote: str) -> list[tuple[str, str]]:
    """The places that ``.lfsconfig`` names at another host than the remote's, each with its key, which may stand there
    several times. Raises as :func:`check_config_of_tree`."""
    source = _source(root)
    url = origin_url(root) if remote == ORIGIN else remote
    places = [] if source is None else _check_places(root, source, url)
    if not places or url is None:
        return []
    known = (None, _host(url), _host(_resolved(root, remote)))
    return [(key, place) for key, place in places if _host(place) not in known]


def _source(root: Path) -> list[str] | None:
    """Git-lfs takes the file of the working tree, or else that of the index, or else that of HEAD."""
    if (root / LFS_CONFIG).exists():
        return ["--file", str(root / LFS_CONFIG)]
    places = [f":{LFS_CONFIG}", f"HEAD:{LFS_CONFIG}"]
    found = zip(places, describe(root, places), strict=True)
    place = next((place for place, info in found if info is not None and info.kind == "blob"), None)
    return None if place is None else ["--blob", place]


def _resolved(root: Path, remote: str) -> str:
    """The URL that the user's ``url.X.insteadOf`` makes of a remote's."""
    return os.fsdecode(run_git(root, ["ls-remote", "--get-url", remote]).stdout).strip()


def _check_places(root: Path, source: list[str], origin: str | None) -> list[tuple[str, str]]:
    """The keys with URLs that the user's configuration does not set, and these."""
    places = [(key, value) for key, value in _list(root, source) if re.fullmatch(_URL_KEY_RE, key)]
    if not places:
        return []
    own = {key for key, _ in _list(root, [])}
    places = [(key, value) for key, value in places if key not in own]
    for key, value in places:
        local = is_local_url(value)
        known = _scheme(value) in _SCHEMES if "://" in value else bool(re.match(_SCP_LIKE_RE, value))
        bad = (
            (not known and not local)
            or "::" in value.partition("/")[0]
            or value.startswith("-")
            or (_host(value) or "").startswith("-")
        )
        if bad or (local and origin is not None and not is_local_url(origin)):
            told = f"{value!r:.200} ({key:.80})"
            raise ConfigurationError(
                f"The {LFS_CONFIG} of {_name(root)} keeps large files at {told}, which is not a server",
                hint="Do not use this repository until its owner has explained this, or name the right server "
                "yourself: "
                f"git config --global {key} URL",
            )
    return places


def _list(root: Path, source: Iterable[str]) -> list[tuple[str, str]]:
    arguments = ["config", *source, "--list", "-z"]
    listed = run_git(root, arguments, doing=f"Reading {LFS_CONFIG if source else 'the configuration of git'}").stdout
    pairs = (os.fsdecode(entry).partition("\n") for entry in listed.split(b"\0") if entry)
    return [(key, value) for key, _, value in pairs]


def _scheme(url: str) -> str | None:
    """None if it is no URL."""
    with suppress(ValueError):
        return urlsplit(url).scheme.lower()
    return None


def _host(url: str) -> str | None:
    """None for places of this machine."""
    if "://" in url:
        with suppress(ValueError):  # as of http://[x
            return urlsplit(url).hostname
        return None
    found = re.match(_SCP_LIKE_RE, url)
    return found[1].lower() if found else None


def _name(root: Path) -> str:
    url = origin_url(root)
    return str(root) if url is None else without_password(url)
