"""What autolog sees of libraries for boosting: ``train`` and ``cv``, and the rounds within ``fit`` of their estimators,
which are those of scikit-learn. None of the libraries is imported here."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from dataworkspaces.kit_support.autolog import ModelRecord, Session
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kits.scikit_learn.importances import tell_importances


class Booster:
    """Stands for a model that is not there yet."""


class Library(ABC):
    """A library.

    :cvar name: of its module, and of the distribution.
    :cvar data: the argument of ``train`` and ``cv`` that is the data.
    :cvar file: under which name a model is saved. :cvar output_type: of its predictions."""

    name: ClassVar[str]
    data: ClassVar[str]
    file: ClassVar[str]
    output_type: ClassVar[str]

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def rounds(self, record: ModelRecord) -> Any:
        """A callback that tells of each round its metrics."""

    @abstractmethod
    def samples(self, data: Any) -> int:
        """How many there are."""

    @abstractmethod
    def columns(self, data: Any, booster: Any) -> list[dict[str, Any]]:
        """``name`` and ``type`` of each feature."""

    @abstractmethod
    def importances(self, booster: Any) -> dict[str, dict[str, float]]:
        """By kind, and by feature."""

    @abstractmethod
    def tell_best(self, record: ModelRecord, booster: Any) -> None:
        """How many rounds there were, and which was the best."""

    @abstractmethod
    def table(self, result: Any) -> Mapping[str, Sequence[Any]]:
        """What ``cv`` has returned: by metric the values of all rounds."""

    def watch(self, module: ModuleType) -> None:
        """Begin to watch the library, which has been imported."""
        wrap = self.session.wrap
        wrap(module, "train", self._of_user(self._train))
        wrap(module, "cv", self._of_user(self._cross_validate))
        wrap(
            f"{self.name}.sklearn", "train", lambda wrapped, _, args, kwargs: self._train_within(wrapped, args, kwargs)
        )
        wrap(module, "Booster.predict", self._predict)

    # -- what users call -----------------------------------------------------------------------------------------

    def _of_user(self, handle: Callable[[Any, Any, Any], Any]) -> Any:
        def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
            return handle(wrapped, args, kwargs) if self.session.is_idle else wrapped(*args, **kwargs)

        return wrapper

    def _predict(self, wrapped: Any, booster: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        if self.session.is_idle:
            self.session.predicted(booster, args[0] if args else kwargs.get("data"), result)
        return result

    def _train(self, function: Any, args: Any, kwargs: Any) -> Any:
        arguments = arguments_of(function, args, kwargs)
        data = arguments[self.data]
        name = name_of(data)
        booster = Booster()
        with self.session.training(booster, lambda: settings_of(arguments), "Booster") as record:
            result = function(**self._with_rounds(arguments, record))
            with self.session.spared("What was trained"):
                self._describe(record, result, data, name)
        self.session.replace(booster, result)
        return result

    def _train_within(self, function: Any, args: Any, kwargs: Any) -> Any:
        """The rounds of an estimator, which is recorded as one of scikit-learn."""
        record = outer_record(self.session, self.name)
        if record is None:
            return function(*args, **kwargs)
        result = function(**self._with_rounds(arguments_of(function, args, kwargs), record))
        with self.session.spared("What was trained"):
            self.tell_best(record, result)
            tell_importances(self.session, record, self.importances(result))
        return result

    def _cross_validate(self, function: Any, args: Any, kwargs: Any) -> Any:
        arguments = arguments_of(function, args, kwargs)
        data = arguments[self.data]
        name = name_of(data)
        with self.session.training(Booster(), lambda: settings_of(arguments), "cv_Booster") as record:
            result = function(**arguments)
            with self.session.spared("What was trained"):
                table = self.table(result)
                rows = zip(*table.values(), strict=True)
                record.epochs_before([dict(zip(table, values, strict=True)) for values in rows])
                self._tell_data(record, data, name)
        return result

    # -- inside --------------------------------------------------------------------------------------------------

    def _with_rounds(self, arguments: dict[str, Any], record: ModelRecord) -> dict[str, Any]:
        return {**arguments, "callbacks": [*(arguments.get("callbacks") or ()), self.rounds(record)]}

    def _describe(self, record: ModelRecord, booster: Any, data: Any, name: str | None) -> None:
        self.tell_best(record, booster)
        self._tell_data(record, data, name)
        columns = self.columns(data, booster)
        inputs = {"type": "table", "shape": [None, len(columns)], "columns": columns[:1000]}
        record.detail("signature", {"inputs": inputs, "outputs": {"type": self.output_type, "shape": [None]}})
        tell_importances(self.session, record, self.importances(booster))

        def save(path: Path) -> None:
            booster.save_model(path)

        record.model(booster, self.file, save, [self.name, "numpy", "scipy"])

    def _tell_data(self, record: ModelRecord, data: Any, name: str | None) -> None:
        for metric, value in record.last_epoch.items():
            record.metric(metric, value)
        record.detail("data", {"fit": {"X": name, "samples": self.samples(data)}})


def arguments_of(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    return dict(inspect.signature(function).bind(*args, **kwargs).arguments)


def settings_of(arguments: Mapping[str, Any], parameters: str = "params") -> dict[str, Any]:
    """Of a call its parameters, and its other arguments that are settings."""
    given = arguments.get(parameters)
    found = dict(given) if isinstance(given, (Mapping, list, tuple)) else {}
    more = {name: value for name, value in arguments.items() if isinstance(value, (bool, int, float, str))}
    return {**found, **more}


def outer_record(session: Session, library: str) -> ModelRecord | None:
    """The record of a model with the interface of scikit-learn, in whose ``fit`` this happens; not that of a search,
    which trains many."""
    if session.current is None:
        return None
    model, record = session.current
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return record if any(cls.__module__.startswith(f"{library}.") for cls in type(last).__mro__) else None
