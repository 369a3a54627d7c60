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
from dataworkspaces.kit_support.autolog.arguments import defaults_of, describe_callbacks, described
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kits.scikit_learn.importances import tell_importances


class Booster:
    """Stands for a model that is not there yet."""


class Library(ABC):
    """A library.

    :cvar name: of its module, and of the distribution.
    :cvar data: the argument of ``train`` and ``cv`` that is the data. :cvar not_settings: others that are no settings.
    :cvar file: under which name a model is saved. :cvar output_type: of its predictions."""

    name: ClassVar[str]
    data: ClassVar[str]
    not_settings: ClassVar[tuple[str, ...]]
    file: ClassVar[str]
    output_type: ClassVar[str]

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def rounds(self, record: ModelRecord) -> Any:
        """A callback that tells of each round its metrics."""

    @abstractmethod
    def look(self, data: Any) -> dict[str, Any]:
        """What can be told of data before a training, which may leave little of them: ``hash``, ``signature``,
        ``example``."""

    @abstractmethod
    def samples(self, data: Any) -> int:
        """How many there are, once data were trained with."""

    @abstractmethod
    def columns(self, data: Any, booster: Any) -> list[dict[str, Any]]:
        """``name`` and ``type`` of each feature."""

    @abstractmethod
    def validation(self, arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """What ``train`` evaluates after each round: the name of each set, and the set."""

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
        name = name_of(arguments[self.data])
        booster = Booster()
        with self.session.training(booster, lambda: self._settings(function, arguments), "Booster") as record:
            looks = self._look(arguments)
            result = function(**self._with_rounds(arguments, record))
            with self.session.spared("What was trained"):
                self._describe(record, result, arguments, name, looks)
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
        with self.session.training(Booster(), lambda: self._settings(function, arguments), "cv_Booster") as record:
            looks = self._look(arguments)
            result = function(**arguments)
            with self.session.spared("What was trained"):
                table = self.table(result)
                rows = zip(*table.values(), strict=True)
                record.epochs_before([dict(zip(table, values, strict=True)) for values in rows])
                self._tell_data(record, arguments, name, looks)
        return result

    # -- inside --------------------------------------------------------------------------------------------------

    def _settings(self, function: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Of a call its parameters, and its other arguments, with those that have their default values."""
        given = arguments.get("params")
        found = dict(given) if isinstance(given, (Mapping, list, tuple)) else {}
        no_settings = {"params", self.data, "callbacks", *self.not_settings}
        more = {**defaults_of(function), **arguments}
        callbacks = describe_callbacks(arguments.get("callbacks"), self.name)
        return {
            **found,
            **{name: described(value) for name, value in more.items() if name not in no_settings},
            **({"callbacks": callbacks} if callbacks else {}),
        }

    def _with_rounds(self, arguments: dict[str, Any], record: ModelRecord) -> dict[str, Any]:
        # Ours first: after one that stops the training, no other is called.
        return {**arguments, "callbacks": [self.rounds(record), *(arguments.get("callbacks") or ())]}

    def _look(self, arguments: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
        """By the identity of each set of data."""
        found: dict[int, dict[str, Any]] = {}
        with self.session.spared("The data"):
            for data in (arguments[self.data], *(data for _, data in self.validation(arguments))):
                if id(data) not in found:
                    found[id(data)] = self.look(data)
        return found

    def _describe(
        self,
        record: ModelRecord,
        booster: Any,
        arguments: Mapping[str, Any],
        name: str | None,
        looks: Mapping[int, Mapping[str, Any]],
    ) -> None:
        self.tell_best(record, booster)
        self._tell_data(record, arguments, name, looks)
        data = arguments[self.data]
        look = looks.get(id(data), {})
        columns = self.columns(data, booster)
        inputs = look.get("signature") or {"type": "table", "shape": [None, len(columns)], "columns": columns[:1000]}
        record.detail("signature", {"inputs": inputs, "outputs": {"type": self.output_type, "shape": [None]}})
        if "example" in look:
            record.detail("input_example", look["example"])
        tell_importances(self.session, record, self.importances(booster))

        def save(path: Path) -> None:
            booster.save_model(path)

        record.model(booster, self.file, save, [self.name, "numpy", "scipy"])

    def _tell_data(
        self,
        record: ModelRecord,
        arguments: Mapping[str, Any],
        name: str | None,
        looks: Mapping[int, Mapping[str, Any]],
    ) -> None:
        for metric, value in record.last_epoch.items():
            record.metric(metric, value)

        def describe(data: Any, names: dict[str, str | None]) -> dict[str, Any]:
            hashed = {key: value for key, value in looks.get(id(data), {}).items() if key == "hash"}
            return {**names, "samples": self.samples(data), **hashed}

        record.data("fit", describe(arguments[self.data], {"X": name}))
        sets = [describe(data, {"name": called}) for called, data in self.validation(arguments)]
        if sets:
            record.data("validation", sets)


def arguments_of(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    return dict(inspect.signature(function).bind(*args, **kwargs).arguments)


def outer_record(session: Session, library: str) -> ModelRecord | None:
    """The record of a model with the interface of scikit-learn, in whose ``fit`` this happens; not that of a search,
    which trains many."""
    if session.current is None:
        return None
    model, record = session.current
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return record if any(cls.__module__.startswith(f"{library}.") for cls in type(last).__mro__) else None
