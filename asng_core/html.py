"""Text as HTML: what is shown in notebooks and reports. Names and values are the user's, and enter as text."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

_LONGEST = 60  # letters of a value


def printable(text: str) -> str:
    """Line separators, control characters and halves of surrogate pairs as their escapes: Vega's expressions take no
    such character, and a file none of the last kind."""
    return text if text.isprintable() else "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def text_of(value: object, longest: int = _LONGEST) -> str:
    """A user's value as it is shown: text as it is, anything else by its repr; both cut."""
    try:
        text = value if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else repr(value)
    except Exception as error:  # a repr of the user's
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    text = printable(text)
    return text if len(text) <= longest else f"{text[:longest - 1]}…"


def described(point: dict[str, Any]) -> str:
    """A point on one line."""
    return ", ".join(f"{name}={text_of(value)}" for name, value in point.items())


def escape(text: str) -> str:
    """Text as HTML."""
    return html.escape(printable(text))


def table(header: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """Text to the left, numbers to the right; the table scrolls, by keys too, where it is wider than the page."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" if isinstance(cell, str) else
                                    f'<td class="number">{cell:.6g}</td>' for cell in row) + "</tr>" for row in rows)
    return (f'<div class="scroll" tabindex=0 role="group" aria-label="table"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")
