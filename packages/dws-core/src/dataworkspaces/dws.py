"""The command line, where the manual of release 1.5 has it; it is :mod:`dataworkspaces.cli`."""

from dataworkspaces.cli.main import dws, main

__all__ = ["dws", "main"]

if __name__ == "__main__":
    main()
