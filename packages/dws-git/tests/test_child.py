"""Processes of git, of which the kernel says when they have ended."""

import os
import subprocess
import sys
import time

import pytest

from dataworkspaces.gitrepo.child import Child


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "pidfd_open"):
        pytest.skip("only Linux tells when a process has ended")
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited with pauses"))


@pytest.mark.usefixtures("_no_pauses")
def test_nobody_looks_again_and_again() -> None:
    with Child([sys.executable, "-c", "import os; os._exit(3)"]) as child:
        assert child.wait(timeout=60) == 3


@pytest.mark.usefixtures("_no_pauses")
def test_one_that_takes_longer_goes_on() -> None:
    with Child(["sleep", "60"]) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=0.01)
        assert child.poll() is None
        child.kill()
        assert child.wait(timeout=60) < 0


def test_where_the_kernel_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    with Child(["true"]) as child:
        assert child.wait(timeout=60) == 0
