"""`sayso keys ls | create | revoke`."""

from typing import Annotated, Any

import typer

from sayso.app.clock import SystemClock
from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import ONCE, Days, Json, Workspace, lasting, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import safe
from sayso.core.secrets import shown
from sayso.model.workspaces import ApiKey, Scope

app = typer.Typer(no_args_is_help=True)
_TRIGGER = "trg_"


@app.command("ls")
@at_desk()
def list_(desk: Desk, workspace: Workspace = None, json_: Json = False) -> None:
    """List the API keys of a workspace, newest first; never a secret."""
    found = desk.keys(workspace).list()
    if json_:
        print_json({"keys": [_plain(key) for key in found]})
        return
    print_table(
        ("id", "name", "key", "state", "scopes", "last used (UTC)", "made by"),
        [
            (key.id, key.name, shown(key), _state(key), " ".join(_scope(each) for each in key.scopes),
             "-" if key.last_used_at is None else f"{key.last_used_at:%Y-%m-%d %H:%M:%S}", key.created_by)
            for key in found
        ],
    )  # fmt: skip


@app.command()
@at_desk(create=True)
def create(
    desk: Desk,
    name: str,
    scope: Annotated[list[str], typer.Option(help="An agent's id, or AGENT:TRIGGER; several times for several.")],
    workspace: Workspace = None,
    days: Days = None,
    json_: Json = False,
) -> None:
    """Make an API key that reaches what its scopes name, and print it: the only time that it is shown."""
    lasts = lasting(days)
    ends = None if lasts is None else SystemClock().now() + lasts
    scopes = [_parsed(each) for each in scope]
    made, secret = desk.keys(workspace).create(name, scopes, ends)
    if json_:
        print_json({**_plain(made), "secret": secret})
        return
    typer.echo(secret)
    typer.echo(f"{made.id} '{safe(made.name)}'. {ONCE}", err=True)


@app.command()
@at_desk()
def revoke(desk: Desk, key_id: str, workspace: Workspace = None, json_: Json = False) -> None:
    """Revoke an API key: its next request is refused."""
    desk.keys(workspace).revoke(key_id)
    if json_:
        print_json({"key": key_id, "revoked": True})
    else:
        typer.echo(f"{safe(key_id)}: revoked.")


def _parsed(text: str) -> Scope:
    agent, colon, trigger = text.rpartition(":")
    if colon and trigger.startswith(_TRIGGER):
        return Scope(agent_id=agent, trigger_id=trigger)
    return Scope(agent_id=text)


def _scope(scope: Scope) -> str:
    return scope.agent_id if scope.trigger_id is None else f"{scope.agent_id}:{scope.trigger_id}"


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "in force"
    return "expired" if key.expires_at <= SystemClock().now() else f"until {key.expires_at:%Y-%m-%d}"


def _plain(key: ApiKey) -> dict[str, Any]:
    times = {
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
    return {
        "key": key.id,
        "name": key.name,
        "shown": shown(key),
        "scopes": [{"agentId": scope.agent_id, "triggerId": scope.trigger_id} for scope in key.scopes],
        "created_by": key.created_by,
        **{name: None if at is None else at.isoformat() for name, at in times.items()},
    }
