"""The kit for PyTorch: a training loop of one's own as a step with lineage and results."""

from dataworkspaces.kits.torch.training import TrainingLineage, training_lineage

__all__ = ["TrainingLineage", "training_lineage"]
