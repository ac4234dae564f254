"""Callbacks that record training for other programs to read.

logger.py        what they share: the numbers of an epoch by name; a log that fails does not end training
json_lines.py    ``JsonLines``: a file with one JSON object for each epoch
tensorboard.py   ``TensorBoard``: a folder that TensorBoard shows
mlflow.py        ``MLflow``: a run of an MLflow experiment
"""

from .json_lines import JsonLines
from .mlflow import MLflow
from .tensorboard import TensorBoard

__all__ = ["JsonLines", "MLflow", "TensorBoard"]
