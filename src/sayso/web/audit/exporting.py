"""Taking the audit log elsewhere: JSON lines that can be checked there, or a table; row by row, however long it is."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import StreamingResponse

from sayso.core.auditforms import COLUMNS, row_to_cells, row_to_json
from sayso.model.audit import AuditFilter, AuditRow
from sayso.runtime.auditlog import exported
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.audit.filtering import asked_for
from sayso.web.preferring import preferences_of
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
Form = Literal["ndjson", "csv"]
_PIECE = 64 * 1024
_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


@router.get("/audit/export")
async def export(asked: Visited, form: Annotated[Form, Query(alias="format")] = "ndjson") -> StreamingResponse:
    """Write the rows that are asked for, the oldest first."""
    asked.require("export_audit")
    wanted = asked_for(asked.request.query_params).wanted(preferences_of(asked.request).zone)
    headers = {"Content-Disposition": f'attachment; filename="audit.{form}"'}
    return StreamingResponse(_written(asked, wanted, form), media_type=_TYPES[form], headers=headers)


async def _written(asked: Asking, wanted: AuditFilter, form: Form) -> AsyncIterator[bytes]:
    """Yield the rows in pieces of some size: of small ones, many would be sent to a client that has gone."""
    kept = bytearray(_cells(COLUMNS) if form == "csv" else b"")
    async for row in exported(asked.service.runtime.store, asked.principal.workspace.id, wanted):
        kept += _cells(row_to_cells(row)) if form == "csv" else _line(row)
        if len(kept) >= _PIECE:
            yield bytes(kept)
            kept.clear()
    yield bytes(kept)


def _line(row: AuditRow) -> bytes:
    return json.dumps(row_to_json(row), ensure_ascii=False).encode() + b"\n"


def _cells(cells: tuple[str, ...] | list[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow(cells)
    return written.getvalue().encode()
