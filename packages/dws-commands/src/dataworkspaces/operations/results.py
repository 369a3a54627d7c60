"""What a snapshot does with results: where they go, and the metrics that are found in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.results import RESULTS_FILE


def destination_variables(hostname: str, number: int, tag: str | None, now: datetime) -> dict[str, str]:
    """The values of the variables of ``results.dir_template``."""
    snapshot_no = f"{number:03d}"
    return {
        "USERNAME": re.sub(r"[^A-Za-z0-9._-]", "_", _user_name()),
        "HOSTNAME": hostname,
        "SNAPSHOT_NO": snapshot_no,
        "ISO_TIMESTAMP": f"{now:%Y-%m-%dT%H:%M:%S}",  # 19 characters, as release 1.6 names directories
        "YEAR": f"{now:%Y}",
        "MONTH": f"{now:%m}",
        "SHORT_MONTH": f"{now:%b}",
        "DAY": f"{now:%d}",
        "HOUR": f"{now:%H}",
        "MIN": f"{now:%M}",
        "SEC": f"{now:%S}",
        "DAY_OF_WEEK": f"{now:%A}",
        "TAG": tag if tag is not None else snapshot_no,
    }


def expand_template(template: str, variables: Mapping[str, str]) -> str:
    """Put the variables into a template that was validated when it was set."""
    return re.sub(r"\{(\w+)\}", lambda match: variables[match.group(1)], template)


def find_metrics(resources: Iterable[FileResourceMixin]) -> dict[str, Any] | None:
    """The metrics of the first ``results.json`` at the root of the resources, before their files move."""
    for resource in resources:
        if resource.does_subpath_exist(RESULTS_FILE, must_be_file=True):
            metrics = resource.read_results_file(RESULTS_FILE).get("metrics")
            return metrics if isinstance(metrics, dict) else None
    return None


def _user_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
