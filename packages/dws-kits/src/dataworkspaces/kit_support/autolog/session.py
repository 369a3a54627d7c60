"""What is recorded in this process: by model its record, which data a prediction was made of, and what is under way."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kit_support.autolog.parts import holds
from dataworkspaces.kit_support.autolog.record import ModelRecord, reference_to
from dataworkspaces.kit_support.spared import reason_of
from dataworkspaces.kit_support.training import Where
from dataworkspaces.plain_text import escape
from dataworkspaces.toolbox.logs import log

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""Is given what it wraps, the object that it is a method of, and the arguments of the call."""


@dataclass(frozen=True)
class Options:
    """Those of :func:`dataworkspaces.kits.autolog.autolog`."""

    where: Where = field(default_factory=Where)
    save_models: bool = True
    training_metrics: bool = True
    pictures: bool = True
    system_metrics: bool | None = None
    input_examples: bool = False
    is_active: bool = True


class _Prediction(NamedTuple):
    """:ivar data: what it was made of, if it is still there."""

    value: weakref.ref[Any]
    record: ModelRecord | None
    name: str | None
    data: weakref.ref[Any] | None


class Session:
    """One for each process. A process that is forked from it records nothing.

    :ivar last: the record of the model that was trained last.
    :ivar current: the model that is being trained, with its record."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.last: ModelRecord | None = None
        self.current: tuple[Any, ModelRecord] | None = None
        self._records: dict[int, tuple[weakref.ref[Any] | None, ModelRecord]] = {}
        self._predictions: dict[int, _Prediction] = {}
        self._in_hand: ModelRecord | None = None
        self._prepared: dict[str, Any] = {}
        self._busy = 0
        self._lock = threading.Lock()
        self._is_told = False
        self._process = os.getpid()
        _save_after_cells(self)
        _call_before_threads_end(self._at_exit)

    # -- what is under way ---------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether a call of now is the user's own: what a training calls is a part of it, in whichever thread."""
        return self.options.is_active and not self._busy and self._process == os.getpid()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """What is called within is a part of something that is recorded as one."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    @contextmanager
    def training(
        self,
        model: Any,
        find_parameters: Callable[[], Mapping[str, Any]],
        name: str | None = None,
        *,
        goes_on: bool = False,
    ) -> Iterator[ModelRecord]:
        """The training of a model, as a run of its own. If it raises an error, the run has failed. To be asked for if
        :attr:`is_idle`.

        :param name: what the run is called, if not by the class of the model.
        :param goes_on: whether a model that was trained last, and is trained again, goes on from there, in the same
            run."""
        record = self.record_of(model) if goes_on else None
        if record is None or record is not self.last:
            record = self.begin(model, find_parameters, name)
        else:
            record.go_on(self._parameters(find_parameters))
        before, self.current = self.current, (model, record)
        try:
            with self.busy():
                yield record
        except BaseException as e:
            record.fail(e)
            raise
        finally:
            self.current = before
        record.save()

    def begin(
        self, model: Any, find_parameters: Callable[[], Mapping[str, Any]], name: str | None = None
    ) -> ModelRecord:
        """The record of a training whose end is told otherwise."""
        self.save(at_end=True, is_next=True)
        record = ModelRecord(self, name or type(model).__name__)
        record.begin(self._parameters(find_parameters))
        self._records[id(model)] = (reference_to(model), record)
        self.last = self._in_hand = record
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit)  # anew: it is to come before what the run has registered
        return record

    def _parameters(self, find: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {"prepared_with": self._prepared} if self._prepared else {}
        with self.spared("What this training is told"):
            found.update(find())
        return found

    def prepared(self, name: str, settings: Any) -> None:
        """Data were prepared by what is no model: a parameter of the trainings that follow."""
        with self.spared(name):
            self._prepared[name] = settings

    def record_of(self, model: Any) -> ModelRecord | None:
        reference, record = self._records.get(id(model), (None, None))
        return record if reference is not None and reference() is model else None

    def replace(self, stand_in: Any, model: Any) -> None:
        """A model is there, which another object has stood for."""
        found = self._records.pop(id(stand_in), None)
        if found is not None:
            self._records[id(model)] = (reference_to(model), found[1])

    # -- what is evaluated ---------------------------------------------------------------------------------------

    def predicted(self, model: Any, data: Any, prediction: Any) -> None:
        """The user has had a model predict from data: a metric of the prediction is one of the model."""
        with self.spared("A prediction"):
            record = self._in_hand = self.record_of(model) or self._of_a_part(model)
            name, source = name_of(data), reference_to(data)
            for part in prediction if isinstance(prediction, list) else [prediction]:  # one for each output
                for each in (part, _whole_of(part)):
                    with suppress(TypeError):  # a number, say, to which nothing can refer
                        key = id(each)
                        forget = weakref.ref(each, lambda _, key=key: self._predictions.pop(key, None))  # type: ignore[misc]
                        self._predictions[key] = _Prediction(forget, record, name, source)

    def _of_a_part(self, model: Any) -> ModelRecord | None:
        """The record of the training before, if a model that has none is a part of what was trained, or perhaps a copy.
        What somebody has trained elsewhere has no metrics here."""
        trained = next((ref() for ref, record in self._records.values() if ref and record is self.last), None)
        if trained is None or type(trained) is type(model) or holds(trained, model):
            return self.last
        return None

    def measured(self, name: str, value: Any, arguments: Mapping[str, Any]) -> None:
        """The user has called a function that computes a metric from arguments, of which one should be a prediction;
        if none is, it is a metric of the model that was trained or has predicted last."""
        with self.spared(f"The metric {name}"):
            found = next(filter(None, map(self._prediction, arguments.values())), None)
            record = self._in_hand if found is None else found.record
            if record is None:
                return
            data = (None if found is None else found.name) or name_of(*arguments.values())
            settings = {key: v for key, v in arguments.items() if v is None or isinstance(v, (bool, int, float, str))}
            key = name if data is None else f"{name}_{data}"
            if isinstance(value, Mapping) or _is_number(value):
                record.metric(key, value, function=name, data=data, arguments=settings)
            elif value is not None and not isinstance(value, str):
                record.detail(key, value)
            if found is None:  # of a prediction that was changed: what it is compared with
                values = (value for value in arguments.values() if name_of(value) == data)
                record.evaluated(data, next(values, None) if data is not None else None)
            elif found.data is not None:
                record.evaluated(data, found.data())

    def _prediction(self, value: Any) -> _Prediction | None:
        """Also of a part of one, such as a column of probabilities."""
        for each in (value, getattr(value, "base", None)):
            found = self._predictions.get(id(each))
            if found is not None and found.value() is each:
                return found
        return None

    # -- the end -------------------------------------------------------------------------------------------------

    def save(self, *, at_end: bool = False, is_next: bool = False) -> None:
        """Write what is known by now of all models.

        :param at_end: whether nothing more is expected. :param is_next: but of those that are under way."""
        for key, (reference, record) in list(self._records.items()):
            is_gone = reference is not None and reference() is None
            record.save(at_end=is_gone or (at_end and not (is_next and record.is_under_way)))
            if is_gone:
                self._records.pop(key, None)

    def end(self) -> None:
        """Nothing more is expected of what was trained: save it, and forget it."""
        self.save(at_end=True)
        self.last = self._in_hand = None
        self._is_told = False
        self._records.clear()
        self._predictions.clear()
        self._prepared.clear()

    def _at_exit(self) -> None:
        if self._process == os.getpid():
            self.save(at_end=True)

    # -- troubles ------------------------------------------------------------------------------------------------

    @contextmanager
    def spared(self, what: str) -> Iterator[None]:
        """``what`` is recorded within. If that fails, nobody but the user is told, and but once."""
        try:
            yield
        except Exception as e:  # of any library, of somebody else's class, of the disk
            self.tell(f"{what} is not recorded", e)

    def tell(self, what: str, error: Exception) -> None:
        if self._is_told:
            log.info("autolog: %s: %s", what, reason_of(error))
            return
        self._is_told = True
        warnings.warn(
            f"autolog: {escape(what)} ({reason_of(error)}). It continues nevertheless, and of more troubles only the "
            "log tells",
            stacklevel=2,
        )

    # -- wrapping ------------------------------------------------------------------------------------------------

    def wrap(self, module: Any, name: str, wrapper: Wrapper) -> None:
        """Let ``wrapper`` be called instead of a function or method (``Class.method``) of a module, if it is there."""
        import wrapt

        from dataworkspaces.kit_support.autolog.watched import Watched

        try:
            wrapt.wrap_object(module, name, Watched, (wrapper,))
        except (AttributeError, ImportError) as e:
            log.info("autolog: there is no %s in %s: %s", name, module, e)


def _whole_of(array: Any) -> Any:
    """The array of which another one is a view of all: columns of either are columns of that."""
    base = getattr(array, "base", None)
    return base if getattr(base, "size", None) == getattr(array, "size", None) else None


def _is_number(value: Any) -> bool:
    return not isinstance(value, str) and getattr(value, "shape", ()) == () and hasattr(value, "__float__")


def _call_before_threads_end(save: Callable[[], object]) -> None:
    """Before ``atexit``, when no thread can begin any more, which those who read large data may need. Python has no
    public way: where it has none at all, there is still ``atexit``."""
    import concurrent.futures.thread  # noqa: F401 - what is registered after it is called before

    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with suppress(RuntimeError):  # it ends already
            register(save)


def _save_after_cells(session: Session) -> None:
    """In a notebook there is no end of the script."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None:
        shell.events.register("post_run_cell", lambda *_: session.save(at_end=True))
