"""What is asked of the audit log, from the parameters of an address and back; dates are days in the viewer's zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from sayso.model.audit import AuditFilter
from sayso.model.errors import Invalid
from sayso.web.wording import zone_of

NAMES = ("action", "actor", "target", "from", "to")
KINDS = (
    "task.*", "task.decided", "task.expired", "run.*", "run.started", "run.cancelled", "session.*", "call.*",
    "agent.*", "version.*", "version.deployed", "version.rolled_back", "trigger.*", "person.*", "person.signed_in",
    "member.*", "invitation.*", "key.*", "token.*", "workspace.*",
)  # fmt: skip
"""Actions that are offered; any other can be written."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of a page, as they were written."""

    values: Mapping[str, str]

    def query(self, **more: object) -> str:
        """Return the parameters of an address that asks for the same, and more."""
        return urlencode({**self.values, **{name: str(value) for name, value in more.items()}})

    def wanted(self, zone: str) -> AuditFilter:
        """Return the rows that are meant.

        Raises:
            Invalid: A date is none.
        """
        since, last = (_day(self.values.get(name)) for name in ("from", "to"))
        return AuditFilter(
            action=self.values.get("action"),
            actor=self.values.get("actor"),
            target=self.values.get("target"),
            since=None if since is None else _midnight(since, zone),
            until=None if last is None else _midnight(last + timedelta(days=1), zone),
        )


def asked_for(parameters: Mapping[str, str]) -> Asked:
    """Return what is asked for; an empty parameter asks for nothing."""
    given = {name: parameters.get(name, "").strip()[:_LONGEST] for name in NAMES}
    return Asked({name: value for name, value in given.items() if value})


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as exc:
        raise Invalid("Expected dates of the form 2026-01-31.", hint="Choose a day, or leave it empty.") from exc
    if not 1971 <= found.year <= 9000:
        raise Invalid("Expected a date between 1971 and 9000.", hint="Choose a day, or leave it empty.")
    return found


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), zone_of(zone)).astimezone(UTC)
