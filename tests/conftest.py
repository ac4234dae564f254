"""JAX counts in float64 in these tests, on the CPU, and quietly."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax

jax.config.update("jax_enable_x64", True)
