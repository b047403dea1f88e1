"""Oneself: who is asking, in which workspace, and one's own tokens and browser sessions."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Response
from fastapi.responses import JSONResponse

from sayso.api.v1.peoplebodies import CreateToken, SwitchWorkspace
from sayso.api.v1.peoplewire import credential_json, principal_json
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import managing, told
from sayso.model.directoryerrors import TokenNotFound, WorkspaceNotFound
from sayso.model.requesterrors import BadRequest
from sayso.model.workspaces import WorkspaceId
from sayso.server.cookies import keep_session, session_text
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked

router = strict_router(prefix="/me", tags=["me"])


@router.get("", **told("me"))
async def get_me(asked: Asked) -> Plain:
    """Return who asks: person or key, role, abilities in the active workspace, and the workspaces that one is in."""
    return principal_json(asked.principal, await asked.service.directory.workspaces.list(asked.principal))


@router.post("/workspace", **managing("me", BadRequest, WorkspaceNotFound))
async def switch_workspace(asked: Asked, body: SwitchWorkspace) -> JSONResponse:
    """Make another workspace active in this browser session; tokens and keys stay in theirs."""
    options, directory = asked.service.options, asked.service.directory
    text = session_text(asked.request, options)
    if asked.principal.via != "ui" or text is None:
        raise BadRequest(
            "Expected a browser session, but this is a token or key.",
            hint="Use a token or key of the other workspace.",
        )
    signed_in = await directory.sign_in.switch(text, WorkspaceId(body.workspace_id))
    places = await directory.workspaces.list(signed_in.principal)
    response = JSONResponse(principal_json(signed_in.principal, places))
    keep_session(response, options, signed_in, asked.now)
    return response


@router.get("/sessions", **told("browsers"))
async def list_my_sessions(asked: Asked) -> Plain:
    """List one's own browser sessions in force, newest first."""
    found = await asked.service.directory.sign_in.list(asked.principal)
    current = asked.principal.credential_id
    items = [{**credential_json(each), "current": each.id == current} for each in found]
    return {"items": items, "total": len(items)}


@router.get("/tokens", **told("tokens"))
async def list_my_tokens(asked: Asked) -> Plain:
    """List one's own tokens in force, newest first; never their secrets."""
    found = await asked.service.directory.tokens.list(asked.principal)
    return {"items": [credential_json(each) for each in found], "total": len(found)}


@router.post("/tokens", **managing("made_token", status=201))
async def create_my_token(asked: Asked, body: CreateToken) -> JSONResponse:
    """Make a token for oneself; it is shown here and never again. Only a browser session makes tokens."""
    lasts = None if body.expires_in_days is None else timedelta(days=body.expires_in_days)
    issued = await asked.service.directory.tokens.create(asked.principal, name=body.name, expires_in=lasts)
    return JSONResponse({**credential_json(issued.credential), "token": issued.text}, 201)


@router.delete("/tokens/{tokenId}", **managing(None, TokenNotFound))
async def revoke_my_token(asked: Asked, token_id: Annotated[str, Path(alias="tokenId", max_length=200)]) -> Response:
    """End a token at once: one's own, or that of a member whom one may manage."""
    await asked.service.directory.tokens.revoke(asked.principal, token_id)
    return Response(status_code=204)
