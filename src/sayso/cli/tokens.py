"""`sayso tokens ls | create | revoke`."""

from typing import Annotated, Any

import typer

from sayso.cli.desk import DEFAULT, ONCE, Days, Workspace, at_desk, lasting, member_of
from sayso.cli.shared import Database, Json, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import safe
from sayso.model.workspaces import Credential, Principal
from sayso.runtime.authority import Issued
from sayso.runtime.directory import Directory

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
def list_(email: str, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False) -> None:
    """List the tokens of a member that are in force, newest first; never a secret."""

    async def work(directory: Directory, by: Principal) -> list[Credential]:
        member = await member_of(directory, by, email)
        return await directory.tokens.list(by, member.person.id)

    found = at_desk(database, workspace, work)
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
def create(
    email: str,
    database: Database = None,
    workspace: Workspace = DEFAULT,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Days = None,
    json_: Json = False,
) -> None:
    """Make a token that stands for a member, and print it: the only time that it is shown."""

    async def work(directory: Directory, by: Principal) -> Issued:
        member = await member_of(directory, by, email)
        return await directory.tokens.create(by, name=name, expires_in=lasting(days), person_id=member.person.id)

    made = at_desk(database, workspace, work)
    if json_:
        print_json({**_plain(made.credential), "secret": made.text})
        return
    typer.echo(made.text)
    typer.echo(f"{made.credential.id}, until {made.credential.expires_at:%Y-%m-%d}. {ONCE}", err=True)


@app.command()
def revoke(token_id: str, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False) -> None:
    """End a token at once."""

    async def work(directory: Directory, by: Principal) -> None:
        await directory.tokens.revoke(by, token_id)

    at_desk(database, workspace, work)
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
