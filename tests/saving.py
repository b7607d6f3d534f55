"""A process that saves without end."""

from asng_core import ASNG, Space


def without_end(path, said):
    """Tells through the pipe `said`, after each save, how many results are in the file."""
    optimizer = ASNG(Space.binary(2000), seed=1)
    while True:
        batch = optimizer.ask(4)
        optimizer.tell(batch, [float(each.codes.sum()) for each in batch])
        optimizer.save(path)
        said.send(optimizer.n_told)
