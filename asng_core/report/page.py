"""The page: sections of text, tables and charts, in one file that needs no other.

Charts are drawn by Vega-Lite, whose scripts come out of the package vl-convert-python and into the page. Whatever is
not ours, names and values, enters as text: escaped in HTML, and in JSON with no `<`, so that nothing ends the script
element around it. A content security policy forbids the page to load anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from .. import checkpoint
from ..html import escape, printable

_POLICY = ("default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
           "img-src data: blob:")  # charts are saved as pictures by blobs; Vega compiles its expressions


@dataclass
class Page:
    """Sections, in order; `write` makes the file."""

    title: str
    _parts: list[str] = field(default_factory=list)
    _sections: list[tuple[str, str]] = field(default_factory=list)
    _specs: list[str] = field(default_factory=list)

    def section(self, title: str, *parts: str) -> None:
        """A heading, and what stands under it: HTML, of the functions below."""
        name = f"section-{len(self._sections)}"
        self._sections.append((name, title))
        self._parts += [f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>', *parts, "</section>"]

    def intro(self, *parts: str) -> None:
        """What stands above all sections."""
        self._parts += parts

    def chart(self, spec: Mapping[str, Any], what: str, table: str = "") -> str:
        """A Vega-Lite chart. what: said below it, and to who does not see it. table: the same in numbers."""
        name = f"spec-{len(self._specs)}"
        text = json.dumps(_plain(spec), separators=(",", ":")).replace("<", "\\u003c")
        self._specs.append(f'<script type="application/json" id="{name}">{text}</script>')
        more = f"<details><summary>The numbers</summary>{table}</details>" if table else ""
        return (f'<figure><div class="chart" data-spec="{name}" role="group" aria-label="{escape(what)}"></div>'
                f"<figcaption>{escape(what)}</figcaption>{more}</figure>")

    def write(self, path: str | os.PathLike[str]) -> None:
        """The file, atomically. Raises ImportError without the extra `report`, OSError if it cannot be written."""
        text = self.html()
        checkpoint.atomically(path, lambda file: file.write(text.encode()))

    def html(self) -> str:
        """The whole document."""
        links = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title in self._sections)
        scripts = f"<script>{_vega()}</script><script>{_own('page.js')}</script>" if self._specs else ""
        return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
                f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
                '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
                '<link rel="icon" href="data:,">\n'
                f"<title>{escape(self.title)}</title>\n<style>{_own('page.css')}</style></head>\n"
                f'<body><main><h1>{escape(self.title)}</h1><nav aria-label="Sections">{links}</nav>\n'
                + "\n".join(self._parts) + "</main>\n" + "\n".join([*self._specs, scripts]) + "</body></html>\n")


def paragraph(text: str, kind: str = "") -> str:
    """Plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """A small heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def code(text: str) -> str:
    """Lines to copy."""
    lines = "\n".join(map(escape, text.split("\n")))
    return f"<pre tabindex=0>{lines}</pre>"  # to be scrolled by keys


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Numbers, large, and what they are."""
    return ('<ul class="facts">' + "".join(f"<li><span>{escape(name)}</span><b>{escape(value)}</b></li>"
                                           for name, value in pairs) + "</ul>")


def grid(parts: Iterable[str]) -> str:
    """Side by side, where there is room."""
    return f'<div class="grid">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _vega() -> str:
    """Vega, Vega-Lite and vega-embed as one script."""
    try:
        import vl_convert
    except ImportError as error:
        raise ImportError("a report needs vl-convert-python. Run: pip install 'asng[report]'") from error
    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg,unused-ignore]
    return script.replace("</script", "<\\/script")


def _plain(tree: Any) -> Any:
    """Six digits of numbers, null for those that JSON cannot hold, and printable text."""
    if isinstance(tree, str):
        return printable(tree)
    if isinstance(tree, float):
        return float(f"{tree:.6g}") if tree - tree == 0 else None
    if isinstance(tree, Mapping):
        return {key: _plain(value) for key, value in tree.items()}
    return [_plain(each) for each in tree] if isinstance(tree, (list, tuple)) else tree
