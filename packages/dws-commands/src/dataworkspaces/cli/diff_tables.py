"""What ``dws diff`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.render import Column, Styled, Table, in_markdown, markdown, print_table
from dataworkspaces.cli.text import escape, numbers_alike, plural, short_hash, snapshot_name, value_text

if TYPE_CHECKING:
    from dataworkspaces.commands.compare import Comparison, Line
    from dataworkspaces.commands.diff import ResourceDiff, SnapshotDiff, ValueDiff
    from dataworkspaces.workspace import SnapshotMetadata

NOW = "now"
_TYPED = 10
"""So many characters has a number that somebody typed."""
_LOOKS = {"same": "", "different": "yellow", "added": "green", "removed": "red", "missing": "red", "unknown": ""}
_FOLDED = 10
"""So many resources that are the same are listed; more are counted."""


def print_diff(found: SnapshotDiff, precision: int | None, *, as_markdown: bool = False) -> None:
    """What lies between two states."""
    first = snapshot_name(found.first)
    second = "the present state" if found.second is None else snapshot_name(found.second)
    click.echo(_plain(f"From {first} to {second}", as_markdown))
    if found.identical:
        click.echo("They are identical")
        return
    same = [r for r in found.resources if r.state == "same"]
    shown = found.resources if len(same) <= _FOLDED else [r for r in found.resources if r.state != "same"]
    rows = [(r.name, Styled(_state(r), _LOOKS[r.state])) for r in shown]
    if len(shown) < len(found.resources):
        rows.append((plural(len(same), "other resource"), Styled("same", "")))
    _print(Table("Resources", ["Resource", "State"], rows), as_markdown)
    for resource in found.resources:
        if resource.files:
            _print_block(f"Files of {resource.name}", [f"{c.status:<8}  {c}" for c in resource.files], as_markdown)
    for text in found.texts:
        _print_block(f"{text.resource}:{text.path}", text.lines, as_markdown)
    names = _names(found)
    if found.steps:
        _print(_values_table("Parameters of the steps behind", names, found.steps, precision, False), as_markdown)
    for results in found.results:
        for title, values in (("Parameters", results.parameters), ("Metrics", results.metrics)):
            if values:
                what = f"{title} of {results.resource}"
                _print(_values_table(what, names, values, precision, title == "Metrics"), as_markdown)
        if results.identical:
            click.echo()
            click.echo(_plain(f"Parameters and metrics of {results.resource}: identical", as_markdown))


def print_comparison(found: Comparison, precision: int | None, *, as_markdown: bool = False) -> None:
    """What differs between several snapshots."""
    names = [snapshot.tags[0] if snapshot.tags else short_hash(snapshot.hashval) for snapshot in found.snapshots]
    click.echo(_plain(f"Between {', '.join(names)}", as_markdown))
    if found.identical:
        click.echo("They are identical")
    for title, lines in (("Resources", found.resources), ("Parameters", found.parameters), ("Metrics", found.metrics)):
        if lines:
            columns = [Column("Name"), *(Column(name, numeric=title != "Resources") for name in names)]
            hashes = title == "Resources"
            rows = [
                [
                    line.name,
                    *(_hashes(line) if hashes else _texts(line.values, precision, are_metrics=title == "Metrics")),
                ]
                for line in lines
            ]
            _print(Table(title, columns, rows), as_markdown)


def _print(table: Table, as_markdown: bool) -> None:
    click.echo()
    if as_markdown:
        click.echo(f"**{_plain(table.title or '', as_markdown)}**\n\n{markdown(table)}")
    else:
        print_table(table)


def _print_block(title: str, lines: Sequence[str], as_markdown: bool) -> None:
    click.echo()
    click.echo(f"**{_plain(title, as_markdown)}**\n" if as_markdown else escape(title))
    for line in lines:
        click.echo(f"    {escape(line)}" if as_markdown else f"  {escape(line)}")


def _plain(text: str, as_markdown: bool) -> str:
    return escape(in_markdown(text) if as_markdown else text)


def _state(resource: ResourceDiff) -> str:
    state = resource.state
    if resource.files is not None:
        return f"{state}: {plural(len(resource.files), 'file')}"
    return f"{state}: {resource.details}" if resource.details else state


def _names(found: SnapshotDiff) -> list[str]:
    names = [_column(found.first), NOW if found.second is None else _column(found.second)]
    if names[0] == names[1] and found.second is not None:
        return [found.first.hashval[:12], found.second.hashval[:12]]
    return names


def _column(snapshot: SnapshotMetadata) -> str:
    return snapshot.tags[0] if snapshot.tags else short_hash(snapshot.hashval)


def _values_table(
    title: str, names: Sequence[str], values: Sequence[ValueDiff], precision: int | None, are_metrics: bool
) -> Table:
    columns = [Column("Name"), *(Column(name, numeric=True) for name in names)]
    columns.append(Column("Change", numeric=not are_metrics))
    return Table(title, columns, [value_row(value, precision, are_metrics=are_metrics) for value in values])


def value_row(value: ValueDiff, precision: int | None = None, *, are_metrics: bool = False) -> list[Any]:
    """Name, both values with as many digits, and the change: of a metric with what that means."""
    change = value.change
    alike = numbers_alike if are_metrics else as_typed
    first, second, changed = alike([value.first, value.second], change, precision)
    first = "" if value.state == "added" else first
    second = "" if value.state == "removed" else second
    standing = value.standing if are_metrics else None
    text = f"{changed} {standing}" if standing else changed
    look = {"better": "green", "worse": "red", None: ""}[standing]
    return [value.name, first, second, Styled(text, look)]


def as_typed(values: Sequence[Any], change: float | None, precision: int | None) -> list[str]:
    """Parameters, which people type: as they are, unless they are computed."""
    texts = [value_text(value, exact=True) for value in values]
    if precision is not None or any(
        len(t) > _TYPED and isinstance(v, float) for t, v in zip(texts, values, strict=True)
    ):
        return numbers_alike(values, change, precision)
    return [*texts, "" if change is None else f"{change:+.6g}"]


def _texts(values: Sequence[Any], precision: int | None, *, are_metrics: bool) -> list[str]:
    *texts, _change = (numbers_alike if are_metrics else as_typed)(values, None, precision)
    return ["" if value is None else text for text, value in zip(texts, values, strict=True)]


def _hashes(line: Line) -> list[str]:
    return [value_text(None if value is None else short_hash(str(value))) if value else "" for value in line.values]
