"""What is wrong with a network, in words with the numbers behind them."""

from .diagnosis import Diagnosis
from .doctor import Doctor
from .examination import diagnose
from .finding import Finding
from .measure import LayerMeasurement, Measurements
from .thresholds import LIMITS, RULES, Rule

__all__ = ["LIMITS", "RULES", "Diagnosis", "Doctor", "Finding", "LayerMeasurement", "Measurements", "Rule", "diagnose"]
