"""Whether the chain of the audit log holds: a bounded number of rows for one page, which goes on by itself."""

import re
from typing import Annotated

from fastapi import Query
from starlette.responses import HTMLResponse

from sayso.model.errors import Invalid
from sayso.runtime.auditlog import PartChecked, check_part
from sayso.server.routes import router as strict_router
from sayso.web.rendering import page
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
Place = Annotated[str | None, Query(max_length=100)]
From = Annotated[str | None, Query(alias="from", max_length=100)]


@router.get("/audit/verify")
async def verify(asked: Visited, begin: From = None, anchor: Place = None) -> HTMLResponse:
    """Check the rows from one on, against what was noted down where it is given."""
    asked.require("see_audit")
    workspace = asked.principal.workspace.id
    wrong, found = None, None
    try:
        after, noted = _place(begin), _place(anchor)
        found = await asked.service.runtime.store.read(lambda tx: check_part(tx, workspace, begin=after, anchor=noted))
    except Invalid as exc:
        wrong = exc
    return page(
        asked,
        "audit/verify.html",
        title="Does the audit log hold?",
        status=200 if wrong is None else wrong.status,
        wrong=wrong,
        found=found,
        go_on=_go_on(found),
        anchor=(anchor or "").strip(),
    )


def _go_on(found: PartChecked | None) -> str | None:
    """Return where the next part begins; None where there is none."""
    if found is None or not found.more or found.checked.last is None:
        return None
    number, hash_ = found.checked.last
    return f"{number}:{hash_}"


def _place(text: str | None) -> tuple[int, str] | None:
    if text is None or not text.strip():
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})", text.strip())
    if found is None:
        raise Invalid(
            "Expected what was noted down as NUMBER:HASH.", hint="Copy it whole: a number, a colon, 64 digits."
        )
    return int(found[1]), found[2].lower()
