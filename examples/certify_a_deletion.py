"""Job 1: delete records from a trained model, and let anybody verify it."""

import tempfile
from pathlib import Path

import numpy as np

import certify

generator = np.random.default_rng(0)
features = generator.normal(size=(400, 5))
labels = np.where(features @ np.array([1.0, -2.0, 0.5, 0.0, 1.0]) + generator.normal(size=400) > 0, "yes", "no")

objective = certify.objectives.Logistic(features, labels, l2=1e-2)
fitted = certify.fit(objective)  # secret: never publish these parameters

run = certify.unlearn(fitted, forget=[3, 17, 42], epsilon=1, delta="1e-5")
folder = run.save(Path(tempfile.mkdtemp()) / "run")
print(run.certificate)

# Anybody who has the folder replays the derivation; who also has the records and the witness measures again.
verdict = certify.verify(folder, data=(features, labels))
print(verdict)
assert verdict.holds

# How good is the certificate? The measured distance bounds the distance to a model that was really retrained.
retrained = certify.fit(objective.without([3, 17, 42]))
print("certified distance:", run.distance.value, " really:", float((run.noiseless - retrained.parameters).norm()))
