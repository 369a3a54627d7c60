"""The front end, as `scripts/frontend.py` builds it."""

from importlib import resources

APP = resources.files("dataworkspaces.web").joinpath("app")
