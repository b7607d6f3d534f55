"""Networks that nobody here wrote, made searchable: what works with each of them."""

from .table import main, pages

__all__ = ["main", "pages"]
