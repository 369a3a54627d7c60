"""Parsers of text from outside, with many more examples than the tests of each distribution look at.

`fuzz.py` takes 3000 for each, which is some ten minutes; DWS_FUZZ_EXAMPLES says another number.
"""

from __future__ import annotations

import os
import subprocess
import sys

from environment import ROOT, distributions, make_environment


def main() -> int:
    paths = [path for path in distributions() if (path / "tests" / "test_fuzz.py").exists()]
    # Those of ours that these depend on are among the requirements, too: none is taken from an index.
    ours = [part for path in distributions() for part in ("-e", str(path))]
    bin_dir = make_environment("fuzz", "hypothesis>=6.100", "pytest>=8.2", "pytest-xdist>=3.6", *ours)
    env = {"DWS_FUZZ_EXAMPLES": "3000", **os.environ}
    tests = [str(path / "tests" / "test_fuzz.py") for path in paths]
    return subprocess.run([bin_dir / "pytest", "-q", "-nauto", *tests], cwd=ROOT, env=env).returncode


if __name__ == "__main__":
    sys.exit(main())
