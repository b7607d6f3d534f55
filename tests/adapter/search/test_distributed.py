"""Two processes that search as one, on the CPU; `processes.py` holds what they do."""

import json

import forked
import numpy as np
import processes
import pytest


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Scenario -> what process 0 and process 1 saw."""
    folder, forking = tmp_path_factory.mktemp("processes"), forked.context("processes")
    running = [forking.Process(target=processes.main, args=(rank, folder)) for rank in range(2)]
    for process in running:
        process.start()
    try:
        for process in running:
            process.join(120)
        assert [process.exitcode for process in running] == [0, 1]  # the last scenario kills process 1
    finally:
        for process in running:
            process.kill()
    seen = [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]
    return {name: [each.get(name) for each in seen] for name in seen[0]}


@pytest.mark.parametrize(("scenario", "steps"), [("equal", 12), ("enas", 6)])
def test_theta_is_equal_on_both_at_every_step(found, scenario, steps):
    first, second = found[scenario]
    assert first["thetas"] == second["thetas"]
    assert first["weights"] == second["weights"]
    assert first["records"] == second["records"]
    assert len(first["thetas"]) == steps
    assert first["thetas"][0] != first["thetas"][-1]


def test_two_processes_are_one_with_the_doubled_batch(found):
    alone = processes.sharded(0, 1, clip=1.0, ema=0.9)
    records = [(record.train_loss, *record.valid_losses) for record in alone]
    expected = processes.final(alone)
    for name in ("theta", "weights"):
        np.testing.assert_allclose(found["equal"][0][name], expected[name], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["equal"][0]["records"], records, rtol=1e-9)


def test_a_resumed_search_of_two_ends_bit_for_bit_where_an_uninterrupted_one_does(found):
    for each in found["resumed"]:
        assert each["whole"] == each["again"]
        assert each["files"] == ["search"]
    assert found["resumed"][0] == found["resumed"][1]


def test_a_loss_that_is_nan_on_one_process_moves_the_weights_of_none(found):
    first, second = found["skipped"]
    assert first == second
    assert first["skipped"] == 1
    assert np.isfinite(first["weights"]).all()


def test_a_divergence_stops_both_in_the_step_that_shows_it(found):
    for each in found["diverging"]:
        assert each["error"].startswith("RuntimeError: ")
        assert "differs between the 2 processes, which must search alike" in each["error"]
        assert each["steps"] == [1, 2, 3]


@pytest.mark.parametrize("where", ["training", "validating"])
def test_an_error_of_one_process_stops_both_at_once(found, where):
    waiting, raising = found[where]
    doing = "training the weights" if where == "training" else "validating"
    assert raising["error"] == "KeyError: 'a bug'"
    assert waiting["error"] == f"RuntimeError: process 1 of 2 failed {doing}: KeyError: 'a bug'"
    assert waiting["seconds"] < 10
    assert waiting["step"] == raising["step"] == 3


def test_a_checkpoint_that_cannot_be_written_stops_both(found):
    writing, other = found["unwritable"]
    assert writing["error"].startswith("FileNotFoundError")
    assert other["error"].startswith("RuntimeError: process 0 of 2 failed writing a checkpoint: FileNotFoundError")


def test_a_process_that_dies_stops_the_other(found):
    waiting, _ = found["dying"]
    assert waiting["error"].startswith("RuntimeError: process 1 of 2 has ended, or was still ")
    assert waiting["seconds"] < 30
