"""What an objective may say of an evaluation beside its loss."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import checks
from ..ask_tell import rules


@dataclass(frozen=True)
class Evaluation:
    """What an objective returns in place of a loss, to say more.

    >>> from asng_core import Evaluation, Integer, Space, minimize
    >>> def objective(v):
    ...     return Evaluation(v["n"] ** 2, violation=3 - v["n"], attributes={"flops": 10 * v["n"]})
    >>> result = minimize(objective, Space({"n": Integer(0, 9)}), budget=10, seed=0)
    >>> result.values, result.attributes[result.best.id]
    ({'n': 3}, {'flops': 30})

    loss: a number, or several of several objectives; NaN if the evaluation failed.
    violation: by how much it breaks constraints that only the evaluation knows, a number or several; positive ones are
        added up, others satisfy. What violates ranks behind all that does not.
    attributes: whatever is worth keeping, of what JSON holds: it comes back in `Result.attributes`.

    Raises TypeError or ValueError for a violation that is none, and for attributes that JSON cannot hold.
    """

    loss: Any
    violation: Any = 0.0
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "violation", rules.violation(self.violation))
        try:
            kept = json.loads(json.dumps(dict(checks.mapping("Evaluation(attributes=...)", self.attributes))))
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError("Evaluation(attributes=...) must be a dict of what JSON holds (text, numbers, truth "
                            f"values, None, lists, dicts), got {checks.shown(self.attributes)}: {error}.") from error
        object.__setattr__(self, "attributes", kept)


def evaluation(outcome: Any) -> Evaluation:
    """What an objective returned, if need be as one that says no more than a loss."""
    return outcome if isinstance(outcome, Evaluation) else Evaluation(outcome)
