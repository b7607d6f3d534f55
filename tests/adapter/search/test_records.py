"""Records in files: what is written, and nothing twice after a resume."""

import csv
import sys

import numpy as np
import pytest
from searches import build

from asng_torch import CsvLog, MLflowLog, TensorBoardLog


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_row_holds_what_the_record_holds(tmp_path):
    search = build(steps=3, warmup=1, cost=lambda architecture: 2.0, limit=3.0)
    with CsvLog(tmp_path / "log.csv") as log:
        records = []
        for record in search:
            log.write(record)
            records.append(record)
            assert len(rows(log.path)) == record.step
    for row, record in zip(rows(log.path), records, strict=True):
        assert int(row["step"]) == record.step
        assert float(row["train_loss"]) == record.train_loss
        assert float(row["entropy"]) == record.entropy
        assert row["cost"] == ("" if record.step == 1 else "2.0")
        assert row["valid_loss"] == ("" if record.step == 1 else str(np.mean(record.valid_losses)))


def test_a_resumed_log_is_that_of_an_uninterrupted_run(tmp_path):
    """Interrupted after step 7, in the middle of a row; saved at 4."""
    with CsvLog(tmp_path / "whole.csv") as log:
        for record in build(steps=10):
            log.write(record)
    broken = build(steps=10)
    with CsvLog(tmp_path / "log.csv", broken.step) as log:
        for record in broken:
            log.write(record)
            if record.step == 4:
                broken.save(tmp_path / "a")
            if record.step == 7:
                break
    path = tmp_path / "log.csv"
    path.write_bytes(path.read_bytes()[:-20])
    resumed = build(steps=10)
    resumed.resume(tmp_path / "a")
    with CsvLog(path, resumed.step) as log:
        assert [row["step"] for row in rows(path)] == ["1", "2", "3", "4"]
        for record in resumed:
            log.write(record)
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    with CsvLog(path):
        assert rows(path) == []


def test_a_foreign_file_is_not_overwritten(tmp_path):
    (tmp_path / "mine.csv").write_text("name,age\nme,3\n")
    with pytest.raises(ValueError, match=r"CsvLog\(path\) must be a new file.*begins with 'name,age'"):
        CsvLog(tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").read_text() == "name,age\nme,3\n"


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_tensorboard_shows_every_step_once_after_a_resume(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    first, second = list(build(steps=6)), list(build(steps=6))
    with TensorBoardLog(tmp_path) as log:
        for record in first:
            log.write(record)
    with TensorBoardLog(tmp_path, step=3) as log:
        for record in second[3:]:
            log.write(record)
    reader = events.EventAccumulator(str(tmp_path))
    reader.Reload()
    curve = reader.Scalars("search/valid_loss")
    assert [point.step for point in curve] == list(range(1, 7))
    assert [point.value for point in curve] == pytest.approx([np.mean(record.valid_losses) for record in first])


def test_without_tensorboard_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match=r"pip install 'asng\[tensorboard\]'"):
        TensorBoardLog(tmp_path)


def test_settings_are_compared_under_hparams(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoardLog(tmp_path, settings={"space": "mini", "limit": [1.0]}) as log:
        for record in build(steps=2):
            log.write(record)
    board = EventAccumulator(str(tmp_path)).Reload()
    assert [each.value for each in board.Scalars("last/entropy")] == [pytest.approx(record.entropy)]
    assert "hparams" in str(board.summary_metadata)


@pytest.mark.hosts
@pytest.mark.filterwarnings("ignore")  # of MLflow, about its own surroundings
def test_mlflow_has_points_for_each_record(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="pip install 'asng[mlflow]'")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri, records = f"file:{tmp_path}", []
    with MLflowLog("first", name="mine", tracking_uri=uri, settings={"seed": 3}) as log:
        for record in build(steps=3):
            log.write(record)
            records.append(record)
    client = mlflow.MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([client.get_experiment_by_name("first").experiment_id])
    found = client.get_metric_history(run.info.run_id, "search/entropy")
    assert [each.value for each in found] == [record.entropy for record in records]
    assert run.data.params == {"seed": "3"}
