# The commands need Python 3.10 or newer and git, and set up everything else themselves.
PYTHON ?= python3

.PHONY: quickstart test test-kills test-faults lint fuzz

quickstart:  ## run the Quick Start in a fresh directory
	@$(PYTHON) scripts/quickstart.py

test:  ## run all checks and tests
	@$(PYTHON) scripts/test.py

test-kills:  ## kill the commands at each of their points, where `make test` takes some; takes an hour
	@DWS_KILL=each PYTEST_ADDOPTS="-k kill" $(PYTHON) scripts/test.py \
		$$($(PYTHON) -c 'import sys; print(f"py3{sys.version_info.minor}-all")')

test-faults:  ## let each call of storage fail in the conformance suites, where `make test` takes some
	@DWS_FAULTS=each PYTEST_ADDOPTS="--timeout=3600 -k 'conformance and (fail or answer)'" $(PYTHON) scripts/test.py \
		$$($(PYTHON) -c 'import sys; print("py3{0}-all py3{0}-keras".format(sys.version_info.minor))')

lint:  ## run the checks that need no test run
	@$(PYTHON) scripts/test.py lint

fuzz:  ## look for text from outside that a parser neither takes nor refuses; DWS_FUZZ_EXAMPLES=100 is quick
	@$(PYTHON) scripts/fuzz.py
