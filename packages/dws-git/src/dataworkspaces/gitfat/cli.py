"""The command ``git-fat``, which git also runs as ``git fat``."""

from __future__ import annotations

import sys

from dataworkspaces.errors import DwsError
from dataworkspaces.gitfat import filters
from dataworkspaces.gitfat.store import ObjectStore

_FILTERS = {
    "filter-clean": filters.run_clean,
    "filter-smudge": filters.run_smudge,
    "filter-process": filters.run_process,
}


def main() -> None:
    """The entry point. What git calls for each file imports no command line."""
    try:
        run_filter = _FILTERS.get(sys.argv[1]) if len(sys.argv) > 1 else None
        if run_filter is not None:
            run_filter(ObjectStore.of_filter(), sys.stdin.buffer, sys.stdout.buffer)
            return
        from dataworkspaces.gitfat.cli_commands import fat

        fat.main(prog_name="git-fat")
    except DwsError as e:
        hint = f". {e.hint}" if e.hint else ""
        sys.stderr.write(f"git-fat: {e.message}{hint}\n".encode("utf-8", "backslashreplace").decode("utf-8"))
        sys.exit(e.exit_code)
    except OSError as e:
        sys.stderr.write(f"git-fat: {e.filename or 'a file'}: {e.strerror or e}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
