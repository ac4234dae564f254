"""An installed backtalk serves, with its kernels: python .ci/smoke.py"""

import json
import subprocess
import sysconfig

import numpy as np

import backtalk
from backtalk.engines.native.kernels import kernels

rng = np.random.default_rng(0)
X, y = rng.standard_normal((300, 7)), rng.integers(0, 3, 300)
start = backtalk.Network.create([7, 33, 3], rng=0)
native, formula = (backtalk.fit(start, X, y, epochs=3, rng=0, engine=e).network for e in ("native", "formula"))
for i in (1, 2):
    np.testing.assert_allclose(native.W[i], formula.W[i], rtol=1e-8, atol=1e-10)
grads = backtalk.gradients(native, X, y)
assert grads.h[0].shape == X.shape
assert np.isfinite(grads.loss)
facts = json.loads(subprocess.check_output([sysconfig.get_path("scripts") + "/backtalk", "info", "--json"]))
assert facts["engine"] == "native", facts
assert facts["kernels"] == kernels(), facts
print(f"{facts['kernels']} on {facts['threads']} threads, Python {facts['python']}")
