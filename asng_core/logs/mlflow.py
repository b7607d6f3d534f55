"""A run of MLflow, and a nested one for each evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ..loop.run import Progress
from .log import Log, losses, numbers, plain

_LONGEST = 250  # letters of a parameter's name


class MLflowRun:
    """One run of MLflow, by a client of its own, so that no global active run is touched.

    experiment, name: as MLflow shows them. tracking_uri: where, else as MLflow is set. parameters: of this run. Needs
    the extra asng[mlflow].
    """

    def __init__(self, experiment: str, name: str | None = None, tracking_uri: str | None = None,
                 parameters: Mapping[str, Any] | None = None) -> None:
        try:
            from mlflow import MlflowClient
            from mlflow.entities import Metric, Param
        except ImportError as error:
            raise ImportError("MLflowLog needs mlflow. Run: pip install 'asng[mlflow]'") from error
        self._client, self._metric, self._param = MlflowClient(tracking_uri=tracking_uri), Metric, Param
        known = self._client.get_experiment_by_name(experiment)
        self._experiment = self._client.create_experiment(experiment) if known is None else known.experiment_id
        self.id: str = self._client.create_run(self._experiment, run_name=name).info.run_id
        self._batch(self.id, {}, 0, parameters or {})

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Points of curves."""
        self._batch(self.id, values, step, {})

    def nested(self, name: str, parameters: Mapping[str, Any], values: Mapping[str, float]) -> None:
        """A run within this one, which has ended."""
        made = self._client.create_run(self._experiment, run_name=name, tags={"mlflow.parentRunId": self.id})
        self._batch(made.info.run_id, values, 0, parameters)
        failed = not any(math.isfinite(value) for value in values.values())
        self._client.set_terminated(made.info.run_id, "FAILED" if failed else "FINISHED")

    def _batch(self, run: str, values: Mapping[str, float], step: int, parameters: Mapping[str, Any]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(
            run, metrics=[self._metric(name, value, now, step) for name, value in values.items()
                          if math.isfinite(value)],
            params=[self._param(_legal(name), str(plain(value))) for name, value in parameters.items()])

    def close(self, failed: bool = False) -> None:
        """The run has ended."""
        self._client.set_terminated(self.id, "FAILED" if failed else "FINISHED")


class MLflowLog(Log):
    """`loss` and `best` over evaluations as metrics of one run, and each evaluation as a run nested in it: its values
    as parameters, its loss as a metric.

    experiment, name, tracking_uri: as for MLflow itself. Characters of names that MLflow forbids become `_`. Needs the
    extra asng[mlflow].
    """

    def __init__(self, experiment: str, *, name: str | None = None, tracking_uri: str | None = None) -> None:
        self._run = MLflowRun(experiment, name, tracking_uri)

    def __call__(self, progress: Progress) -> None:
        self._run.write(numbers(progress), progress.n_evaluations)
        self._run.nested(f"evaluation {progress.n_evaluations}", progress.values, losses(progress))

    def close(self) -> None:
        self._run.close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._run.close(failed=error is not None)


def _legal(name: str) -> str:
    """MLflow's names: letters, digits, and _-./ and spaces."""
    return "".join(each if each.isascii() and (each.isalnum() or each in "_-. /") else "_" for each in name)[:_LONGEST]
