"""Search spaces, one per file."""

from ..train.settings import TrainSettings
from . import cae, enas_micro, mini, nasbench201
from .mini import mini_network
from .preset import Preset, SearchSettings, SearchSpace

SPACES: dict[str, SearchSpace] = {space.name: space for space in (
    mini.SPACE, enas_micro.SPACE, nasbench201.SPACE, cae.CAE_CATEGORICAL, cae.CAE_INTEGER)}

__all__ = ["SPACES", "Preset", "SearchSettings", "SearchSpace", "TrainSettings", "mini_network"]
