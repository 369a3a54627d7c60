"""The entry point of autolog for Keras, which is imported to list what is installed, with Keras or without."""

from __future__ import annotations

from dataworkspaces.kit_support.autolog import Session


def install(session: Session) -> None:
    """Begin to watch Keras, which has been imported."""
    from dataworkspaces.kits.tensorflow import autologged

    autologged.watch(session)
