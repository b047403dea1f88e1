"""What of the list of sessions is wanted, as the query of its address: a view is a link, and can be kept as one."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from sayso.model.sessions import SessionFilter, SessionStatus
from sayso.web.stepwords import STATUSES, trigger
from sayso.web.wording import zone_of

Short = Annotated[str, Query(max_length=200)]
Skip = Annotated[int, Query(ge=0, le=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of the list; what is empty does not narrow."""

    status: str = ""
    agent: str = ""
    version: str = ""
    trigger: str = ""
    q: str = ""
    since: str = ""
    """A day, in the viewer's zone."""
    until: str = ""
    """The last day."""
    skip: int = 0

    def link(self, **changes: str | int) -> str:
        """Return the address of this view with some changes, from its first page on unless one is named."""
        changed, default = replace(self, **{"skip": 0, **changes}), View()
        given = {name: getattr(changed, name) for name in self.__slots__}
        query = urlencode({name: value for name, value in given.items() if value != getattr(default, name)})
        return f"/sessions?{query}" if query else "/sessions"

    @property
    def wanted_status(self) -> SessionStatus | None:
        """The status that is wanted; what is none does not narrow."""
        return SessionStatus(self.status) if self.status in set(SessionStatus) else None

    def narrowed(self, names: "dict[str, str]") -> dict[str, str]:
        """Return what narrows it, by the name of the filter, in words.

        Args:
            names: What programs are called.
        """
        status = self.wanted_status
        words = {
            "status": "" if status is None else STATUSES[status].text,
            "agent": self.agent and f"of {names.get(self.agent, self.agent)}",
            "version": self.version and f"version {self.version}",
            "trigger": self.trigger and f"by {trigger(self.trigger)}",
            "q": self.q and f"“{self.q}”",
            "since": self.since and f"from {self.since}",
            "until": self.until and f"to {self.until}",
        }
        return {name: text for name, text in words.items() if text}

    def filter_in(self, zone: str) -> SessionFilter:
        """Return what the runtime is asked for, with days in the viewer's zone."""
        last = _day(self.until, zone)
        return SessionFilter(
            program=self.agent or None,
            version=self.version or None,
            status=self.wanted_status,
            trigger_type=self.trigger or None,
            text=self.q or None,
            since=_day(self.since, zone),
            until=None if last is None else _next(last),
        )


def view(
    status: Short = "", agent: Short = "", version: Short = "", trigger: Short = "", q: Short = "",
    since: Short = "", until: Short = "", skip: Skip = 0,
) -> View:  # fmt: skip
    """Return the view that an address names; days that are none do not narrow."""
    return View(
        status=status if status in set(SessionStatus) else "", agent=agent, version=version.strip(), trigger=trigger,
        q=q.strip(), since=_of_day(since), until=_of_day(until), skip=skip,
    )  # fmt: skip


def _of_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _day(text: str, zone: str) -> datetime | None:
    """Return when a day begins in a zone."""
    if not text:
        return None
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=zone_of(zone))


def _next(day: datetime) -> datetime:
    """Return when the day after begins: by the calendar, so that a day of 23 hours is one."""
    after = day.date() + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=day.tzinfo)
