"""Where releases 1.x had the kit for TensorFlow 1. There is nothing here but the way to the new place."""

raise ImportError(
    "There is no dataworkspaces.kits.tensorflow1 any more: import from dataworkspaces.kits.tensorflow, "
    "which is for Keras 3 with TensorFlow 2, JAX or PyTorch"
)
