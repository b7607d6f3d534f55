"""Search spaces, one per file."""

from .cae import CAE_CATEGORICAL, CAE_INTEGER
from .mini import mini_network
from .preset import SearchSpace

SPACES: dict[str, SearchSpace] = {space.name: space for space in (CAE_CATEGORICAL, CAE_INTEGER)}

__all__ = ["SPACES", "mini_network"]
