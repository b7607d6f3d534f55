"""One report of all stored results: the claims, the marked blocks of the READMEs, the pictures.

    python -m benchmarks.report            of what is stored
    python -m benchmarks.report --quick    first a check of the whole path of every benchmark; all of it in a
                                           temporary folder, or in that of --out; within 10 minutes on 2 cores

A block is what stands between `<!-- NAME -->` and `<!-- /NAME -->`. A benchmark joins by a row in `RUNS`, and by

    blocks(results) -> dict[str, str]      name -> Markdown, from the files in that folder; draws its pictures there
    claims(results) -> list[Claim]         the bars, met or missed
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

from . import store
from .claims import Claim

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "benchmarks/README.md")
# module -> the arguments of the runs that fill its files
RUNS: dict[str, tuple[str, ...]] = {
    "tables": ("all", "noise-free --ablate", "noisy --ablate"),
    "functions": ("", "--ablate"),
    "toy": ("",),
    "population": ("",),
    "overhead": ("",),
    "mini_space": ("",),
    "inpainting": ("",),
    "supernet_step": ("",),
    "scaling": ("",),
    "pbo": ("all",),
    "one_shot.truth": ("",),
    "one_shot.side_by_side": ("",),
    "one_shot.robustness": ("",),
}
# judges what other quick runs find; its own are of a few networks
TRUTH = "one_shot_truth.json"


def write(root: Path) -> None:
    """Rewrite the READMEs under `root` and the pictures beside its results."""
    results = root / "benchmarks" / "results"
    modules = [imported(name) for name in RUNS]
    claims = [claim for module in modules for claim in module.claims(results)]
    blocks = {"claims": claims_table(claims, results), "headlines": headlines(claims), "stored": stored_table(results)}
    for module in modules:
        blocks |= module.blocks(results)
    unused = set(blocks)
    for name in READMES:
        text, shown = filled((root / name).read_text(), blocks)
        (root / name).write_text(text)
        unused -= shown
    if unused:
        raise ValueError(f"no README shows {', '.join(sorted(unused))}. Add `<!-- NAME -->` and `<!-- /NAME -->` to "
                         "benchmarks/README.md.")


def filled(text: str, blocks: dict[str, str]) -> tuple[str, set[str]]:
    """The text with its marked blocks replaced, and their names."""
    shown = set()

    def fill(match: re.Match[str]) -> str:
        shown.add(match[1])
        return f"<!-- {match[1]} -->\n\n{blocks[match[1]]}\n\n<!-- /{match[1]} -->"

    text = re.sub(r"<!-- (\w[\w /-]*) -->\n.*?<!-- /\1 -->", fill, text, flags=re.DOTALL)
    return text, shown


def claims_table(claims: list[Claim], results: Path) -> str:
    """Every claim; what it was measured with is a numbered note."""
    notes: list[str] = []
    lines = [f"{sum(claim.met for claim in claims)} of {len(claims)} claims are met.", "",
             "| | claim | measured | command | when, with |", "|---|---|---|---|---|"]
    for claim in claims:
        dates, made_with = provenance(results / claim.file)
        if made_with not in notes:
            notes.append(made_with)
        lines.append(f"| {_verdict(claim)} | {claim.text} | {claim.figure} | `{claim.command}` "
                     f"| {dates} [{notes.index(made_with) + 1}] |")
    return "\n".join([*lines, "", *(f"{number}. {note}" for number, note in enumerate(notes, 1))])


def headlines(claims: list[Claim]) -> str:
    """Those that the project's README shows."""
    return "\n".join(["| | claim | measured | command |", "|---|---|---|---|",
                      *(f"| {_verdict(claim)} | {claim.text} | {claim.figure} | `{claim.command}` |"
                        for claim in claims if claim.headline)])


def _verdict(claim: Claim) -> str:
    return "met" if claim.met else "**MISSED**"


def provenance(path: Path) -> tuple[str, str]:
    """When a file was measured; on which machines and with which versions."""
    sources = store.sources(path)
    dates = sorted({source["date"] for source in sources})
    machines = dict.fromkeys(source["machine"] for source in sources)
    versions: dict[str, dict[str, None]] = {}
    for source in sources:
        for package, version in source["versions"].items():
            versions.setdefault(package, {})[version] = None
    return (" to ".join(dict.fromkeys((dates[0], dates[-1]))), "; ".join(machines) + "; "
            + ", ".join(f"{package} {' and '.join(found)}" for package, found in versions.items()))


def stored_table(results: Path) -> str:
    """Every stored file, and how many changes of behaviour its oldest run is behind."""
    lines = ["| file | runs | measured | changes of behaviour since |", "|---|---|---|---|"]
    for path in sorted(results.glob("*.json")):
        lines.append(f"| [{path.name}](results/{path.name}) | {len(store.records(path)):,} | {provenance(path)[0]} "
                     f"| {store.behind(path)} |")
    return "\n".join(lines)


def quick(root: Path) -> None:
    """The `--quick` runs of every benchmark, stored under `root` as if they were the whole ones."""
    results = root / "benchmarks" / "results"
    results.mkdir(parents=True, exist_ok=True)
    for name in READMES:
        shutil.copy(ROOT / name, root / name)
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # the processes are the parallelism
    for name, arguments in ((name, arguments) for name, runs in RUNS.items() for arguments in runs):
        command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.{name}", *arguments.split(), "--quick",
                   "--out", str(results)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **threads})
    shutil.copy(store.RESULTS / TRUTH, results)
    for path in results.glob("*_quick.*"):
        whole = path.with_stem(path.stem.removesuffix("_quick"))
        if whole.name != TRUTH:
            path.rename(whole)


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
    parser.add_argument("--out", type=Path, help="folder with README.md and benchmarks (default: the repository, of "
                                                 "--quick a temporary one)")
    options = parser.parse_args()
    root = options.out or (Path(tempfile.mkdtemp()) if options.quick else ROOT)
    if options.quick:
        quick(root)
    write(root)
    print(f"Written: {', '.join(str(root / name) for name in READMES)}")


if __name__ == "__main__":
    main()
