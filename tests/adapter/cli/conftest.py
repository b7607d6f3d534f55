"""A folder of Fashion-MNIST's format with few images, and the command line with it."""

import pytest
import torch

from asng_torch import cli


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.numpy().tobytes()


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """200 training and 40 test images in which a class is a bright row."""
    folder = tmp_path_factory.mktemp("images")
    generator = torch.Generator().manual_seed(0)
    for name, n in (("train", 200), ("t10k", 40)):
        labels = torch.arange(n, dtype=torch.uint8) % 10
        pictures = torch.randint(60, (n, 28, 28), generator=generator, dtype=torch.uint8)
        pictures[torch.arange(n), 2 * labels.long() + 4] = 250
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx(pictures))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


@pytest.fixture
def run(images, capsys):
    """Runs a command with the few images, or without if told so; returns what it printed."""
    def run(command, out, *options, data=True):
        folder = ["--data-folder", str(images)] if data and command != "derive" else []
        cli.main([command, "--out", str(out), *folder, *options])
        return capsys.readouterr().out
    return run


@pytest.fixture
def refused(run, capsys):
    """Runs a command that is refused; returns its error message."""
    def refused(*arguments, **options):
        with pytest.raises(SystemExit) as stop:
            run(*arguments, **options)
        assert stop.value.code == 2
        return " ".join(capsys.readouterr().err.split())
    return refused
