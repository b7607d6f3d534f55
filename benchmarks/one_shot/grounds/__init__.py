"""Grounds of truth: whole spaces of some 250 networks, each trained from scratch, with its learning curve."""

from .ground import Ground
from .images import IMAGES
from .operations import OPERATIONS
from .text import TEXT

GROUNDS: dict[str, Ground] = {ground.name: ground for ground in (OPERATIONS, IMAGES, TEXT)}
LEFT_OUT = TEXT.name  # while tuning
