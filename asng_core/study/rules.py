"""Every rule about what a shared study is given; see `checks` for how errors read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .. import checks
from ..ask_tell.candidate import Candidate
from ..space.recognition import check_described
from ..space.space import Space

_LONGEST = 200  # characters of a name: the width of its column


def name(where: str, value: object) -> str:
    """What a study or a worker is called."""
    if not isinstance(value, str):
        raise TypeError(f"{where} must be text, got {checks.shown(value)}.")
    if not 0 < len(value) <= _LONGEST:
        raise ValueError(f"{where} must have 1 to {_LONGEST} characters, got {len(value)}.")
    return value


def joined(study: str, stored: tuple[Mapping[str, Any], dict[str, Any]] | None, space: Space | None,
           noisy: bool | None) -> tuple[Space, dict[str, Any]]:
    """A study's space and settings as they are stored, if they are what a worker says they are."""
    if stored is None:
        raise ValueError(f"Study(name={study!r}) is not there. Pass a space to begin it.")
    described, settings = stored
    if noisy is not None and noisy != settings["noisy"]:
        raise ValueError(f"Study(noisy={noisy}) must be as the study {study!r} was begun, which is "
                         f"{settings['noisy']}. Leave it out, or use another name.")
    try:
        if space is None:
            return Space.from_description(described), settings
        check_described(space, described)
    except ValueError as error:
        raise ValueError(f"Study(space), for the study {study!r}: {error}") from error
    return space, settings


def candidate_id(value: object) -> int:
    """Of a candidate, or the id itself."""
    number = value.id if isinstance(value, Candidate) else value
    if number is None:
        raise ValueError("tell(candidate) takes a candidate that ask() returned, got one drawn by sample().")
    return checks.integer("tell(candidate)", number, minimum=0)


def stored(loss: Any) -> Any:
    """A checked loss as JSON has it: null for NaN, a list of several."""
    if isinstance(loss, tuple):
        return [stored(each) for each in loss]
    return None if math.isnan(loss) else loss
