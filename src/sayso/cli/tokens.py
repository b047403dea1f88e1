"""`sayso tokens ls | create | revoke`."""

from typing import Annotated, Any

import typer

from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import ONCE, Days, Json, Workspace, lasting, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import safe
from sayso.model.workspaces import Credential

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
@at_desk()
def list_(desk: Desk, email: str, workspace: Workspace = None, json_: Json = False) -> None:
    """List the tokens of a member that are in force, newest first; never a secret."""
    found = desk.tokens(workspace).list(email)
    if json_:
        print_json({"tokens": [_plain(each) for each in found]})
        return
    print_table(
        ("id", "name", "until (UTC)", "last used (UTC)"),
        [
            (each.id, each.name, f"{each.expires_at:%Y-%m-%d}",
             "-" if each.seen_at is None else f"{each.seen_at:%Y-%m-%d %H:%M:%S}")
            for each in found
        ],
    )  # fmt: skip


@app.command()
@at_desk()
def create(
    desk: Desk,
    email: str,
    workspace: Workspace = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Days = None,
    json_: Json = False,
) -> None:
    """Make a token that stands for a member, and print it: the only time that it is shown."""
    made, secret = desk.tokens(workspace).create(email, name, lasting(days))
    if json_:
        print_json({**_plain(made), "secret": secret})
        return
    typer.echo(secret)
    typer.echo(f"{made.id}, until {made.expires_at:%Y-%m-%d}. {ONCE}", err=True)


@app.command()
@at_desk()
def revoke(desk: Desk, token_id: str, workspace: Workspace = None, json_: Json = False) -> None:
    """End a token at once."""
    desk.tokens(workspace).revoke(token_id)
    if json_:
        print_json({"token": token_id, "revoked": True})
    else:
        typer.echo(f"{safe(token_id)}: revoked.")


def _plain(token: Credential) -> dict[str, Any]:
    return {
        "token": token.id,
        "name": token.name,
        "workspace": token.workspace_id,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "last_used_at": None if token.seen_at is None else token.seen_at.isoformat(),
    }
