"""How frameworks come to be watched: when the user imports them, or has done so."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial

from dataworkspaces import plugins
from dataworkspaces.errors import PluginError
from dataworkspaces.kit_support.autolog.session import Options, Session
from dataworkspaces.toolbox.logs import log

_session: Session | None = None


def begin(options: Options) -> Session:
    """The session of this process, with these options from now on."""
    global _session
    if _session is None:
        _session = Session(options)
        _watch(_session)
    if not options.is_active:
        _session.end()
    _session.options = options
    return _session


def recorded_otherwise() -> AbstractContextManager[None]:
    """What is trained within is recorded by a kit, and autolog leaves it alone."""
    return nullcontext() if _session is None else _session.busy()


def _watch(session: Session) -> None:
    import wrapt

    try:
        names = plugins.names(plugins.AUTOLOGGERS)
    except PluginError as e:
        log.warning("autolog: %s", e)
        return
    for name in names:
        wrapt.register_post_import_hook(partial(_install, session, name), name)


def _install(session: Session, name: str, _module: object) -> None:
    with session.spared(f"What {name} does"):
        plugins.load(plugins.AUTOLOGGERS, name)(session)
