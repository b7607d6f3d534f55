"""What a run leaves in CSV files, TensorBoard, MLflow and `logging`."""

import csv
import logging

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Integer, Space, maximize, minimize
from asng_core.logs import CsvLog, MLflowLog, TensorBoardLog

SPACE = Space({"op": Categorical(["conv", "pool", None, "a,b\n\"c\""]), "n": Integer(1, 9), "on": Boolean(),
               "k": Integer(0, 3)}, active_if={"k": {"op": ["conv"]}})


def loss(values):
    if values["n"] == 9:
        raise ArithmeticError
    return values["n"] + (values["op"] != "conv")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def test_a_csv_log_holds_every_evaluation_and_comes_back_as_known_results(tmp_path):
    pandas = pytest.importorskip("pandas")
    seen = []
    with CsvLog(tmp_path / "run.csv", SPACE) as log:
        result = minimize(loss, SPACE, budget=30, seed=0, catch=ArithmeticError, callback=[log, seen.append])
    assert [int(row["evaluation"]) for row in rows(tmp_path / "run.csv")] == list(range(1, 31))
    assert len(seen) == 30
    frame = pandas.read_csv(tmp_path / "run.csv", keep_default_na=False)
    again = minimize(loss, SPACE, budget=1, seed=1, catch=ArithmeticError, known=frame)
    np.testing.assert_array_equal(again.history.codes[:30], result.history.codes)
    np.testing.assert_array_equal(again.history.losses[:30], result.history.losses)


def test_a_csv_log_goes_on_where_its_run_does(tmp_path):
    path = tmp_path / "run.csv"
    for budget in (4, 8):
        with CsvLog(path, SPACE) as log:
            minimize(loss, SPACE, budget=budget, seed=3, callback=log, catch=ArithmeticError,
                     checkpoint=tmp_path / "run.asng")
        with path.open("a") as file:
            file.write("9,cut o")
    assert [row["evaluation"] for row in rows(path)[:8]] == [str(n) for n in range(1, 9)]


def test_a_csv_log_of_other_columns_is_not_overwritten(tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    with CsvLog(tmp_path / "mine.csv", SPACE) as log, pytest.raises(ValueError, match=r"has \['a', 'b'\]"):
        minimize(lambda v: 1.0, SPACE, budget=2, seed=0, callback=log)
    assert (tmp_path / "mine.csv").read_text() == "a,b\n1,2\n"


def test_tensorboard_has_curves_and_hparams(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoardLog(tmp_path / "board") as log:
        result = maximize(lambda v: float(v["n"]), SPACE, budget=5, seed=0, callback=log)
    board = EventAccumulator(str(tmp_path / "board")).Reload()
    assert [each.value for each in board.Scalars("loss")] == result.history.losses.tolist()
    assert [each.value for each in board.Scalars("best")] == np.maximum.accumulate(result.history.losses).tolist()
    session = EventAccumulator(str(tmp_path / "board" / "evaluation 000005")).Reload()
    assert [each.value for each in session.Scalars("loss")] == [result.history.losses[-1]]
    assert "hparams" in str(session.summary_metadata)
    with TensorBoardLog(tmp_path / "plain", hparams=False) as log:
        minimize(lambda v: (1.0, 2.0), SPACE, budget=2, seed=0, callback=log)
    assert [each.name.startswith("events") for each in (tmp_path / "plain").iterdir()] == [True]


@pytest.mark.hosts
@pytest.mark.filterwarnings("ignore")  # of MLflow, about its own surroundings
def test_mlflow_has_a_run_and_one_nested_in_it_for_each_evaluation(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow", reason="pip install 'asng[mlflow]'")
    uri = f"file:{tmp_path / 'runs'}"
    with MLflowLog("first", name="mine", tracking_uri=uri) as log:
        result = minimize(loss, SPACE, budget=4, seed=0, callback=log, catch=ArithmeticError)
    client = mlflow.MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("first").experiment_id])
    whole = next(run for run in runs if run.info.run_name == "mine")
    losses = [each.value for each in client.get_metric_history(whole.info.run_id, "loss")]
    assert losses == result.history.losses[~np.isnan(result.history.losses)].tolist()
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == whole.info.run_id]
    assert len(nested) == 4
    assert {run.data.params["n"] for run in nested} == {str(values["n"]) for values in result.history.values}
    assert whole.info.status == "FINISHED"


@pytest.mark.parametrize(("module", "log", "extra"), [
    ("tensorboard.summary.writer.event_file_writer", lambda: TensorBoardLog("x"), "tensorboard"),
    ("mlflow", lambda: MLflowLog("x"), "mlflow")])
def test_what_is_not_installed_is_named(monkeypatch, module, log, extra):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ImportError, match=rf"asng\[{extra}\]"):
        log()


def test_a_run_tells_logging_what_is_new(caplog):
    with caplog.at_level(logging.INFO, logger="asng_core"):
        minimize(lambda v: v["n"], SPACE, budget=20, seed=0)
    said = caplog.messages
    assert said[0] == "minimize: 4 variables, 0 of 20 evaluations made"
    assert "best so far 1" in said[-2]
    assert said[-1] == "minimize: ended after 20 evaluations, budget of 20 evaluations used"
    assert len(said) < 12


@pytest.mark.parametrize("given", [3, [print, 3], "x", []])
def test_callbacks_are_functions(given):
    if given == []:
        minimize(lambda v: 1.0, SPACE, budget=1, callback=given)
        return
    with pytest.raises(TypeError, match=r"callback=\.\.\.\) must be a function of a Progress"):
        minimize(lambda v: 1.0, SPACE, budget=1, callback=given)
