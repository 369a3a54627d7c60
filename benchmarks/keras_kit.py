"""What a wrapped class of Keras models costs: 1,000 steps of a small network, in a workspace with its data in files.

One process trains both in turn, so that neither has to wait for TensorFlow to start."""

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
import numpy as np, keras
from dataworkspaces.kits.tensorflow import add_lineage_to_keras_model_class

rounds, steps = int(sys.argv[1]), int(sys.argv[2])
x = np.random.default_rng(0).normal(size=(128 * 100, 200)).astype("float32")
y = (x.sum(axis=1) > 0).astype("int64")

def make(cls):
    model = cls([keras.Input((200,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model

models = {"wrapped": make(add_lineage_to_keras_model_class(keras.Sequential)), "plain": make(keras.Sequential)}
times = {name: {"steps": [], "fit": [], "steps_cpu": [], "fit_cpu": []} for name in models}

class Clock(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.begin, self.cpu_begin = time.perf_counter(), time.process_time()
    def on_train_end(self, logs=None):
        self.end, self.cpu_end = time.perf_counter(), time.process_time()

for number in range(rounds + 1):
    for name in sorted(models, reverse=bool(number % 2)):
        clock, begin, cpu = Clock(), time.perf_counter(), time.process_time()
        models[name].fit(x, y, batch_size=128, epochs=steps // 100, verbose=0, callbacks=[clock])
        if number:
            times[name]["fit"].append(time.perf_counter() - begin)
            times[name]["fit_cpu"].append(time.process_time() - cpu)
            times[name]["steps"].append(clock.end - clock.begin)
            times[name]["steps_cpu"].append(clock.cpu_end - clock.cpu_begin)
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
