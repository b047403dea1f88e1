"""A session's evidence packet: to read and print, or as the file that can be checked elsewhere."""

import base64
import hashlib
from typing import Annotated

from fastapi import Query
from starlette.responses import HTMLResponse, Response

from sayso.core import evidencepage
from sayso.core.evidence import packet_bytes
from sayso.model.ids import SessionId
from sayso.runtime.evidence import evidence
from sayso.server.routes import router as strict_router
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
Session = Annotated[str, Query(alias="session", min_length=1, max_length=200)]
_STYLE = base64.b64encode(hashlib.sha256(evidencepage.STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " sandbox"
)
"""The page has a style sheet of its own and nothing else; it may be kept as a file."""


@router.get("/audit/evidence")
async def read_evidence(asked: Visited, session: Session) -> Response:
    """Show everything that is kept about a session, sealed by hashes."""
    asked.require("export_audit")
    workspace = asked.principal.workspace.id
    packet = await evidence(asked.service.runtime, SessionId(session.strip()), workspace_id=workspace)
    return HTMLResponse(evidencepage.page(packet), headers={"Content-Security-Policy": _POLICY})


@router.get("/audit/evidence.json")
async def keep_evidence(asked: Visited, session: Session) -> Response:
    """Return the same as a file, which `sayso audit check` checks without the database."""
    asked.require("export_audit")
    workspace = asked.principal.workspace.id
    packet = await evidence(asked.service.runtime, SessionId(session.strip()), workspace_id=workspace)
    headers = {"Content-Disposition": 'attachment; filename="evidence.json"'}
    return Response(packet_bytes(packet), media_type="application/json", headers=headers)
