"""`Requirement`: what every question has, as a Python object with the answer that its holder has given so far."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sayso.model.actors import TIMEOUT
from sayso.model.decisions import Verdict
from sayso.model.errors import Invalid
from sayso.model.tasks import TaskStatus


@dataclass
class Requirement:
    """What every question has."""

    id: str
    """The user task's id; answers are matched by it."""
    step_id: str
    """The readable key of the step that asks."""
    step_name: str | None = None
    step_type: str | None = None
    step_index: int | None = None
    """Where its item stands in the workflow's list, for display."""
    digest: str | None = None
    """Of what is shown; the decision is bound to it."""
    status: str = "pending"
    decided_by: str | None = None
    decided_at: datetime | None = None
    timeout_at: datetime | None = None
    on_timeout: str | None = None
    on_reject: str | None = None
    """What a rejection does; a holder may set `cancel`, which ends the run, and nothing else."""

    @property
    def is_timed_out(self) -> bool:
        """Whether the deadline has passed undecided, carried out or not."""
        return self.status == TaskStatus.EXPIRED or self.decided_by == str(TIMEOUT)

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer in the store."""
        return self.status == TaskStatus.PENDING

    def refuse_if_settled(self) -> None:
        """Refuse an answer to what is settled in the store.

        Raises:
            ValueError: It was decided, or dropped with its run.
        """
        if self.status == TaskStatus.COMPLETED:
            raise Invalid(
                f"Expected a pending requirement, but '{self.step_id}' was decided"
                f" by {self.decided_by} at {self.decided_at}."
            )
        if self.status == TaskStatus.CANCELLED:
            raise Invalid(f"Expected a pending requirement, but '{self.step_id}' was dropped when its run ended.")

    def to_dict(self) -> dict[str, Any]:
        """Return the requirement as a dict; contents keep their Python types."""
        plain = {item.name: getattr(self, item.name) for item in fields(self) if not item.name.startswith("_")}
        return {name: value for name, value in plain.items() if value is not None}

    @staticmethod
    def instants(plain: Mapping[str, Any]) -> dict[str, Any]:
        """Return a requirement's dict with its times as times, also where it came as JSON."""
        found = dict(plain)
        for name in ("timeout_at", "decided_at"):
            if isinstance(found.get(name), str):
                try:
                    found[name] = datetime.fromisoformat(found[name])
                except ValueError as exc:
                    raise Invalid(f"Expected {name} as an ISO time, but got {found[name]!r}.") from exc
        return found

    def verdict(self) -> Verdict | None:
        """Return the answer that was given, or None."""
        raise NotImplementedError
