"""Classes of models whose training and evaluation is a step with lineage and results."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place
from dataworkspaces.kit_support.training import Where
from dataworkspaces.kits.tensorflow.config import CheckpointConfig
from dataworkspaces.kits.tensorflow.recorder_of_model import RECORDER, recorder_if_any

if TYPE_CHECKING:
    from dataworkspaces.kits.tensorflow.recorder import Recorder

_is_loading: ContextVar[bool] = ContextVar("is_loading", default=False)
"""Whether a model is being made from its configuration, perhaps where there is no workspace."""


def add_lineage_to_keras_model_class(
    Cls: type | None = None,
    input_resource: Place | Sequence[Place] | None = None,
    results_resource: Place | None = None,
    workspace_dir: str | os.PathLike[str] | None = None,
    checkpoint_config: CheckpointConfig | None = None,
    verbose: bool = False,
    *,
    input_resources: Sequence[Place] | None = None,
) -> Any:
    """A subclass of a class of Keras models, which records lineage. Can be a decorator, with arguments or without.

    ``fit`` begins a step, with what the model was compiled with as parameters; ``evaluate`` ends it, and writes
    ``results.json``. The history of the metrics goes to ``metrics_history.json`` when ``fit`` ends. A model that is
    saved, pickled or cloned is like one of the class that was wrapped.

    :param Cls: the class, as ``keras.Sequential``; ``keras.Model`` for functional models, too.
    :param input_resource: where the data come from: the name of a resource, a local path in one, a ResourceRef, or a
        list of these; if None, the only resource with source data. The version of an API resource is the hash of the
        data that ``fit`` and ``evaluate`` read.
    :param results_resource: where results go, given likewise; if None, the only results resource of the workspace.
    :param workspace_dir: the directory of the workspace; if None, the one that holds the current directory.
    :param checkpoint_config: which checkpoints ``fit`` writes.
    :param verbose: log all that Data Workspaces does.
    :param input_resources: another name of ``input_resource``.

    A model that is made, unless it is loaded, raises ConfigurationError if the workspace has not got these.
    """
    if input_resource is not None and input_resources is not None:
        raise ApiParamError("input_resource and input_resources were both given", hint="They mean the same")
    where = Where(
        input_resource if input_resources is None else input_resources, results_resource, workspace_dir, verbose
    )
    if Cls is None:
        return lambda decorated: _wrap(decorated, where, checkpoint_config)
    return _wrap(Cls, where, checkpoint_config)


def _wrap(given: Any, where: Where, checkpoint_config: CheckpointConfig | None) -> type:
    import keras

    if not isinstance(given, type) or not issubclass(given, keras.Model):
        raise ApiParamError(
            f"add_lineage_to_keras_model_class() takes a class of Keras models, not {given!r}",
            hint="Give it a class, such as keras.Sequential, and create the model from the class that it returns",
        )
    if checkpoint_config is not None and not isinstance(checkpoint_config, CheckpointConfig):
        raise ApiParamError(f"checkpoint_config is a CheckpointConfig, not {checkpoint_config!r}")
    original = given.__dict__.get("_dws_original", given)  # so that a cell of a notebook can run twice
    wrapped: type = _make_class(original, where, checkpoint_config)
    if original is keras.Model:
        _let_be_functional(wrapped, where, checkpoint_config)
    return wrapped


def _make_class(original: Any, where: Where, checkpoint_config: CheckpointConfig | None) -> Any:
    class Wrapped(original):  # type: ignore[misc]
        _dws_original = original

        @functools.wraps(original.__init__)  # type: ignore[misc] # a constructor may not be decorated, says mypy
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if RECORDER not in self.__dict__ and not _is_loading.get():
                _recorder_of(self, where).step.find()  # for its errors: better now than after preparing data
            _stay_wrapped(self, args, kwargs)
            super().__init__(*args, **kwargs)

        # Keras asks for the arguments of a class, and does not look through wrappers.
        __init__.__signature__ = inspect.signature(original.__init__)  # type: ignore[attr-defined]

        @functools.wraps(original.fit)
        def fit(self, *args: Any, **kwargs: Any) -> Any:
            return _fit(self, super().fit, args, kwargs, where, checkpoint_config)

        @functools.wraps(original.evaluate)
        def evaluate(self, *args: Any, **kwargs: Any) -> Any:
            return _evaluate(self, super().evaluate, args, kwargs, where)

        @functools.wraps(original.train_on_batch)
        def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
            _recorder_of(self, where).count_batch("train_on_batch")
            return super().train_on_batch(*args, **kwargs)

        @functools.wraps(original.test_on_batch)
        def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
            _recorder_of(self, where).count_batch("test_on_batch")
            return super().test_on_batch(*args, **kwargs)

        @classmethod
        def from_config(cls, *args: Any, **kwargs: Any) -> Any:
            with _loading():
                return super().from_config(*args, **kwargs)

        def __reduce__(self) -> Any:
            load, arguments = super().__reduce__()
            return getattr(_class_with_a_name(type(self)), load.__name__), arguments

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(Wrapped, name, getattr(original, name))
    _register_as(Wrapped, original)
    return Wrapped


def _fit(
    model: Any, fit: Callable[..., Any], args: Any, kwargs: Any, where: Where, checkpoints: CheckpointConfig | None
) -> Any:
    from dataworkspaces.kits.tensorflow import settings
    from dataworkspaces.kits.tensorflow.checkpoints import DwsModelCheckpoint
    from dataworkspaces.kits.tensorflow.data import unpack
    from dataworkspaces.kits.tensorflow.recorder import Reading

    recorder = _recorder_of(model, where)
    if recorder.is_busy:
        return fit(*args, **kwargs)
    call = _Call(fit, args, kwargs)

    def find_parameters() -> dict[str, Any]:
        found = settings.of_fit(call.arguments, call.defaults)
        if checkpoints is not None:
            found["callbacks"].append(settings.of_checkpoints(checkpoints))
        return {**found, "validation_data": settings.describe_data(call.get("validation_data"))}

    with recorder.training(model, find_parameters) as (places, epochs):
        reading = Reading(recorder.step, places)
        data = reading.watch("fit", call.data, shuffled=call.get("shuffle", True))
        call.put(x=data[0], y=data[1], sample_weight=data[2])
        validation = call.get("validation_data")
        if validation is not None:
            watched = reading.watch("validation", unpack(validation))
            if watched[0] is not unpack(validation)[0]:
                call.put(validation_data=watched[0])
        own = [reading.counter(), epochs]
        if checkpoints is not None:
            own.append(DwsModelCheckpoint.if_possible(recorder, checkpoints))
        call.add_callbacks(own)
        with reading.until_end():
            result = call()
        recorder.end_training(model)
        return result


def _evaluate(model: Any, evaluate: Callable[..., Any], args: Any, kwargs: Any, where: Where) -> Any:
    from dataworkspaces.kits.tensorflow.recorder import LogsOfTest, Reading
    from dataworkspaces.lineage import jsonable

    recorder = _recorder_of(model, where)
    if recorder.is_busy:
        return evaluate(*args, **kwargs)
    call = _Call(evaluate, args, kwargs)
    with recorder.evaluation(model, {"evaluate_batch_size": jsonable(call.get("batch_size"))}) as places:
        reading = Reading(recorder.step, places)
        data = reading.watch("score", call.data)
        call.put(x=data[0], y=data[1], sample_weight=data[2])
        logs = LogsOfTest()
        call.add_callbacks([reading.counter(), logs])
        with reading.until_end():
            result = call()
        metrics = logs.logs if logs.logs is not None else result if isinstance(result, dict) else {"result": result}
        recorder.end_evaluation(metrics, tell=call.get("verbose", "auto") != 0)
        return result


class _Call:
    """A call of a method of a model, whose arguments can be looked up and replaced by name."""

    def __init__(self, method: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self._method = method
        signature = inspect.signature(method)
        self._bound = signature.bind(*args, **kwargs)
        self._rest = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD), None)
        self._names = {p.name for p in signature.parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        self.defaults = {p.name: p.default for p in signature.parameters.values() if p.default is not p.empty}

    @property
    def arguments(self) -> dict[str, Any]:
        """Those that were given, by name."""
        arguments = dict(self._bound.arguments)
        return {**arguments, **arguments.pop(self._rest or "", {})}

    @property
    def data(self) -> tuple[Any, Any, Any]:
        return self.get("x"), self.get("y"), self.get("sample_weight")

    def get(self, name: str, default: Any = None) -> Any:
        return self.arguments.get(name, self.defaults.get(name, default))

    def put(self, **values: Any) -> None:
        """Replace arguments; one that is None, and was not given, or that the method does not know, is left out."""
        for name, value in values.items():
            if value is None and name not in self.arguments:
                continue
            if name in self._names:
                self._bound.arguments[name] = value
            elif self._rest is not None:
                self._bound.arguments.setdefault(self._rest, {})[name] = value

    def add_callbacks(self, callbacks: Sequence[Any]) -> None:
        added = [callback for callback in callbacks if callback is not None]
        given = self.get("callbacks")
        if not added:
            return
        if hasattr(given, "append") and not isinstance(given, list):  # a CallbackList
            for callback in added:
                callback.set_model(getattr(given, "model", None))
                given.append(callback)
            return
        before = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
        self.put(callbacks=[*before, *added])

    def __call__(self) -> Any:
        return self._method(*self._bound.args, **self._bound.kwargs)


def _recorder_of(model: Any, where: Where) -> Recorder:
    from dataworkspaces.kits.tensorflow.recorder import Recorder

    found = recorder_if_any(model)
    if found is None:
        found = Recorder(where, type(model).__name__)
        model.__dict__[RECORDER] = found  # past Keras, which keeps track of what models have
    return found


@contextmanager
def _loading() -> Iterator[None]:
    token = _is_loading.set(True)
    try:
        yield
    finally:
        _is_loading.reset(token)


# -- the classes as Keras sees them ----------------------------------------------------------------------------------


def _let_be_functional(wrapped: Any, where: Where, checkpoint_config: CheckpointConfig | None) -> None:
    """``keras.Model(inputs, outputs)`` is a Functional, and so is that of the wrapped class."""
    from keras.src.models.functional import Functional

    class Wrapped(wrapped, Functional):  # type: ignore[misc]
        pass

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(Wrapped, name, getattr(Functional, name))
    Wrapped._dws_original = Functional
    wrapped._dws_functional = Wrapped
    make = wrapped.__new__

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if cls is wrapped and _are_functional(args, kwargs):
            return Wrapped.__new__(Wrapped, *args, **kwargs)
        return make(cls, *args, **kwargs)

    wrapped.__new__ = staticmethod(new)


def _stay_wrapped(model: Any, args: Any, kwargs: Any) -> None:
    """Keras makes a subclass of ``keras.Model`` one of ``Functional`` when it is given inputs and outputs, by changing
    its bases, and those of the wrapped ``keras.Model``, which others share; so the subclass gets new bases first."""
    if not _are_functional(args, kwargs):
        return
    for cls in type(model).__mro__:
        bases = cls.__dict__.get("__bases__", cls.__bases__)
        changed = tuple(base.__dict__.get("_dws_functional", base) for base in bases)
        if changed != bases and "_dws_original" not in cls.__dict__:
            cls.__bases__ = changed


def _are_functional(args: Any, kwargs: Any) -> bool:
    """Whether these arguments make a functional model."""
    return len(args) == 2 or (len(args) == 1 and "outputs" in kwargs) or {"inputs", "outputs"} <= kwargs.keys()


def _register_as(wrapped: Any, original: Any) -> None:
    """Models are saved as those of the original class: under the name that Keras has for it, or under which it was
    registered."""
    import keras

    try:
        from keras.src.api_export import REGISTERED_OBJS_TO_NAMES as NAMES
    except ImportError:  # then it is saved by its module and name, which are those of the original, too
        NAMES = {}
    if original in NAMES:
        NAMES[wrapped] = NAMES[original]
    name = keras.saving.get_registered_name(original)
    package, separator, own_name = name.partition(">")
    if separator and name != original.__name__:
        keras.saving.register_keras_serializable(package, own_name)(wrapped)


def _class_with_a_name(cls: Any) -> Any:
    """The class that a pickle can name: this one or, where the name means the original, that one."""
    import sys

    for candidate in cls.__mro__:
        found: Any = sys.modules.get(candidate.__module__)
        for name in candidate.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is candidate:
            return candidate
    return cls
