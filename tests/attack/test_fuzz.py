"""Every reader of files and texts under a fuzzer: see `fuzz`. What it kept is read in `make test`, without it."""

import sys

import pytest
from attack import fuzz
from attack.readers import READERS


@pytest.mark.parametrize("name", READERS)
def test_seeds_and_what_the_fuzzer_kept_are_read_or_refused(name):
    kept = fuzz.CORPUS / name
    for each in [*READERS[name].seeds(), *(path.read_bytes() for path in sorted(kept.glob("*")))]:
        READERS[name].read(each)


@pytest.mark.attack
@pytest.mark.filterwarnings("ignore")
def test_six_seconds_of_fuzzing_each_reader_find_nothing(tmp_path, monkeypatch):
    """The same inputs each time, as far as the time allows: others are for `attack.fuzz` without a seed."""
    pytest.importorskip("atheris", reason="atheris is not installed")
    monkeypatch.setattr(sys, "argv", ["fuzz", "--seconds", "6", "--inputs", "2000", "--seed", "1",
                                      "--out", str(tmp_path)])
    assert not fuzz.main()
