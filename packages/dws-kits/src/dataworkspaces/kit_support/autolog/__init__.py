"""What the autologgers of frameworks share.

An entry point of the group ``dataworkspaces.autologgers`` has the name of the module that users of a framework import,
and is a function ``install(session)``. It is called once that module has been imported: it wraps what trains and
evaluates, for instance with ``wrapt``, and tells the :class:`Session` what it sees. Nothing here imports a framework,
and nor does the module of an entry point before it is called: it is imported to list what is installed. ::

    def install(session: Session) -> None:
        def fit(wrapped, model, args, kwargs):
            with session.training(model, lambda: {"rate": model.rate}) as record:
                result = wrapped(*args, **kwargs)
                record.epoch({"loss": model.loss})
            return result

        session.wrap("framework", "Model.fit", fit)
"""

from dataworkspaces.kit_support.autolog.record import ModelRecord
from dataworkspaces.kit_support.autolog.samples import describe_samples
from dataworkspaces.kit_support.autolog.session import Options, Session
from dataworkspaces.kit_support.autolog.signature import describe_data

__all__ = ["ModelRecord", "Options", "Session", "describe_data", "describe_samples"]
