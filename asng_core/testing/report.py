"""What a run of the checks found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True)
class Outcome:
    """Of one check: its status, the reason unless it passed, and the seconds it took."""

    status: Status
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """The outcome of each check by its name; as text, a table."""

    name: str
    outcomes: Mapping[str, Outcome]

    def names(self, status: Status) -> list[str]:
        """The checks with this status."""
        return [name for name, outcome in self.outcomes.items() if outcome.status == status]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.names("failed")

    def __str__(self) -> str:
        width = max(map(len, self.outcomes), default=0)
        lines = [f"{name:{width}}  {outcome.status:14}  {outcome.reason}".rstrip()
                 for name, outcome in self.outcomes.items()]
        counts = ", ".join(f"{len(self.names(status))} {status}" for status in ("passed", "failed", "not applicable"))
        return "\n".join([f"{self.name}: {counts}", *lines])


class NonconformingError(AssertionError):
    """Some checks failed; `report` has all of them."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{report.name} fails {len(report.names('failed'))} of {len(report.outcomes)} checks:\n"
                         + "\n".join(f"{name}: {report.outcomes[name].reason}" for name in report.names("failed")))
        self.report = report
