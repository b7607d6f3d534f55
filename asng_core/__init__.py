"""Adaptive Stochastic Natural Gradient (ASNG) for discrete variables, by ask and tell; NumPy only."""

from .candidate import Batch, Candidate
from .optimizer import ASNG, Best, MeanStd
from .space import Space
from .variables import Boolean, Categorical, Integer, Ordinal, Variable

__all__ = ["ASNG", "Batch", "Best", "Boolean", "Candidate", "Categorical", "Integer", "MeanStd", "Ordinal", "Space",
           "Variable"]
__version__ = "0.1.0"
