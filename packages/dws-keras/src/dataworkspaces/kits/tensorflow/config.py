"""Which checkpoints a training writes."""

from __future__ import annotations

from typing import Any, NamedTuple

from dataworkspaces.errors import ApiParamError


class _Fields(NamedTuple):
    model_name: str
    monitor: str = "val_loss"
    save_best_only: bool = False
    mode: str = "auto"
    save_freq: str | int = "epoch"


class CheckpointConfig(_Fields):
    """Checkpoints of a model that was wrapped by ``add_lineage_to_keras_model_class()``.

    They are written to the scratch directory of the workspace. At the end of training the best one is copied to the
    results resource as ``MODEL_NAME.keras`` or ``MODEL_NAME.weights.h5``; if ``monitor`` was not measured, the last.

    :param model_name: names the files.
    :param monitor: the metric that decides which checkpoint is the best.
    :param save_best_only: whether only a checkpoint is written that is better than those before.
    :param mode: whether the best is the ``min`` or the ``max`` of the metric; ``auto`` lets Keras find that out.
    :param save_freq: ``epoch``, or after how many batches a checkpoint is written.
    :param save_weights_only: whether the weights are saved, or else the whole model.
    """

    # No field: the manual's five are what a CheckpointConfig unpacks into.
    save_weights_only: bool = False

    def __new__(
        cls,
        model_name: str | None = None,
        *args: Any,
        model: str | None = None,
        save_weights_only: bool = False,
        **kwargs: Any,
    ) -> Any:
        # The manual's example says model='fashion', its reference model_name.
        name = model_name if model is None else model
        if not isinstance(name, str):
            raise ApiParamError("CheckpointConfig: model_name is missing", hint="Give it a string: it names the files")
        config = super().__new__(cls, name, *args, **kwargs)
        config.save_weights_only = save_weights_only
        return config

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CheckpointConfig) and self.save_weights_only != other.save_weights_only:
            return False
        return tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = _Fields.__hash__
