"""The options of magics: ``argparse`` that neither ends the process nor shows a traceback."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from IPython.core.error import UsageError


class HelpShown(Exception):
    """``--help`` was given, and its text is printed."""


class MagicParser(argparse.ArgumentParser):
    """The parser of one magic."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(prog=name, description=description, add_help=False, allow_abbrev=False)
        self.options = self.add_argument_group("optional arguments")
        self.options.add_argument("-h", "--help", action="help", help="show this help message and exit")

    def parse_line(self, line: str) -> argparse.Namespace:
        """The values of the options. Raises UsageError for a mistake, HelpShown if there is nothing more to do."""
        try:
            words = shlex.split(line)
        except ValueError as e:
            raise UsageError(f"{self.prog}: {e}. Close all quotes") from e
        return self.parse_args(words)

    def option_names(self) -> list[str]:
        return sorted(name for action in self._actions for name in action.option_strings)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}. See %{self.prog} --help")


def names(text: str) -> list[str]:
    """A list with commas, as options have it."""
    return [name for name in (part.strip() for part in text.split(",")) if name]


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


positive.__name__ = "number"  # as argparse names it in its messages


def add_parsers() -> dict[str, MagicParser]:
    """The parsers of all magics, by name."""
    parsers = {
        name: MagicParser(name, text)
        for name, text in {
            "dws_info": "Print some information about this workspace",
            "dws_history": "Print a history of snapshots in this workspace",
            "dws_snapshot": "Save the notebook and create a new snapshot",
            "dws_lineage_table": "Show a table of lineage for the workspace's resources",
            "dws_lineage_graph": "Show a graph of lineage for a resource",
            "dws_web": "Show the experiments: the pages of dws web",
            "dws_results": "Show results from a run (results.json file)",
            "dws_step": "Begin a step, which the next %dws_snapshot completes",
            "dws_run": "Run the cell as a step",
        }.items()
    }
    history = parsers["dws_history"].options.add_argument
    history("--max-count", type=positive, help="Maximum number of snapshots to show")
    history("--tail", action="store_true", help="Just show the last 10 entries in reverse order")
    history("--baseline", metavar="TAG_OR_HASH", help="Snapshot tag or hash to use as a basis for metrics comparison.")
    history("--heatmap", action="store_true", help="Show a heatmap for metrics columns")
    history(
        "--metrics", metavar="NAMES", type=names, help="These metrics, with commas between them; macro* is a pattern"
    )
    history("--params", metavar="NAMES", type=names, help="These parameters (default: those that vary)")
    history("--changed", action="store_true", help="Only metrics and parameters that differ")
    history("--sort", metavar="NAME[:asc|desc]", help="By this column; default: the best, or the least, first")
    history("--where", metavar="EXPR", help="Only rows for which this is true, as in SQL, in quotes")
    for way, size, example in (("maximize", "larger", "accuracy"), ("minimize", "smaller", "loss")):
        history(
            f"--{way}-metrics",
            metavar="METRICS",
            type=names,
            default=[],
            help=f"Metrics where {size} values are better (e.g. {example}), with commas between them",
        )
    snapshot = parsers["dws_snapshot"].options.add_argument
    snapshot("-m", "--message", default="", help="Message describing the snapshot")
    snapshot(
        "-t",
        "--tag",
        help="Tag for the snapshot. Note that a given tag can only be used once (without deleting the old one).",
    )
    of_snapshot = {
        "dws_lineage_table": "If specified, print lineage as of the specified snapshot hash or tag",
        "dws_lineage_graph": "If specified, graph lineage as of the specified snapshot hash or tag",
        "dws_web": "Begin with the page of this snapshot hash or tag",
        "dws_results": "If specified, get results as of the specified snapshot or tag. Otherwise, looks at current "
        "workspace and then most recent snapshot.",
    }
    parsers["dws_lineage_graph"].options.add_argument(
        "--resource",
        help="Graph lineage from this resource. Defaults to the results resource. Error if not specified and there "
        "is more than one.",
    )
    web = parsers["dws_web"].options.add_argument
    web("--live", action="store_true", help="Begin with the runs under way")
    web("--height", metavar="PIXELS", type=positive, default=700, help="Height of the frame (default: 700)")
    parsers["dws_results"].options.add_argument(
        "--resource",
        help="Look for the results.json file in this resource. Otherwise, will look in all results resources and "
        "return the first match.",
    )
    for name, text in of_snapshot.items():
        parsers[name].options.add_argument("--snapshot", help=text)
    for name in ("dws_step", "dws_run"):
        step = parsers[name].options.add_argument
        step("--step-name", metavar="NAME", help="Name of the step (default: that of the notebook)")
        step("--input", action="append", default=[], metavar="RESOURCE[:PATH]", help="What it reads; may be repeated")
        step("--param", action="append", default=[], metavar="NAME=VALUE", help="A parameter; may be repeated")
        step("--resource", help="The results resource (default: the only one)")
    return parsers
