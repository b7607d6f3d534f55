"""Search spaces, one per file."""

from .mini import mini_network

__all__ = ["mini_network"]
