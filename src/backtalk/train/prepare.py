"""A run before its first step, from what the user gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.network import Network
from ..data.given import as_source
from ..data.shards import Shard
from ..data.sources import Source
from ..data.streams import MemoryMapped, is_streamed
from ..distributed import Group, joined_group
from ..engines.choose import choose_steps
from ..engines.steps import Steps
from ..errors import InputError
from .agreement import require_equal_calls, require_equal_runs, share_generator
from .callbacks import Watchers
from .checkpoint import Checkpoint
from .run import Run
from .settings import DataSettings, TrainSettings
from .state import TrainState, plain
from .validation import AnyValidation, Validation, hold_out, judged_by

# What takes the steps, on which examples; and the validation set, if one is given
Examples = tuple[type[Steps], Source, AnyValidation | None]


def run_on(
    network: Network,
    settings: TrainSettings,
    data: DataSettings,
    given: dict[str, Any],
    generator: np.random.Generator,
    checkpoint: Checkpoint | None,
    watchers: Watchers,
) -> Run:
    """A run on what is ``given`` as X, y, sample_weight and validation."""
    require_equal_calls(watchers.group, settings, data, given, checkpoint)
    examples = examples_of(network, settings, data, given, watchers.group)
    return prepare_run(network, settings, data, examples, generator, checkpoint, watchers)


def prepare_run(
    network: Network,
    settings: TrainSettings,
    data: DataSettings,
    examples: Examples,
    generator: np.random.Generator,
    checkpoint: Checkpoint | None,
    watchers: Watchers,
) -> Run:
    """A run on examples that were checked."""
    group, (kind, source, validation) = watchers.group, examples
    fingerprint = source.fingerprint() if group.count > 1 or checkpoint is not None else None
    share_generator(group, generator)
    require_equal_runs(group, network, fingerprint, validation)
    name = None if data.metric is None else data.metric.name
    start = plain(generator.bit_generator.state)
    state = TrainState(start, fingerprint, own_validation=validation is not None, metric=name)
    if data.validation is not None:
        source, validation = hold_out(network, source, data.validation, generator)
    validation = judged_by(validation, data.metric)
    return Run(network, settings, data, kind, source, validation, state, generator, checkpoint, watchers)


def examples_of(
    network: Network, settings: TrainSettings, data: DataSettings, given: dict[str, Any], group: Group
) -> Examples:
    """What takes the steps, on which examples; and the validation set, if one is given."""
    X, y, sample_weight, validation = given.values()
    own = None
    if validation is not None and data.validation is None:
        own = Validation.of(network, validation, group)
    kind = choose_steps(settings.engine, network, settings.optimizer, settings.measure_every)
    if y is not None and settings.by_steps and is_streamed(X):
        X, y, sample_weight = MemoryMapped(X, y, sample_weight), None, None
    if isinstance(X, Shard) and group != joined_group():
        raise InputError(f"X is a Shard, of a cluster, but engine is {settings.engine!r}: use engine='compiled'.")
    takes_labels = kind.takes_labels and settings.by_steps
    return kind, as_source(network, X, y, sample_weight, data.class_weight, takes_labels, group), own
