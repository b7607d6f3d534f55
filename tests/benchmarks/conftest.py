"""Benchmarks by their command lines, in this process."""

import pytest


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """What the command of a module prints, with `--quick`; its results are in `tmp_path`."""

    def run(module, *arguments):
        monkeypatch.setattr("sys.argv", ["benchmark", *map(str, arguments), "--quick", "--jobs", "0", "--out",
                                         str(tmp_path)])
        module.main()
        return capsys.readouterr().out
    return run


@pytest.fixture(autouse=True)
def threads():
    """One, as in the benchmarks' processes; what comes after these tests gets all again."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
