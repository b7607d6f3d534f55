"""Search spaces, one per file."""

from .mini import mini

__all__ = ["mini"]
