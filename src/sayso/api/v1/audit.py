"""The audit log: listed, checked and exported; and the evidence of a session."""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, cast

from fastapi import Path, Query, Response
from fastapi.responses import StreamingResponse

from sayso.api.v1.taskwire import Plain, at
from sayso.api.v1.telling import told
from sayso.core.auditforms import row_to_json
from sayso.core.evidence import packet_bytes
from sayso.model.audit import AuditFilter, AuditRow
from sayso.model.errors import SessionNotFound
from sayso.model.ids import SessionId
from sayso.model.json import Json
from sayso.model.requesterrors import BadRequest
from sayso.runtime.auditlog import AuditPage, before_last, check_chain, exported, page_of
from sayso.runtime.evidence import evidence
from sayso.runtime.ports import Transaction
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, Asking

router = strict_router(tags=["audit"])
_CHUNK = 64 * 1024
Action = Annotated[str | None, Query(max_length=200, description="`task.decided`, or `task.*` for all of a kind.")]


@router.get("/audit", **told("audit"))
async def list_audit(
    asked: Asked,
    action: Action = None,
    target: Annotated[str | None, Query(max_length=200, description="The id of what it was done to.")] = None,
    after: Annotated[int, Query(ge=0, le=2**62, description="`nextAfter` of the page before.")] = 0,
    last: Annotated[int | None, Query(ge=1, le=10_000, description="Begin so many rows before the end.")] = None,
    take: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Plain:
    """List who did what to what, the oldest first; `nextAfter` is null at the end."""
    asked.require("see_audit")
    workspace = asked.principal.workspace.id

    def unit(tx: Transaction) -> AuditPage:
        begin = after if last is None else max(after, before_last(tx, workspace, last))
        return page_of(tx, workspace, after=begin, limit=take, action=action, target=target)

    page = await asked.service.runtime.store.read(unit)
    return {"items": [_row_json(row) for row in page.rows], "nextAfter": page.next_after}


@router.get("/audit/verify", **told("verified", BadRequest))
async def verify_audit(
    asked: Asked,
    anchor: Annotated[
        str | None, Query(max_length=100, description="`SEQ:HASH`, as it was noted down earlier.")
    ] = None,
) -> Plain:
    """Check that no row was changed, removed, added or moved; `anchor` in the answer is what to note down elsewhere."""
    asked.require("see_audit")
    workspace, noted = asked.principal.workspace.id, None if anchor is None else _anchor(anchor)
    found = await asked.service.runtime.store.read(lambda tx: check_chain(tx, workspace, noted))
    return {
        "ok": found.broken is None,
        "rows": found.rows,
        "anchor": None if found.last is None else {"seq": found.last[0], "hash": found.last[1]},
        "anchored": noted is not None,
        "broken": None if found.broken is None else {"seq": found.broken.seq, "reason": found.broken.reason},
    }


@router.get("/audit/export", response_class=StreamingResponse, **told("audit_lines", BadRequest))
async def export_audit(
    asked: Asked,
    action: Action = None,
    since: Annotated[datetime | None, Query(description="Leave out what was done before.")] = None,
) -> StreamingResponse:
    """Write the log row by row, in the form that `sayso audit export` writes, which can be checked elsewhere."""
    asked.require("export_audit")
    if since is not None and since.tzinfo is None:
        raise BadRequest("Expected since to name its offset from UTC, but it does not.")
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return StreamingResponse(_lines(asked, since, action), media_type="application/x-ndjson", headers=headers)


async def _lines(asked: Asking, since: datetime | None, action: str | None) -> AsyncIterator[bytes]:
    store, workspace = asked.service.runtime.store, asked.principal.workspace.id
    kept = bytearray()  # one row is a small piece: to a client that has gone, many would be sent before it shows
    async for row in exported(store, workspace, AuditFilter(since=since, action=action)):
        kept += json.dumps(row_to_json(row), ensure_ascii=False).encode() + b"\n"
        if len(kept) >= _CHUNK:
            yield bytes(kept)
            kept.clear()
    if kept:
        yield bytes(kept)


@router.get("/sessions/{sessionId}/evidence", **told("evidence", SessionNotFound))
async def get_evidence(asked: Asked, session_id: Annotated[str, Path(alias="sessionId", max_length=200)]) -> Response:
    """Return everything that is kept about a session, sealed by hashes, as one file that can be checked elsewhere."""
    asked.require("export_audit")
    workspace = asked.principal.workspace.id
    packet = await evidence(asked.service.runtime, SessionId(session_id), workspace_id=workspace)
    headers = {"Content-Disposition": 'attachment; filename="evidence.json"'}
    return Response(packet_bytes(packet), media_type="application/json", headers=headers)


def _row_json(row: AuditRow) -> Plain:
    plain: dict[str, Json] = row_to_json(row)
    found = {name: value for name, value in plain.items() if name != "prev_hash"}
    return {**cast("Plain", found), "at": at(row.at), "prevHash": row.prev_hash}


def _anchor(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})", text)
    if found is None:
        raise BadRequest("Expected an anchor of the form SEQ:HASH, but it is another.")
    return int(found[1]), found[2].lower()
