"""What a benchmark is to show, whether it did, and the page that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """The bar in words, and the measured figure with its interval.

    parts: of asng, what it is about, keys of `store.BEHAVIOURS`; all that the page's runs depend on if empty.
    """

    text: str
    met: bool
    figure: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """The measured half of `pages/NAME.md`; the other half is prose. `results/NAME.md` holds all tables.

    files: the stored results that it is made of, each with the command that measures it.
    tables: caption -> Markdown; the page shows the first.
    draw: makes the picture at a path.
    note: what the figures come to, in a sentence, below the table.
    headline: the sentence that the project's README shows, if any.
    """

    name: str
    files: dict[str, str]
    claims: list[Claim]
    tables: dict[str, str]
    draw: Callable[[Path], None]
    note: str = ""
    headline: str = ""

    def summary(self) -> str:
        """All tables, for the terminal and for the file beside the results."""
        parts = [f"{caption}:\n\n{table}" for caption, table in self.tables.items()]
        return "\n\n".join([*parts, *([self.note] if self.note else [])])

    def show(self, folder: Path, name: str) -> None:
        """What was just measured: the summary in the terminal, the picture in the folder."""
        self.draw(folder / f"{name}.png")
        print(self.summary())
