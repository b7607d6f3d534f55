"""A conformance suite for any ask/tell optimizer, in the manner of scikit-learn's `check_estimator`."""

from .check import check_optimizer
from .protocol import Factory, Optimizer
from .registry import CHECKS
from .report import NonconformingError, Outcome, Report

__all__ = ["CHECKS", "Factory", "NonconformingError", "Optimizer", "Outcome", "Report", "check_optimizer"]
