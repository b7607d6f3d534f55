"""Cells as people write, draw and publish them."""
