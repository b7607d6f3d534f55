import pytest
import torch

from asng_core import ASNG
from asng_torch import Supernet
from asng_torch.cells.genotype import architecture_of, from_genotype, to_genotype
from asng_torch.spaces import enas_micro

TEXT = ("Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('max_pool_3x3', 2), ('sep_conv_5x5', 0)], "
        "normal_concat=[3], reduce=[('skip_connect', 1), ('skip_connect', 1), ('avg_pool_3x3', 0), "
        "('avg_pool_3x3', 1)], reduce_concat=[2, 3])")


def test_genotypes_go_both_ways():
    architecture = from_genotype(TEXT)
    assert architecture["normal.node1_input0"] == 2
    assert architecture["normal.node1_operation0"] == "max_pool_3x3"
    assert to_genotype(architecture) == TEXT
    assert from_genotype(TEXT.replace("[2, 3]", "range(2, 4)")) == architecture


def test_every_architecture_of_the_enas_space_survives():
    with torch.device("meta"):
        space = Supernet(enas_micro.network(1, 10, channels=4, cells=3)).space
    for architecture in map(dict, ASNG(space, seed=0).sample(20)):
        assert from_genotype(to_genotype(architecture)) == architecture
        space.encode(from_genotype(to_genotype(architecture)))


@pytest.mark.parametrize("text", ["", "Genotype()", "f(1)", "Genotype(normal=open('x'))", "1 +", TEXT + "x",
                                  TEXT.replace("Genotype(", "Genotype(1, "), TEXT.replace("[3]", "3"),
                                  TEXT.replace("[3]", "range('a')"),
                                  TEXT.replace("[3]", "range(10**9)"), TEXT.replace("[3]", f"range({10**30})"),
                                  TEXT.replace("[3]", "range(100_000_000)"), "(" * 100_000, "-" * 10_000 + "1"])
def test_what_is_no_genotype_is_explained_and_never_run(text):
    with pytest.raises(ValueError, match=r"from_genotype\(text\) must be Genotype\(normal="):
        from_genotype(text)


def test_genotypes_of_other_cells_are_explained():
    with pytest.raises(ValueError, match=r"must have reduce_concat=\[2, 3\], the maps that no node reads, .*got \[3\]"):
        from_genotype(TEXT.replace("[2, 3]", "[3]"))
    with pytest.raises(ValueError, match=r"'normal.node1_input0'\] must be a map within 0..2, .*got 3"):
        from_genotype(TEXT.replace("'max_pool_3x3', 2", "'max_pool_3x3', 3"))
    with pytest.raises(ValueError, match=r"must have two \(operation, map\) pairs for each node in normal="):
        from_genotype(TEXT.replace("('sep_conv_3x3', 1), ", ""))
    three = [[(0, "skip_connect")] * 3]
    with pytest.raises(ValueError, match="must pick two operations per node"):
        to_genotype({**architecture_of(three, "normal"), **architecture_of(three, "reduce")})
