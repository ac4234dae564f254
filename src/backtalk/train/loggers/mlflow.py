"""``MLflow``: a run of an MLflow experiment."""

from __future__ import annotations

import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputTypeError, MissingLibraryError
from ...interop import save
from .. import Epoch, Training
from .logger import Logger, numbers

LONGEST = 6000  # characters of a parameter's value
MOST = 1000  # metrics in one request


class MLflow(Logger):
    """Writes each training as a run of an MLflow experiment, with an epoch as a step.

    ``experiment``: its name; it is made if it does not exist. ``tracking_uri``: the address of an MLflow server, such
    as ``http://127.0.0.1:5000``; by default the one that MLflow takes from MLFLOW_TRACKING_URI. Settings are the run's
    parameters. Its metrics are ``loss``, ``validation_loss``, ``validation_metric``, ``learning_rate`` and with
    ``measure_every`` each layer's measures, such as ``grad_W/layer_1`` (:class:`~backtalk.LayerMeasures`). At the end
    come the tag ``reason``, the metric ``best_epoch``, and the network as the artifact ``network.safetensors``. An
    interrupted run is KILLED, and one that an error ended FAILED. Resumed training is a new run, which begins at the
    epoch where it continues. A copy, such as scikit-learn makes of an estimator for each fit of a search, writes runs
    of its own.

    ``run_id``: of the run, once training has begun; None before. Needs MLflow, or its client mlflow-skinny. Raises
    :class:`~backtalk.errors.MissingLibraryError` without it, and MLflow's own errors, before the first step, if the
    experiment cannot be written.
    """

    experiment: str
    tracking_uri: str | None

    def __init__(self, experiment: str = "backtalk", tracking_uri: str | None = None) -> None:
        for name, value in (("experiment", experiment), ("tracking_uri", tracking_uri)):
            if not isinstance(value, str) and not (name == "tracking_uri" and value is None):
                raise InputTypeError(f"{name} is {value!r}, expected a text.")
        _library()  # an error now, rather than when training begins
        self.experiment, self.tracking_uri = experiment, tracking_uri

    def __repr__(self) -> str:
        return f"MLflow({self.experiment!r}, {self.tracking_uri!r})"

    @property
    def run_id(self) -> str | None:
        """Of the run, once training has begun; None before."""
        return None if self._writer is None else self._writer.run_id

    def open(self, settings: Mapping[str, Any]) -> _Run:
        return _Run(self.experiment, self.tracking_uri, settings)


class _Run:
    """A run of MLflow that is being written."""

    def __init__(self, experiment: str, tracking_uri: str | None, settings: Mapping[str, Any]) -> None:
        library = _library()
        self._client, self._entities = library.MlflowClient(tracking_uri=tracking_uri), library.entities
        self.run_id: str = self._client.create_run(self._identity(experiment)).info.run_id
        # where an error ends training, nobody is told: then the run ends when this goes
        self._ended = weakref.finalize(self, self._client.set_terminated, self.run_id, "FAILED")
        params = [self._entities.Param(name, str(value)[:LONGEST]) for name, value in settings.items()]
        self._client.log_batch(self.run_id, params=params)

    def _identity(self, experiment: str) -> str:
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            try:
                return self._client.create_experiment(experiment)
            except Exception:  # MLflow's own: another run may have made it meanwhile
                found = self._client.get_experiment_by_name(experiment)
                if found is None:
                    raise
        return found.experiment_id

    def write(self, epoch: Epoch) -> None:
        now = int(time.time() * 1000)
        metrics = [self._entities.Metric(name, value, now, epoch.number) for name, value in numbers(epoch).items()]
        for first in range(0, len(metrics), MOST):
            self._client.log_batch(self.run_id, metrics=metrics[first : first + MOST])

    def end(self, training: Training) -> None:
        self._client.set_tag(self.run_id, "reason", training.reason)
        if training.best_epoch is not None:
            self._client.log_metric(self.run_id, "best_epoch", training.best_epoch)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.safetensors"
            save(training.network, path)
            self._client.log_artifact(self.run_id, str(path))
        self._client.set_terminated(self.run_id, "KILLED" if training.reason == "interrupted" else "FINISHED")
        self._ended.detach()


def _library() -> Any:
    try:
        import mlflow
    except ImportError:
        raise MissingLibraryError(
            "runs of MLflow are written by mlflow or mlflow-skinny, and neither is installed: "
            "pip install 'backtalk[mlflow]'."
        ) from None
    return mlflow
