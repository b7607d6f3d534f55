"""Callbacks of `minimize` that keep every evaluation where other tools look: a CSV file, TensorBoard, MLflow.

    with CsvLog("run.csv", space) as csv, TensorBoardLog("runs/first") as board:
        minimize(objective, space, budget=100, callback=[csv, board])

For any other tool a function of a `Progress` is enough: `callback=lambda progress: wandb.log({"loss": progress.loss})`.
"""

from .csv import CsvLog
from .mlflow import MLflowLog
from .tensorboard import TensorBoardLog

__all__ = ["CsvLog", "MLflowLog", "TensorBoardLog"]
