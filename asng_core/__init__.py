"""Adaptive Stochastic Natural Gradient (ASNG) for discrete and mixed variables, by ask and tell; NumPy only."""

from .ask_tell.asng import ASNG
from .ask_tell.candidate import Batch, Candidate
from .ask_tell.results import Best
from .blackbox.history import History
from .blackbox.memo import SpaceExhausted
from .blackbox.minimizer import Minimizer
from .checkpoint import CheckpointError
from .distribution.marginals import MeanStd
from .loop.continued import StateLost
from .loop.evaluation import Evaluation
from .loop.minimize import maximize, minimize
from .loop.result import Result
from .loop.run import Progress
from .space.ranges import Integer, Real
from .space.space import Space
from .space.variables import Boolean, Categorical, Ordinal, Variable
from .version import __version__ as __version__

__all__ = ["ASNG", "Batch", "Best", "Boolean", "Candidate", "Categorical", "CheckpointError", "Evaluation", "History",
           "Integer", "MeanStd", "Minimizer", "Ordinal", "Progress", "Real", "Result", "Space", "SpaceExhausted",
           "StateLost", "Variable", "maximize", "minimize"]
