"""Every rule about user input, one function each: it returns the value ready for use, or raises.

An error names the argument, the rule, what came, and the repair. `where` is the argument as the
user wrote it, for example "ASNG(population_size=...)".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import Any, SupportsFloat, SupportsIndex, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
EXACT_INTEGERS = 2**53  # every integer up to here is a float64, so Gaussian draws can name it
MAX_STEP_SIZE = 1e100  # longer steps end at the limits all the same, and their squares must stay finite
LOG_POSITIONS = 2**40  # neighbours up to here have logarithms that float64 tells well apart


def shown(value: object) -> str:
    """`value` as error messages print it: its repr, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def integer(where: str, value: object, *, minimum: int | None = None) -> int:
    """A whole number of at least `minimum`; NumPy integers too, bools not."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{where} must be an integer, got {shown(value)}.")
    number = operator.index(cast(SupportsIndex, value))
    if minimum is not None and number < minimum:
        raise ValueError(f"{where} must be at least {minimum}, got {number}.")
    return number


def real(where: str, value: object, *, above: float = -math.inf, below: float = math.inf) -> float:
    """A finite number strictly between `above` and `below`."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{where} must be a number, got {shown(value)}.")
    try:
        number = float(cast(SupportsFloat, value))
    except OverflowError:
        number = math.inf
    if not (above < number < below and math.isfinite(number)):
        rule = f"greater than {above:g} and " * (above > -math.inf)
        rule += f"less than {below:g}" if below < math.inf else "finite"
        raise ValueError(f"{where} must be {rule}, got {number}.")
    return number


def update_settings(where: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """margin, initial_step_size, alpha and adapt of a search distribution."""
    margin, adapt = settings["margin"], settings["adapt"]
    return {"margin": None if margin is None else real(f"{where}(margin=...)", margin, above=0, below=0.5),
            "initial_step_size": real(f"{where}(initial_step_size=...)", settings["initial_step_size"], above=0,
                                      below=MAX_STEP_SIZE),
            "alpha": real(f"{where}(alpha=...)", settings["alpha"], above=1), "adapt": bool(adapt)}


def seed(where: str, value: object) -> int | np.random.SeedSequence | None:
    """None, a whole number from 0, or a SeedSequence; not a Generator, whose state two would share."""
    if value is None or isinstance(value, np.random.SeedSequence):
        return value
    if isinstance(value, np.random.Generator):
        raise TypeError(f"{where} must be None, an integer or a SeedSequence, got a Generator. "
                        "Pass int(generator.integers(2**63)).")
    return integer(where, value, minimum=0)


def choices(where: str, values: object) -> tuple[Any, ...]:
    """At least one value, in the user's order."""
    if isinstance(values, (str, bytes, Set)) or not isinstance(values, Iterable):  # a set has no order
        raise TypeError(f"{where} must be a list of values, got {shown(values)}. Put it into a list.")
    listed = tuple(values)
    if not listed:
        raise ValueError(f"{where} must hold at least one value, got none.")
    return listed


def truth(where: str, value: object) -> bool:
    """True or False, NumPy's too."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{where} must be True or False, got {shown(value)}.")
    return bool(value)


def ordered_bounds(kind: str, low: float, high: float) -> None:
    """Bounds the right way round."""
    if low > high:
        raise ValueError(f"{kind}(low, high) must have low <= high, got low={low}, high={high}. Swap them.")


def n_steps(kind: str, steps: float, low: float, low_steps: float, log: bool) -> None:
    """So few steps, and on a log scale so near to 0, that float64 tells the positions apart."""
    if steps > EXACT_INTEGERS:
        raise ValueError(f"{kind}(low, high) must span at most 2**53 steps, got {steps}. Search a coarser grid.")
    if log:
        positive_low(kind, low)
        if low_steps + steps > LOG_POSITIONS:
            raise ValueError(f"{kind}(log=True) must have high at most 2**40 steps, got {low_steps + steps:.6g}. "
                             "Take larger steps, or a Real(log=True).")


def positive_low(kind: str, low: float) -> None:
    """What a log scale needs."""
    if low <= 0:
        raise ValueError(f"{kind}(log=True) must have low greater than 0, got low={low}. Leave out log, or raise low.")


def known_name(where: str, name: object, names: Iterable[str]) -> str:
    """The name of a variable of the space."""
    listed = list(names)
    if not isinstance(name, str) or name not in listed:
        raise ValueError(f"{where} must name variables of the space, got {shown(name)}. "
                         f"The space's names are {shown(listed)}.")
    return name


def mapping(where: str, value: object) -> Mapping[str, Any]:
    """A mapping from variable names."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} must be a mapping from variable names to values, got {shown(value)}.")
    return value


def named_values(names: Collection[str], active: Sequence[bool], values: Mapping[str, Any]) -> None:
    """A mapping with exactly the names that are active."""
    unknown = [name for name in values if name not in names]
    missing = [name for name, needed in zip(names, active, strict=True) if needed and name not in values]
    inactive = [name for name, needed in zip(names, active, strict=True) if not needed and name in values]
    if unknown or missing or inactive:
        parts = [f"unknown {shown(unknown)}"] * bool(unknown) + [f"missing {shown(missing)}"] * bool(missing)
        parts += [f"inactive {shown(inactive)} (condition not met)"] * bool(inactive)
        raise ValueError(f"values must name every active variable of the space and no other: {', '.join(parts)}. "
                         f"The space's names are {shown(list(names))}.")


def codes(sizes: NDArray[np.int64], lows: Floats, highs: Floats, conditional: Bools, value: object) -> NDArray[Any]:
    """`(n_variables,)` or `(n, n_variables)` codes within each variable's range, or -1 (NaN) for a conditional one.

    Positions are integers, as floats too where a continuous variable, of size 0, is among them.
    """
    array = np.asarray(value)
    if array.ndim not in (1, 2) or array.shape[-1] != len(sizes):
        raise ValueError(f"codes must have shape (n_variables,) or (n, n_variables) with n_variables = {len(sizes)}, "
                         f"got {array.shape}.")
    continuous = sizes == 0
    legal: tuple[type, ...] = (np.integer, np.floating) if continuous.any() else (np.integer,)
    if not any(np.issubdtype(array.dtype, kind) for kind in legal):
        raise TypeError(f"codes must be integers (positions 0..K-1), got dtype {array.dtype}. "
                        "To turn values into codes, use Space.encode.")
    rows = np.atleast_2d(array)
    fine = (rows >= lows) & (rows <= highs) & (continuous | (rows == np.rint(rows)))
    fine |= conditional & np.where(continuous, np.isnan(rows), rows == -1)
    wrong = np.argwhere(~fine)
    if len(wrong):
        row, column = wrong[0]
        span = f"{lows[column]}..{highs[column]}" if continuous[column] else f"0..{sizes[column] - 1}"
        raise ValueError(f"codes of variable {column} must be within {span}, got {rows[row, column]}.")
    return array.astype(np.float64 if continuous.any() else np.int64)


def activity(names: Sequence[str], active: Bools, present: Bools) -> None:
    """Codes hold a value exactly where a variable is active."""
    wrong = np.argwhere(active != present)
    if len(wrong):
        row, column = wrong[0]
        rule = "hold its value" if active[row, column] else "be -1 (NaN in a continuum), its condition not being met"
        raise ValueError(f"codes of variable {column} ({names[column]!r}) must {rule}.")


def predicates(where: str, value: object) -> tuple[Callable[..., Any], ...]:
    """Functions, any number of them."""
    listed = tuple(value) if isinstance(value, Iterable) and not isinstance(value, (str, Set, Mapping)) else None
    if listed is None or not all(callable(each) for each in listed):
        raise TypeError(f"{where} must be a list of functions from a dict of values to True or False, "
                        f"got {shown(value)}.")
    return listed


def probabilities(where: str, value: Sequence[Any] | NDArray[Any]) -> Floats:
    """`(K,)` probabilities that sum to 1, up to rounding."""
    array = np.array([real(where, each) for each in value])
    if (array < 0).any() or abs(array.sum() - 1) > 1e-6:
        raise ValueError(f"{where} must be probabilities, at least 0 and summing to 1, got {shown(array.tolist())}.")
    return np.asarray(array / array.sum(), dtype=np.float64)


def losses(value: object, n: int) -> NDArray[np.float64]:
    """`(n,)` float64 losses from anything `float()` takes (0-d tensors too), text excepted."""
    if getattr(value, "ndim", 1) > 1:
        raise ValueError(f"losses must have shape ({n},), one per candidate, got {tuple(getattr(value, 'shape', ()))}.")
    return np.array([loss(each) for each in _one_each(value, n)], dtype=np.float64)


def objectives(value: object, n: int, known: tuple[int, ...] | None) -> list[Any]:
    """`n` losses as floats, or as tuples of one float per objective.

    `known` is () or (n_objectives,), the shape of one candidate's losses if any was told before.
    """
    found = [tuple(map(loss, each)) if isinstance(each, (list, tuple)) or getattr(each, "ndim", 0) > 0 else loss(each)
             for each in _one_each(value, n)]
    found = [each[0] if isinstance(each, tuple) and len(each) == 1 else each for each in found]
    shapes = {np.shape(each) for each in found}
    if len(shapes) > 1 or (0,) in shapes:
        raise ValueError(f"losses must have shape (n,), or (n, n_objectives) with several objectives, n = {n}, "
                         f"got {shown(value)}.")
    if known is not None and shapes != {known}:
        raise ValueError(f"a candidate must have as many losses as those told before: shape {known}, "
                         f"got {shapes.pop()}.")
    return found


def _one_each(value: object, n: int) -> list[Any]:
    """What came for each of `n` candidates."""
    dimensions = getattr(value, "ndim", 1)  # of an array or a tensor
    if isinstance(value, (str, bytes, Set, Mapping)) or not isinstance(value, Iterable) or dimensions == 0:
        raise TypeError(f"losses must be a list of one number per candidate ({n}), got {shown(value)}.")
    listed = list(value)
    if len(listed) != n:
        raise ValueError(f"losses must be one number per candidate: {n} candidates, got {len(listed)} losses.")
    return listed


def loss(value: object) -> float:
    """One loss as a float; NaN and infinities are legal and rank last."""
    try:
        # float() would take text; an objective that returns it has a bug
        return float("not a number" if isinstance(value, (str, bytes)) else cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"a loss must be one real number, got {shown(value)} ({type(value).__name__}). "
                        "For a failed evaluation tell float('nan').") from None


def violations(value: object, n: int) -> Floats:
    """`(n,)` summed violations: for each candidate a number, or several; only what is positive violates."""
    listed = None
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Set, Mapping)):
        listed = list(value) if getattr(value, "ndim", 1) else None
    if listed is None or len(listed) != n:
        raise ValueError(f"violations must be a list with an entry per candidate ({n}), got {shown(value)}.")
    return np.array([violation(entry) for entry in listed], dtype=np.float64)


def violation(value: object) -> float:
    """One candidate's summed violation: the positive of one number or of several."""
    several: list[Any] = list(value) if isinstance(value, Iterable) and getattr(value, "ndim", None) != 0 else [value]
    try:
        numbers = [float("not a number" if isinstance(each, (str, bytes)) else each) for each in several]
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"a violation must be one real number or a list of them, got {shown(value)}.") from None
    if any(math.isnan(number) for number in numbers):
        raise ValueError(f"a violation must not be NaN, got {shown(value)}. For a failed evaluation tell the loss "
                         "float('nan').")
    return sum(max(number, 0.0) for number in numbers)


def open_ids(ids: Sequence[int | None], is_open: Mapping[int, object], n_asked: int) -> list[int]:
    """Ids of candidates that were asked and wait for their first loss."""
    known: list[int] = []
    for number in ids:
        if number is None:
            raise ValueError("tell(candidates) got a candidate drawn by sample(), whose loss is not awaited. "
                             "Draw with ask() what you want to tell.")
        if number in is_open:
            known.append(number)
        elif 0 <= number < n_asked:
            raise ValueError(f"each candidate can be told once, but candidate {number} was told before.")
        else:
            raise ValueError(f"tell(candidates) takes candidates that this optimizer asked, but never asked "
                             f"candidate {number}.")
    if len(set(known)) < len(known):
        raise ValueError(f"each candidate can be told once, but tell(candidates) holds one twice: ids {shown(known)}.")
    return known


def state_array(value: object, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A copy of a state's array, of the shape that this optimizer needs and finite."""
    array = np.array(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"an array has shape {array.shape}, but {shape} is needed.")
    if not np.isfinite(array).all():
        raise ValueError("an array holds infinite numbers or NaN.")
    return array
