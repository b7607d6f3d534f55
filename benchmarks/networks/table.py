"""A table of networks that nobody here wrote, with choices inside their repeated blocks: what works with each.

    python -m benchmarks.networks            all of them, about a quarter of an hour of one core
    python -m benchmarks.networks --quick    three of them, seconds; stored apart

Random weights from the libraries' configurations, small, nothing downloaded: pip install 'asng[networks]'. A cell is
yes, or says what went wrong; where PyTorch fails with the author's own network as well, that.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch

from .. import store
from ..analysis import markdown, plots
from ..page import Claim, Page
from . import graphs, text, vision
from .checks import CHECKS, judged

KINDS = ("yes", "PyTorch cannot", "no")
NETWORKS = {f"{network.name}, {network.library}": network
            for network in (*text.NETWORKS, *vision.NETWORKS, *graphs.NETWORKS)}
QUICK = ["BERT, transformers", "ViT, torchvision", "ResNet, torchvision"]
PACKAGES = ("numpy", "torch", "torchvision", "timm", "transformers", "peft", "torch_geometric", "onnx", "onnxscript")


def run(network: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    return judged(NETWORKS[network])


def main() -> None:
    parser = store.parser("networks", __doc__)
    parser.add_argument("--quick", action="store_true", help="three networks, stored apart")
    options = parser.parse_args()
    tasks = [{"network": name} for name in (QUICK if options.quick else NETWORKS)]
    print(table(store.measure(options.out / ("networks_quick" if options.quick else "networks"), run, tasks,
                              parts=lambda _: ("asng_torch",), packages=PACKAGES, **store.how(options))))


def table(records: list[dict[str, Any]]) -> str:
    """A row for each network; what is not yes is said below, by its number."""
    rows, notes = [], list[str]()
    for record in records:
        network, cells = NETWORKS[record["task"]["network"]], []
        for name in CHECKS:
            cell = record["result"][name]
            if cell != "yes":
                if cell not in notes:
                    notes.append(cell)
                cell = f"[{notes.index(cell) + 1}]"
            cells.append(cell)
        rows.append([network.name, network.library, f"{network.choices} ({record['result']['variables']})", *cells])
    head = ["network", "of", "chosen (variables)", *CHECKS]
    return "\n\n".join([markdown.table(head, rows), *(f"[{i + 1}] {note}" for i, note in enumerate(notes))])


def verdicts(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Column -> of each network one of KINDS."""
    return {name: ["PyTorch cannot" if cell.startswith("PyTorch") else "yes" if cell == "yes" else "no"
                   for cell in (record["result"][name] for record in records)] for name in CHECKS}


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """How many networks pass each check, and how many PyTorch itself fails."""
    rows = {name: [found.count(kind) for kind in KINDS] for name, found in verdicts(records).items()}
    plots.bars(rows, KINDS, "networks", path)


def pages(results: Path) -> list[Page]:
    stored = {record["task"]["network"]: record for record in store.records(results / "networks")}
    records = [stored[name] for name in NETWORKS if name in stored]
    cells = [cell for column in verdicts(records).values() for cell in column]
    yes, cannot, no = (cells.count(kind) for kind in KINDS)
    claim = Claim("at least 30 networks nobody here wrote are searched, derived, reset, counted, saved, copied, "
                  "exported, compiled and resumed, or PyTorch itself cannot", not no and len(records) >= 30,
                  f"{len(records)} networks: {yes} cells yes, {cannot} PyTorch cannot, {no} no", ("asng_torch",))
    return [Page("networks", {"networks": "python -m benchmarks.networks"}, [claim],
                 {"What works with each network": table(records)}, partial(draw, records))]
