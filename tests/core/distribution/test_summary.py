"""The table of what is believed, in the user's values."""

from asng_core import ASNG, Integer, Ordinal, Space


def test_levels_are_shown_not_their_positions():
    optimizer = ASNG(Space({"size": Ordinal(["low", "mid", "high", "huge"]), "n": Integer(0, 9)}), seed=0)
    rows = {line.split()[0]: line for line in optimizer.summary().splitlines()[1:]}
    assert "'high' ('mid' to 'high')" in rows["size"]
    assert "+-" in rows["n"]
    while not optimizer.converged:
        batch = optimizer.ask(8)
        optimizer.tell(batch, [(each["size"] != "high") + abs(each["n"] - 4) for each in batch])
    rows = {line.split()[0]: line for line in optimizer.summary().splitlines()[1:]}
    assert rows["size"].split()[2] == "'high'"
