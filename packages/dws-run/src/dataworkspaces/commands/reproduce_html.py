"""The verdict of a reproduction as one page that needs nothing else. Every text in it may be somebody else's."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from html import escape

from dataworkspaces.commands.reproduce_verdict import Reproduction, environment_of, summary

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.35rem .6rem;"
    "border-bottom:1px solid #ddd;vertical-align:top}code,pre{font-family:ui-monospace,monospace;font-size:.9em}"
    "pre{white-space:pre-wrap;background:#f5f5f5;padding:.6rem}.identical,.equal{color:#096b2e}"
    ".different,.missing,.failed{color:#a80000}.verdict{font-weight:600}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}pre{background:#242424}"
    "th,td{border-color:#444}.identical,.equal{color:#6fd38f}.different,.missing,.failed{color:#ff8f8f}}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(found: Reproduction) -> str:
    title = f"Snapshot {found.snapshot_name} of {found.workspace} {found.in_words}"
    facts = {
        "Outputs": summary(found.counts),
        "Snapshot": found.snapshot,
        "Run": f"{found.started} to {found.finished}, {found.runs} time(s), by {found.user} on {found.hostname}",
        "Steps": "all steps of the snapshot" if found.complete else "some steps of the snapshot",
        "Environment": environment_of(found),
        "Tolerances": f"rtol {found.rtol:g}, atol {found.atol:g}",
    }
    outputs = [
        (
            f"<code>{escape(o.output)}</code>", escape(o.step),
            f'<span class="verdict {escape(o.verdict)}">{escape(o.verdict)}</span>',
            "<br>".join(map(escape, o.remarks)),
        )
        for o in found.outputs
    ]  # fmt: skip
    steps = [
        (
            escape(s.name), f"<code>{escape(shlex.join(s.command))}</code>",
            "" if s.exit_status is None else str(s.exit_status), "" if s.seconds is None else f"{s.seconds:.1f} s",
            "<br>".join(escape(text) for text in (*([s.why] if s.why else []), *s.reasons))
            + (f"<pre>{escape(s.log)}</pre>" if s.log else ""),
        )
        for s in found.steps
    ]  # fmt: skip
    made = [
        (
            escape(", ".join(e.steps)), escape(e.python), str(e.packages), str(e.verified),
            "<br>".join(map(escape, e.differences)),
        )
        for e in found.environments
    ]  # fmt: skip
    inputs = [(escape(k), f"<code>{escape(v or 'unknown')}</code>") for k, v in found.inputs.items()]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><main><h1>{escape(title)}</h1>"
        + _table((), [(escape(key), escape(value)) for key, value in facts.items()])
        + "<h2>Outputs</h2>"
        + _table(("Output", "Step", "Verdict", "Details"), outputs)
        + "<h2>Steps</h2>"
        + _table(("Step", "Command", "Exit status", "Time", "Remarks"), steps)
        + (
            "<h2>Environments, made from their records</h2>"
            + _table(("Steps", "Python", "Packages", "With the very files", "Not as recorded"), made)
            if made
            else ""
        )
        + "<h2>Versions that were checked out</h2>"
        + _table(("Resource", "Version"), inputs)
        + "</main></html>\n"
    )


def _table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """The cells are HTML."""
    head = f"<thead><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr></thead>" if names else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"
