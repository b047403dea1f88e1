"""What of the inbox is wanted, as the query of its address: a view is a link, and can be kept as one."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query

from sayso.model.reviews import ReviewFilter, Sort, Tab
from sayso.server.service import Asking

ME = "me"
"""The assignee that means whoever looks."""


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds of tasks that are looked at together."""

    name: str
    label: str
    kinds: tuple[str, ...]


GROUPS = (
    Group("approvals", "Approvals", ("approval",)),
    Group("prompts", "Prompts", ("text", "number", "multi_option", "form")),
    Group("outputs", "Outputs and routes", ("output_review", "route")),
    Group("problems", "Problems", ("error", "uncertain", "external")),
    Group("escalations", "AITL escalations", ("aitl_escalation",)),
    Group("anomaly", "Anomaly", ("anomaly_review", "anomaly_alert")),
)
TABS: tuple[tuple[Tab, str], ...] = (
    ("pending", "Pending"),
    ("snoozed", "Snoozed"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
)
Risk = Literal["", "low", "medium", "high"]
_LABELS = {group.name: group.label for group in GROUPS}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of the inbox; what is empty does not narrow."""

    tab: Tab = "pending"
    kind: str = ""
    """A group, or one kind."""
    agent: str = ""
    operation: str = ""
    risk: Risk = ""
    assignee: str = ""
    q: str = ""
    sort: Sort = "oldest"
    after: str = ""
    """Where the page starts."""
    shown: int = 0
    """How many tasks the pages before this one have shown."""

    def link(self, **changes: str | int) -> str:
        """Return the address of this view with some changes, from its first page on unless one is named."""
        changed = replace(self, **{"after": "", "shown": 0, **changes})
        default = View()
        given = {name: getattr(changed, name) for name in self.__slots__}
        query = urlencode({name: value for name, value in given.items() if value != getattr(default, name)})
        return f"/review?{query}" if query else "/review"

    @property
    def narrowed(self) -> dict[str, str]:
        """What narrows it besides the tab, by the name of the filter, in words."""
        words = {
            "kind": _LABELS.get(self.kind, self.kind.replace("_", " ")),
            "agent": f"of {self.agent}",
            "operation": f"operation {self.operation}",
            "risk": f"{self.risk} risk",
            "assignee": "mine" if self.assignee == ME else f"of {self.assignee}",
            "q": f"“{self.q}”",
        }
        return {name: text for name, text in words.items() if getattr(self, name)}

    @property
    def wide(self) -> str:
        """The address of this view with nothing that narrows it."""
        return self.link(**dict.fromkeys(self.narrowed, ""))

    def filter_for(self, asked: Asking) -> ReviewFilter:
        """Return what the runtime is asked for."""
        group = next((group.kinds for group in GROUPS if group.name == self.kind), (self.kind,))
        return ReviewFilter(
            person=asked.principal.id,
            reach=asked.reach,
            tab=self.tab,
            kinds=group if self.kind else (),
            program=self.agent or None,
            operation=self.operation or None,
            risk=self.risk or None,
            assignee=(asked.principal.id if self.assignee == ME else self.assignee) or None,
            text=self.q.strip() or None,
            sort=self.sort,
        )


async def _view(
    tab: Annotated[Tab, Query()] = "pending",
    kind: Annotated[str, Query(max_length=50)] = "",
    agent: Annotated[str, Query(max_length=200)] = "",
    operation: Annotated[str, Query(max_length=200)] = "",
    risk: Annotated[Risk, Query()] = "",
    assignee: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    sort: Annotated[Sort, Query()] = "oldest",
    after: Annotated[str, Query(max_length=500)] = "",
    shown: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> View:
    return View(
        tab=tab,
        kind=kind,
        agent=agent,
        operation=operation,
        risk=risk,
        assignee=assignee,
        q=q,
        sort=sort,
        after=after,
        shown=shown,
    )


Viewed = Annotated[View, Depends(_view)]
"""A route's parameter that is given the view of its address."""
