"""What stands in for steps and tables while the magics are disabled: notebooks run with it, and nothing comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any


class Nothing:
    """Has every public attribute and item, can be called and computed with, and is empty."""

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("_"):  # by these Python, IPython and pandas ask what an object can do
            raise AttributeError(name)
        return Nothing()

    def __call__(self, *args: Any, **kwargs: Any) -> Nothing:
        return Nothing()

    def __getitem__(self, key: Any) -> Nothing:
        return Nothing()

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing keeps nothing."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, item: Any) -> bool:
        return False

    def __bool__(self) -> bool:
        return False

    def __float__(self) -> float:
        return float("nan")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        """An error of the block is the notebook's own."""

    def __format__(self, spec: str) -> str:
        return ""

    def __repr__(self) -> str:
        return ""

    def _ipython_display_(self) -> None:
        """A cell that ends with it shows nothing."""

    def _itself(self, *others: Any) -> Nothing:
        return self

    def _never(self, other: Any) -> bool:
        return False

    __round__ = __neg__ = __abs__ = _itself
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _itself
    __lt__ = __le__ = __gt__ = __ge__ = _never


class IdleStep(Nothing):
    """Stands in for a step: it knows its name and parameters, and records nothing."""

    def __init__(self, step_name: str | None, parameters: dict[str, Any]) -> None:
        self.step_name = step_name
        self.parameters = parameters
        self.start_time = datetime.now()
        self.input_refs: tuple[Any, ...] = ()
        self.output_refs: tuple[Any, ...] = ()

    def add_param(self, name: str, value: Any) -> None:
        self.parameters[str(name)] = value

    def restart(self, start_time: datetime | None = None) -> None:
        self.start_time = start_time or datetime.now()
