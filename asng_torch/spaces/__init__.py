"""Search spaces, one per file."""

from . import enas_micro, mini, nasbench201
from .mini import mini_network
from .preset import Preset, SearchSettings, SearchSpace, TrainSettings

SPACES: dict[str, SearchSpace] = {space.name: space for space in (mini.SPACE, enas_micro.SPACE, nasbench201.SPACE)}

__all__ = ["SPACES", "Preset", "SearchSettings", "SearchSpace", "TrainSettings", "mini_network"]
