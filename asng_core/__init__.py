"""Adaptive Stochastic Natural Gradient (ASNG) for discrete variables, by ask and tell; NumPy only."""

from .candidate import Batch, Candidate
from .marginals import MeanStd
from .optimizer import ASNG
from .ranges import Integer, Real
from .results import Best
from .space import Space
from .variables import Boolean, Categorical, Ordinal, Variable

__all__ = ["ASNG", "Batch", "Best", "Boolean", "Candidate", "Categorical", "Integer", "MeanStd", "Ordinal", "Real",
           "Space", "Variable"]
__version__ = "0.1.0"
