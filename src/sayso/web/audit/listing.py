"""The list of the audit log: the newest first, filtered, a page at a time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Query
from starlette.responses import HTMLResponse

from sayso.model.audit import AuditFilter, AuditRow
from sayso.model.errors import Invalid
from sayso.runtime.auditlog import NewestFirst, newest_first
from sayso.server.routes import router as strict_router
from sayso.web.audit.filtering import KINDS, asked_for
from sayso.web.preferring import preferences_of
from sayso.web.rendering import page
from sayso.web.visiting import Visited
from sayso.web.wording import pretty

router = strict_router(include_in_schema=False)
PAGE = 50
Before = Annotated[int | None, Query(ge=-(2**62), le=2**62)]


@dataclass(frozen=True, slots=True)
class Shown:
    """One row as the page shows it."""

    row: AuditRow
    facts: list[tuple[str, str]]
    """What else was written down, by name."""
    address: str | None
    """Where the thing itself is shown."""


@router.get("/audit")
async def audit(asked: Visited, before: Before = None) -> HTMLResponse:
    """List who did what to what."""
    asked.require("see_audit")
    filters, workspace = asked_for(asked.request.query_params), asked.principal.workspace.id
    wrong, found = None, NewestFirst(rows=(), next_before=None, looked_down_to=None)
    try:
        wanted: AuditFilter = filters.wanted(preferences_of(asked.request).zone)
        found = await asked.service.runtime.store.read(
            lambda tx: newest_first(tx, workspace, wanted, before=before, limit=PAGE)
        )
    except Invalid as exc:
        wrong = exc
    return page(
        asked,
        "audit/list.html",
        title="Audit",
        status=200 if wrong is None else wrong.status,
        wrong=wrong,
        filters=filters,
        before=before,
        found=found,
        rows=[shown(row) for row in found.rows],
        kinds=KINDS,
    )


def shown(row: AuditRow) -> Shown:
    """Return a row with its facts taken apart."""
    return Shown(row, facts_of(row.data), _address_of(row))


def facts_of(data: bytes) -> list[tuple[str, str]]:
    """Return what the data of a row says, by name; as they are stored where they say nothing."""
    try:
        said: Any = json.loads(data)
    except (ValueError, RecursionError):
        return [("data", data.decode("utf-8", "backslashreplace"))]
    if not isinstance(said, Mapping):
        return [("data", pretty(said))]
    return [(name, _text(value)) for name, value in cast("Mapping[str, Any]", said).items()]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else pretty(value)


def _address_of(row: AuditRow) -> str | None:
    if row.action.startswith("task.") and row.target.startswith("task_"):
        return f"/review/{row.target}"
    if row.action.startswith("session."):
        return f"/sessions/{row.target}"
    return f"/settings/people/{row.target}" if row.action.startswith("member.") else None
