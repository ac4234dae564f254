"""The doctor at the bedside: a callback that reads each epoch, and speaks up when something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...core.network import Network
from ...errors import InputTypeError
from ...train import Callback, Epoch
from .finding import Finding
from .ranking import rank, without_rate_in_vain
from .rules import arrival, course, curves
from .rules.held_back import find_dropout_too_strong
from .telemetry import Recorder, Start, Telemetry


class Doctor(Callback):
    """A callback that finds, from the telemetry alone, what goes wrong while training runs.

    ``tell`` is called with each finding's text once, when it first appears. ``findings``: those of this moment, ranked.
    With ``fit(…, measure_every=…)`` it sees gradients, updates and silent units as well as the losses. Given to
    :func:`diagnose` as ``history``, it adds the course of the run to the diagnosis of the network. It keeps numbers,
    and only the last network. An epoch whose number is not above the last one's begins a new run.

    Raises :class:`~backtalk.errors.InputTypeError` if ``tell`` is no function.

    >>> import numpy as np
    >>> from backtalk import Network, fit
    >>> X, doctor = np.eye(4), Doctor()
    >>> _ = fit(Network.create([4, 3, 2], rng=0), X, [0, 1, 0, 1], epochs=10, batch_size=4, rng=0,
    ...         optimizer="sgd(learning_rate=1e-7)", measure_every=1, callbacks=doctor)
    >>> doctor.findings[0].kind
    'learning_rate_too_low'
    """

    def __init__(self, tell: Callable[[str], Any] | None = None) -> None:
        if tell is not None and not callable(tell):
            raise InputTypeError(f"tell is {tell!r}, expected a function of a text, such as print.")
        self.tell = tell
        self.findings: tuple[Finding, ...] = ()
        self._recorder = Recorder()
        self._settings: Mapping[str, Any] = {}
        self._start = Start()
        self._told: set[tuple[str, int | None]] = set()

    @property
    def telemetry(self) -> Telemetry:
        """The numbers of the run so far."""
        if not self._recorder.numbers:  # it may have diverged in its first epoch
            return Telemetry(settings=self._settings, start=self._start)
        return self._recorder.telemetry

    def on_start(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)

    def on_network(self, network: Network) -> None:
        self._start = Start.of(network)

    def on_epoch(self, epoch: Epoch) -> None:
        numbers = self._recorder.numbers
        if numbers and isinstance(epoch, Epoch) and epoch.number <= numbers[-1]:
            self._recorder, self._told = Recorder(), set()
        if not self._recorder.numbers:
            self._recorder.start = self._start
        self._recorder.settings = self._settings
        self._recorder.note(epoch)
        self.findings = rank(without_rate_in_vain(live_findings(self._recorder)))
        for each in self.findings:
            if (each.kind, each.layer) not in self._told:
                self._told.add((each.kind, each.layer))
                if self.tell is not None:
                    told = self.worded(each)
                    self.tell(f"epoch {epoch.number}, {told.severity}: {told.title}. {told.said} {told.advice}")

    def worded(self, finding: Finding) -> Finding:
        """The finding as it is told; a doctor of networks of one kind may give other advice."""
        return finding


def live_findings(recorder: Recorder) -> list[Finding]:
    """What the telemetry alone says."""
    network, telemetry = recorder.last, recorder.telemetry
    if network is None:
        return []
    scale = curves.scale_of(network, telemetry)
    found = course.find_in_course(network, telemetry, scale) + course.find_in_measures(telemetry, network)
    if isinstance(network.W[1], np.ndarray):
        found += arrival.find_copies(network, telemetry.start)
    return found + arrival.find_linear_layers(network) + find_dropout_too_strong(network, telemetry)
