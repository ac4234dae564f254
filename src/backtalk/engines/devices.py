"""Where arrays lie: on one device, or on many, each of which takes its share of every mini-batch.

The parameters are whole on each device; where they would not fit with all that training keeps beside them, each device
holds a part of each.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..distributed import Group
from ..errors import InputError

AXIS = "examples"
MOST_OF_MEMORY = 0.8  # of a device's, for the parameters and what training keeps of their size
MEMORY = "BACKTALK_DEVICE_BYTES"  # the memory of a device, for where JAX cannot tell


@dataclass(frozen=True)
class Devices:
    """The devices that train together, in the order of their processes, and whether the parameters are in parts."""

    devices: tuple[Any, ...]
    sharded: bool = False
    process: int = 0  # this process among those whose devices these are

    @classmethod
    def of(cls, jax: Any, group: Group, parameter_bytes: int) -> Devices:
        """Those of all processes of a group, in the order of the processes.

        ``parameter_bytes``: of the parameters and of all that has their size and is there at the same time.
        """
        devices = jax.local_devices() if group.count == 1 else jax.devices()
        devices = sorted(devices, key=lambda device: (device.process_index, device.id))
        held = group.all_gather(len(jax.local_devices()))
        if len(set(held)) > 1:
            raise InputError(f"the processes have {held} devices, expected the same number in each of them.")
        fits = parameter_bytes <= MOST_OF_MEMORY * device_bytes(jax.local_devices()[0])
        (too_large,) = group.any_of([not fits])  # memory may differ
        return cls(tuple(devices), sharded=len(devices) > 1 and too_large, process=group.index)

    @property
    def count(self) -> int:
        return len(self.devices)

    @cached_property
    def processes(self) -> int:
        """The processes whose devices these are."""
        return len({device.process_index for device in self.devices})

    @cached_property
    def is_host(self) -> bool:
        """One CPU alone: what is compiled for it reads NumPy's arrays where they lie, and NumPy reads its own."""
        return self.count == 1 and self.devices[0].platform == "cpu"

    def padded(self, rows: int) -> int:
        """The rows of a mini-batch, filled up to the same number for each device."""
        return -(-rows // self.count) * self.count

    def columns(self, process: int, rows: int) -> slice:
        """The places within a padded mini-batch that a process' devices take."""
        share = rows // self.processes
        return slice(process * share, (process + 1) * share)

    @cached_property
    def mesh(self) -> Any:
        from jax.sharding import Mesh

        return Mesh(np.array(self.devices), (AXIS,))

    def _sharding(self, *axes: str | None) -> Any:
        from jax.sharding import NamedSharding, PartitionSpec

        return NamedSharding(self.mesh, PartitionSpec(*axes))

    def whole(self, array: Any) -> Any:
        """An array that is the same in every process, whole on each device."""
        import jax

        if self.is_host:
            return array
        if self.count == 1:
            return jax.device_put(array, self.devices[0])
        return self._put(array, self._sharding())

    def rows(self, own: Any) -> Any:
        """(mini-batches, own rows of each, …) on this process' devices, as a share of the whole."""
        import jax

        if self.is_host:
            return own
        if self.count == 1:
            return jax.device_put(own, self.devices[0])
        sharding = self._sharding(None, AXIS)
        return jax.make_array_from_process_local_data(sharding, np.asarray(own))

    def parameter_sharding(self, shape: tuple[int, ...]) -> Any:
        """In parts along the first axis that can be divided by the number of devices; whole where none can."""
        axes = [None] * len(shape)
        if self.sharded:
            axis = next((axis for axis, size in enumerate(shape) if size % self.count == 0), None)
            if axis is not None:
                return self._sharding(*axes[:axis], AXIS)
        return self._sharding()

    def parameter(self, array: np.ndarray) -> Any:
        """A parameter, or what the optimizer keeps for it, that every process has."""
        import jax

        if self.is_host:
            return array
        if self.count == 1:
            return jax.device_put(array, self.devices[0])
        return self._put(array, self.parameter_sharding(array.shape))

    def _put(self, array: np.ndarray, sharding: Any) -> Any:
        import jax

        return jax.make_array_from_callback(array.shape, sharding, lambda part: array[part])

    def to_numpy(self, array: Any) -> np.ndarray:
        """A copy of all of an array, in every process."""
        import jax

        if self.count > 1 and not array.is_fully_replicated:
            array = jax.jit(lambda part: part, out_shardings=self._sharding())(array)
        return np.array(array)


def device_bytes(device: Any) -> float:
    """The memory of a device."""
    given = os.environ.get(MEMORY)
    if given is not None:
        try:
            return float(given)
        except ValueError:
            raise InputError(f"{MEMORY} is {given!r}, expected a number of bytes.") from None
    known = (device.memory_stats() or {}).get("bytes_limit")
    if known:
        return float(known)
    return _host_bytes()


def _host_bytes() -> float:
    """The memory of this machine."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return float("inf")


def free_bytes() -> float:
    """The memory of this machine that programs can still have, as far as the system tells; else all that it has."""
    try:
        facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        return float(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _host_bytes()
