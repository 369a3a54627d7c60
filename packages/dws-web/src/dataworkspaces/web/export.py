"""``dws web export``: the pages as files, complete without a server, also where a browser opens them from a directory.

A page that is opened from a file may fetch nothing. So the data lies in scripts, one for the table and one for each
snapshot, which the page loads when it shows them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.lineage_metrics import with_metrics
from dataworkspaces.errors import ConfigurationError, DwsError, NotFoundError
from dataworkspaces.lineage.workspace_graph import lineage_graph
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.version import get_version
from dataworkspaces.web.built import APP
from dataworkspaces.web.experiments import NOW, experiments
from dataworkspaces.web.files import shown_file
from dataworkspaces.web.lineage_page import json_for_script, lineage_data
from dataworkspaces.web.snapshots import snapshot_page

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

MARK = "dws-web-export.json"
"""A file of each export, by which a later one knows that it may replace the directory."""
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)


def export(workspace: Workspace, target: Path, names: Sequence[str], largest: int) -> int:
    """Write the pages to a directory, which is replaced as a whole if it is an earlier export, and refused if it holds
    anything else. How many snapshots are in it is returned.

    :param names: tags or hashes of the snapshots to have; empty: all of them, and the present state.
    :param largest: bytes of a results file that is shown."""
    _check(target)
    table = experiments(workspace)
    if names:
        snapshots = workspace.as_snapshot_ws()
        wanted = {snapshots.get_snapshot_by_tag_or_hash(name).hashval for name in names}
        table["rows"] = [row for row in table["rows"] if row["hash"] in wanted]
    hashes = [row["hash"] for row in table["rows"]]
    try:
        with _replaced(target) as directory:
            _write_frame(directory)
            _write_data(directory, "experiments", table)
            with workspace.interaction.progress("Writing", len(hashes), "snapshots") as advance:
                for name in hashes:
                    _write_snapshot(workspace, directory, name, largest)
                    advance(1)
    except OSError as e:
        raise explain_os_error(e, f"Writing {target}") from e
    return sum(name != NOW for name in hashes)


def _check(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise ConfigurationError(f"{target} is not a directory", hint="Name a directory that does not exist yet")
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise ConfigurationError(f"{target} holds other files", hint="Name a directory that does not exist yet")
    if not target.absolute().parent.is_dir():
        raise NotFoundError(f"The directory of {target} does not exist", hint="Create it first")


@contextmanager
def _replaced(target: Path) -> Iterator[Path]:
    """A directory beside the target, which takes its place at the end; after an error all is as it was."""
    target = target.absolute()
    directory = Path(mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield directory
        directory.chmod(0o755)
        if target.exists():
            old = Path(mkdtemp(prefix=f".{target.name}-", dir=target.parent))
            target.rename(old / "old")
            directory.rename(target)
            shutil.rmtree(old)
        else:
            directory.rename(target)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _write_frame(directory: Path) -> None:
    (directory / "app").mkdir()
    (directory / "data").mkdir()
    for file in APP.iterdir():
        if file.name.endswith((".js", ".css", ".svg", ".txt")):
            (directory / "app" / file.name).write_bytes(file.read_bytes())
    page = APP.joinpath("index.html").read_text(encoding="utf-8")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    page = page.replace('<html lang="en">', '<html lang="en" data-mode="export">')
    page = page.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{policy}')
    (directory / "index.html").write_text(page, encoding="utf-8")
    mark = {"made_by": "dws web export", "version": get_version()}
    (directory / MARK).write_text(json.dumps(mark) + "\n", encoding="utf-8")


def _write_data(directory: Path, name: str, data: Any) -> None:
    text = f"(window.dwsData ??= {{}})[{json_for_script(name)}] = {json_for_script(data)};\n"
    (directory / "data" / f"{name}.js").write_text(text, encoding="utf-8")


def _write_snapshot(workspace: Workspace, directory: Path, name: str, largest: int) -> None:
    found = snapshot_page(workspace, name)
    found["previews"] = {
        f"{file['resource']}:{file['path']}": _preview(workspace, file) for file in found["files"]
        if file["size"] is not None and file["size"] <= largest
    }  # fmt: skip
    _write_data(directory, f"snapshot-{name}", found)
    try:
        graph = lineage_graph(workspace, snapshot=None if name == NOW else name, whole=True)
    except DwsError as e:
        workspace.interaction.warn(f"The lineage of {name[:10]} is not in the export: {e.message}")
        return
    _write_data(directory, f"lineage-{name}", lineage_data(with_metrics(workspace, graph)))


def _preview(workspace: Workspace, file: dict[str, Any]) -> dict[str, Any]:
    try:
        return shown_file(workspace, NOW, file["resource"], file["path"])
    except DwsError as e:
        return {"size": file["size"], "blocks": [], "problem": e.message}
