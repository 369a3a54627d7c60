"""What a wrapped class of Keras models costs: 1,000 steps of a small network, in a workspace with its data in files.

One process trains both in turn, so that neither has to wait for TensorFlow to start, and with one thread. What 1,000
steps take is ten times an epoch of 100, of which there are many: so short a time is sometimes not disturbed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec

from .harness import Row, Sample
from .peers import PeerMissing
from .sandbox import Settings

GROUP = "keras"
STEPS = 1000

TRAIN = """
import json, sys, time
import numpy as np, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
import keras
from dataworkspaces.kits.tensorflow import add_lineage_to_keras_model_class

rounds, steps = int(sys.argv[1]), int(sys.argv[2])
x = np.random.default_rng(0).normal(size=(64 * 100, 100)).astype("float32")
y = (x.sum(axis=1) > 0).astype("int64")

def make(cls):
    model = cls([keras.Input((100,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model

models = {"wrapped": make(add_lineage_to_keras_model_class(keras.Sequential)), "plain": make(keras.Sequential)}
times = {name: {"steps": [], "fit": [], "steps_cpu": [], "fit_cpu": []} for name in models}
now = lambda: (time.perf_counter(), time.process_time())

class Clock(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.begun = []
    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(now())

for number in range(rounds + 1):
    for name in sorted(models, reverse=bool(number % 2)):
        clock, begin = Clock(), now()
        models[name].fit(x, y, batch_size=64, epochs=steps // 100, verbose=0, callbacks=[clock])
        end = now()
        if number:
            for i, key in enumerate(("", "_cpu")):
                times[name]["fit" + key].append(end[i] - begin[i])
                # From one epoch to the next; the first one builds what the others use.
                pairs = list(zip(clock.begun, clock.begun[1:]))[1:]
                times[name]["steps" + key] += [(b[i] - a[i]) * steps / 100 for a, b in pairs]
print(json.dumps(times))
"""


def rows(settings: Settings) -> Iterator[Row]:
    if find_spec("keras") is None or find_spec("tensorflow") is None:
        raise PeerMissing("Keras and TensorFlow are not installed beside dws-keras")
    shell = settings.ours.shell(settings.work, settings.work / "home")
    shell("dws", "--batch", "init", "--create-resources", "source-data,results", "keras")
    python = settings.ours.bin / "python"
    out = shell.with_env(TF_CPP_MIN_LOG_LEVEL="3")(python, "-c", TRAIN, str(settings.rounds), str(STEPS))
    times = json.loads(out.splitlines()[-1])
    for what, operation in (("steps", f"{STEPS:,} steps"), ("fit", f"the whole of fit, with {STEPS:,} steps")):
        ours, peer = (
            Sample(name, tuple(times[name][what]), tuple(times[name][f"{what}_cpu"])) for name in ("wrapped", "plain")
        )
        yield Row(GROUP, operation, ours, peer, ratio_at_most=1.01 if what == "steps" else None)
