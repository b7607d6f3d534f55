import itertools
import xml.etree.ElementTree

import pytest

from asng_core import ASNG
from asng_torch import Cell, Supernet
from asng_torch.cells.draw import draw_cell
from asng_torch.cells.genotype import picks_of
from asng_torch.cells.layout import layout
from asng_torch.spaces import nasbench201


def random_cells(n):
    names = ("skip_connect", "sep_conv_3x3", "none")
    space = Supernet(Cell({name: lambda node, source: None for name in names}, n_nodes=5, label="a")).space
    return [picks_of(each, "a") for each in ASNG(space, seed=0).sample(n)]


def test_parts_of_a_layer_never_overlap_and_edges_lead_to_the_next_layer():
    for edges in random_cells(50):
        graph = layout(edges, 2)
        for layer in graph.layers():
            parts = sorted((graph.parts[each] for each in layer), key=lambda part: part.y)
            assert all(below.y - above.y > 0.59 for above, below in itertools.pairwise(parts))
        assert all(graph.parts[end].layer == graph.parts[start].layer + 1 for start, end in graph.edges)
        shown = [part.text for part in graph.parts if part.kind == "operation"]
        assert sorted(shown) == sorted(name for node in edges for _, name in node if name != "none")


def test_a_chain_is_drawn_straight():
    graph = layout([[(0, "a")], [(1, "b")], [(2, "c")]], 1)
    assert len({part.y for part in graph.parts}) == 1
    assert [part.text for part in sorted(graph.parts, key=lambda part: part.layer)] == [
        "input", "a", "0", "b", "1", "c", "2", "output"]


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_pictures_are_written(tmp_path, suffix):
    text = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
    path = tmp_path / f"cell.{suffix}"
    draw_cell(nasbench201.picks(nasbench201.from_string(text)), 1, path, title="best cell", first_node=1)
    if suffix == "png":
        assert path.read_bytes().startswith(b"\x89PNG")
    else:
        assert xml.etree.ElementTree.parse(path).getroot().tag.endswith("svg")
        content = path.read_text()
        assert all(f"<!-- {word} -->" in content for word in ("input", "avg_pool_3x3", "best cell", "3", "output"))
        assert "<!-- none -->" not in content
