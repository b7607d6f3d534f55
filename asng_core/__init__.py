"""Adaptive Stochastic Natural Gradient (ASNG) for discrete and mixed variables, by ask and tell; NumPy only."""

from .blackbox.history import History
from .blackbox.memo import SpaceExhausted
from .blackbox.minimizer import Minimizer
from .candidate import Batch, Candidate
from .loop.minimize import maximize, minimize
from .loop.result import Result
from .loop.run import Progress
from .marginals import MeanStd
from .optimizer import ASNG
from .ranges import Integer, Real
from .results import Best
from .space import Space
from .variables import Boolean, Categorical, Ordinal, Variable

__all__ = ["ASNG", "Batch", "Best", "Boolean", "Candidate", "Categorical", "History", "Integer", "MeanStd",
           "Minimizer", "Ordinal", "Progress", "Real", "Result", "Space", "SpaceExhausted", "Variable", "maximize",
           "minimize"]
__version__ = "0.1.0"
