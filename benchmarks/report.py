"""One report of all stored results: the pages, their pictures, and the index.

    python -m benchmarks.report            of what is stored
    python -m benchmarks.report --check    what is behind asng's behaviour, and by how much; before a release
    python -m benchmarks.report --quick    first a check of the whole path of every benchmark; all of it in a
                                           temporary folder, or in that of --out; within 10 minutes on 2 cores

A block is what stands between `<!-- NAME -->` and `<!-- /NAME -->`: of a page its claims, table, picture and source,
of the index the claims and the machines, of the project's README the headlines. A benchmark joins by its
name in `GROUPS`, a file in `pages/`, and

    pages(results) -> list[Page]           what the files in that folder come to
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from . import store
from .analysis import markdown
from .page import Claim, Page

ROOT = Path(__file__).parents[1]
README, INDEX, PAGES, RESULTS = (Path(name) for name in (
    "README.md", "benchmarks/README.md", "benchmarks/pages", "benchmarks/results"))
GROUPS: dict[str, tuple[str, ...]] = {  # heading of the index -> modules, in the order of their pages
    "`Minimizer`, and rivals": ("tables", "ablations", "pbo", "functions", "long_runs", "noisy_functions", "mixint",
                                "classics", "constraints", "kernel_tuner", "optuna_sampler", "sklearn_search",
                                "fidelities"),
    "`ASNG`, the paper's method": ("toy", "population", "scaling"),
    "What they cost": ("overhead", "supernet_step", "host_time", "workers"),
    "Architecture search": ("mini_space", "demo", "one_shot.truth", "one_shot.side_by_side", "one_shot.robustness",
                            "one_shot.ranking", "one_shot.trainings", "one_shot.supernets", "inpainting",
                            "elastic_transformer", "networks"),
}
RUNS: dict[str, tuple[str, ...]] = {  # module -> the arguments of the runs that fill its files
    **{name: ("",) for names in GROUPS.values() for name in names}, "ablations": (), "one_shot.ranking": (),
    "tables": ("all", "noise-free --ablate"), "functions": ("", "--ablate"), "noisy_functions": ("", "--ablate"),
    "pbo": ("all",)}
Stored = dict[str, list[store.Record]]  # name of a file -> what is in it
# judge what other quick runs find; their own are of a few networks
TRUTHS = ("one_shot_truth", "one_shot_images", "one_shot_text")


def gathered(results: Path) -> dict[str, list[Page]]:
    """Heading of the index -> its pages."""
    return {heading: [page for name in names for page in imported(name).pages(results)]
            for heading, names in GROUPS.items()}


def write(root: Path, *, pictures: bool = True) -> None:
    """Rewrite the pages and the index under `root`, the summaries and the pictures beside its results."""
    results, groups = root / RESULTS, gathered(root / RESULTS)
    stored = {name: store.records(results / name) for name in store.names(results)}
    every = [page for pages in groups.values() for page in pages]
    for page in every:
        if pictures:
            page.draw(results / f"{page.name}.png")
        _record(results / f"{page.name}.md", f"# {page.name}\n\n{page.summary()}\n\n{source(page, stored)}\n")
        _fill(root / PAGES / f"{page.name}.md", blocks(page, stored))
    _fill(root / INDEX, {"claims": claims_of(groups, stored), "machines": machines(stored)})
    headlines = [f"- {page.headline} ([measured](benchmarks/pages/{page.name}.md))." for page in every if page.headline]
    _fill(root / README, {"headlines": "\n".join([*headlines, "", "All claims, the missed ones too: "
                                                  "[benchmarks](benchmarks/README.md)."])}, required=False)


def blocks(page: Page, stored: Stored) -> dict[str, str]:
    """What the page shows, name -> Markdown."""
    (caption, table), *more = page.tables.items()
    others = f"\n\nMore tables: [results/{page.name}.md](../results/{page.name}.md)." if more else ""
    rows = ([verdict(claim), claim.text, f"{claim.figure}{_age(claim, page, stored)}"] for claim in page.claims)
    return {"claims": markdown.table(["", "claim", "measured"], rows) if page.claims else
            "No claim: what is seen is said below.",
            "table": f"{caption}:\n\n{table}" + (f"\n\n{page.note}" if page.note else "") + others,
            "plot": f"![{page.name}](../results/{page.name}.png)", "source": source(page, stored)}


def claims_of(groups: dict[str, list[Page]], stored: Stored) -> str:
    """Every claim, by heading, with a link to its page."""
    every = [claim for pages in groups.values() for page in pages for claim in page.claims]
    parts = [f"{sum(claim.met for claim in every)} of {len(every)} claims are met."]
    for heading, pages in groups.items():
        links = {page.name: f"[{page.name.replace('_', ' ')}](pages/{page.name}.md)" for page in pages}
        rows = [[links[page.name] if claim is page.claims[0] else "", verdict(claim), claim.text,
                 f"{claim.figure}{_age(claim, page, stored)}"] for page in pages for claim in page.claims]
        without = [links[page.name] for page in pages if not page.claims]
        parts += [f"### {heading}", markdown.table(["page", "", "claim", "measured"], rows)]
        parts += [f"Without a claim: {', '.join(without)}."] if without else []
    return "\n\n".join(parts)


def verdict(claim: Claim) -> str:
    return "met" if claim.met else "**MISSED**"


def _age(claim: Claim, page: Page, stored: Stored) -> str:
    """How many changes of behaviour ago it was measured, of what it is about; nothing if none."""
    oldest = {part: n for name in page.files for part, n in store.oldest(stored[name]).items()
              if part in (claim.parts or store.BEHAVIOURS)}
    return f" *({', '.join(aged(part, n) for part, n in oldest.items())})*" if oldest else ""


def aged(part: str, n: int) -> str:
    return f"measured {n} change{'s' * (n > 1)} of {part} ago"


def source(page: Page, stored: Stored) -> str:
    """When and with what it was measured, and where the runs are."""
    found = [record for name in page.files for record in stored[name]]
    files = ", ".join(f"[{name}{store.SUFFIX}](../results/{name}{store.SUFFIX})" for name in page.files)
    return f"{len(found):,} runs, {provenance(store.sources(found))}. Raw: {files}."


def provenance(sources: list[dict[str, Any]]) -> str:
    """The dates, machines and versions."""
    dates = sorted({source["date"] for source in sources})
    machines = dict.fromkeys(source["machine"] for source in sources)
    versions: dict[str, dict[str, None]] = {}
    for package, version in (pair for source in sources for pair in source["versions"].items()):
        versions.setdefault(package, {})[version] = None
    return (f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}, on {'; '.join(machines)}; "
            + ", ".join(f"{package} {' and '.join(found)}" for package, found in versions.items()))


def machines(stored: Stored) -> str:
    return f"Measured {provenance([source for found in stored.values() for source in store.sources(found)])}."


def stale(results: Path) -> Iterator[str]:
    """A line for each file and part of asng that has changed since, with the command that measures it again."""
    commands = {name: command for pages in gathered(results).values() for page in pages
                for name, command in page.files.items()}
    for name in store.names(results):
        found = store.records(results / name)
        for part, n in store.oldest(found).items():
            number = sum(part in store.behind(record["source"]) for record in found)
            yield f"{name}: {number:,} of {len(found):,} runs {aged(part, n)}: {commands.get(name, name)} --refresh"


def _fill(path: Path, found: dict[str, str], *, required: bool = True) -> None:
    """Replace the marked blocks of a file."""
    text, shown = filled(path.read_text(), found)
    if required and found.keys() - shown:
        raise ValueError(f"{path} does not show {', '.join(sorted(found.keys() - shown))}. Add `<!-- NAME -->` and "
                         "`<!-- /NAME -->` to it.")
    _record(path, text)


def _record(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def filled(text: str, blocks: dict[str, str]) -> tuple[str, set[str]]:
    """The text with its marked blocks replaced, and their names."""
    shown = set()

    def fill(match: re.Match[str]) -> str:
        shown.add(match[1])
        return f"<!-- {match[1]} -->\n\n{blocks[match[1]]}\n\n<!-- /{match[1]} -->"

    text = re.sub(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", fill, text, flags=re.DOTALL)
    return text, shown


def quick(root: Path) -> None:
    """The `--quick` runs of every benchmark, stored under `root` as if they were the whole ones."""
    results = root / RESULTS
    results.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / README, root / README)
    shutil.copy(ROOT / INDEX, root / INDEX)
    shutil.copytree(ROOT / PAGES, root / PAGES, dirs_exist_ok=True)
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # the processes are the parallelism
    for name, arguments in ((name, arguments) for name, runs in RUNS.items() for arguments in runs):
        command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.{name}", *arguments.split(), "--quick",
                   "--out", str(results)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **threads})
    for path in (store.RESULTS / f"{name}{store.SUFFIX}" for name in TRUTHS):
        if path.exists():
            shutil.copy(path, results)
    for path in results.glob(f"*_quick{store.SUFFIX}"):
        if not path.name.startswith(TRUTHS):
            path.rename(path.with_name(path.name.replace("_quick", "")))


def imported(name: str) -> ModuleType:
    """The benchmark of that name."""
    try:
        return import_module(f".{name}", __package__)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"benchmarks.{name} needs {error.name}. `pip install -e '.[torch,bench]'` brings "
                                  "what the benchmarks need.", name=error.name) from error


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run and report a check of the whole path")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if any run is behind")
    parser.add_argument("--out", type=Path, help="folder with README.md and benchmarks (default: the repository, of "
                                                 "--quick a temporary one)")
    options = parser.parse_args()
    root = options.out or (Path(tempfile.mkdtemp()) if options.quick else ROOT)
    if options.check:
        lines = list(stale(root / RESULTS))
        print("\n".join(lines) or "All stored runs are of asng as it is.")
        sys.exit(1 if lines else 0)
    if options.quick:
        quick(root)
    write(root)
    print(f"Written: {root / INDEX}, {root / PAGES}")


if __name__ == "__main__":
    main()
