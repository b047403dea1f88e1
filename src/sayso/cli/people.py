"""`sayso people ls | add | role | remove | disable | enable | invite | uninvite | link`."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from sayso.cli.desk import DEFAULT, ONCE, Days, Workspace, at_desk, lasting, member_of
from sayso.cli.shared import Database, Json, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import safe
from sayso.model.workspaces import Invitation, Member, Person, PersonId, Principal, Role
from sayso.runtime.authority import Issued
from sayso.runtime.directory import Directory
from sayso.runtime.people import People

app = typer.Typer(no_args_is_help=True)
RoleOption = Annotated[Role, typer.Option(help="What they may do: docs/reference/roles.md.")]


@app.command("ls")
def list_(database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False) -> None:
    """List the members of a workspace, and the invitations that nobody has accepted yet."""

    async def work(directory: Directory, by: Principal) -> tuple[list[Member], list[Invitation]]:
        return await directory.people.list(by), await directory.invitations.list(by)

    members, invitations = at_desk(database, workspace, work)
    waiting = [each for each in invitations if each.accepted_at is None]
    if json_:
        print_json({"people": [_plain(each) for each in members], "invitations": [_invited(each) for each in waiting]})
        return
    rows = [(each.person.id, each.person.email, each.person.name, each.role, _state(each.person)) for each in members]
    rows += [
        (each.id, each.email, "", each.role, f"invited until {each.expires_at:%Y-%m-%d %H:%M}") for each in waiting
    ]
    print_table(("id", "e-mail", "name", "role", "state"), rows)


@app.command()
def add(
    email: str,
    role: RoleOption,
    database: Database = None,
    workspace: Workspace = DEFAULT,
    name: Annotated[str | None, typer.Option(help="What they are called.")] = None,
    json_: Json = False,
) -> None:
    """Make somebody a member; they sign in by `sayso people link`, or by the identity provider."""
    member = at_desk(
        database,
        workspace,
        lambda directory, by: directory.people.add(by, email=email, role=role, name=name),
        create=True,
    )
    _told(member, f"{safe(member.person.email)}: {member.role}.", json_=json_)


@app.command("role")
def role_(
    email: str, role: Role, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False
) -> None:
    """Give a member another role; sessions that were opened with the old one end."""
    member = _acted(database, workspace, email, lambda people, by, one: people.change_role(by, one, role))
    _told(member, f"{safe(member.person.email)}: {member.role}.", json_=json_)


@app.command()
def remove(email: str, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False) -> None:
    """Take somebody out of a workspace; what they came in with ends at once."""
    member = _acted(database, workspace, email, People.remove)
    _told(member, f"{safe(member.person.email)}: removed.", json_=json_)


@app.command()
def disable(email: str, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False) -> None:
    """Let a person sign in nowhere any more; every sign-in of theirs ends at once."""
    member = _acted(database, workspace, email, People.disable)
    _told(member, f"{safe(member.person.email)}: disabled.", json_=json_)


@app.command()
def enable(email: str, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False) -> None:
    """Let a disabled person sign in again; what was ended stays ended."""
    member = _acted(database, workspace, email, People.enable)
    _told(member, f"{safe(member.person.email)}: enabled.", json_=json_)


@app.command()
def invite(
    email: str,
    role: RoleOption,
    database: Database = None,
    workspace: Workspace = DEFAULT,
    days: Days = None,
    json_: Json = False,
) -> None:
    """Invite somebody, and print the secret of the link: the only time that it is shown."""
    made = at_desk(
        database,
        workspace,
        lambda directory, by: directory.invitations.create(by, email=email, role=role, expires_in=lasting(days)),
        create=True,
    )
    if json_:
        print_json({**_invited(made.invitation), "secret": made.text})
        return
    typer.echo(made.text)
    until = f"{made.invitation.expires_at:%Y-%m-%d %H:%M}"
    typer.echo(f"{made.invitation.id} for {safe(made.invitation.email)}, until {until} UTC. {ONCE}", err=True)


@app.command()
def uninvite(
    invitation_id: str, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False
) -> None:
    """Revoke an invitation that nobody has accepted."""

    async def work(directory: Directory, by: Principal) -> None:
        await directory.invitations.revoke(by, invitation_id)

    at_desk(database, workspace, work)
    if json_:
        print_json({"invitation": invitation_id, "revoked": True})
    else:
        typer.echo(f"{safe(invitation_id)}: revoked.")


@app.command()
def link(email: str, database: Database = None, workspace: Workspace = DEFAULT, json_: Json = False) -> None:
    """Print the secret of a link that signs a member in, once and within ten minutes."""

    async def work(directory: Directory, by: Principal) -> Issued:
        member = await member_of(directory, by, email)
        return await directory.sign_in.make_link(by, member.person.id)

    made = at_desk(database, workspace, work)
    if json_:
        print_json(
            {"link": made.credential.id, "expires_at": made.credential.expires_at.isoformat(), "secret": made.text}
        )
        return
    typer.echo(made.text)
    typer.echo(f"{made.credential.id}, until {made.credential.expires_at:%H:%M:%S} UTC. {ONCE}", err=True)


def _acted(
    database: Path | None,
    workspace: str,
    email: str,
    act: Callable[[People, Principal, PersonId], Coroutine[Any, Any, Member | Person | None]],
) -> Member:
    """Act on the member with an address, and return the member as it is after that, or was before a removal."""

    async def work(directory: Directory, by: Principal) -> Member:
        member = await member_of(directory, by, email)
        match await act(directory.people, by, member.person.id):
            case Member() as changed:
                return changed
            case Person() as person:
                return replace(member, person=person)
            case None:
                return member

    return at_desk(database, workspace, work)


def _told(member: Member, text: str, *, json_: bool) -> None:
    if json_:
        print_json(_plain(member))
    else:
        typer.echo(text)


def _state(person: Person) -> str:
    return "active" if person.disabled_at is None else f"disabled {person.disabled_at:%Y-%m-%d}"


def _plain(member: Member) -> dict[str, Any]:
    person = member.person
    return {
        "person": person.id,
        "email": person.email,
        "name": person.name,
        "role": member.role,
        "workspace": member.workspace_id,
        "disabled_at": None if person.disabled_at is None else person.disabled_at.isoformat(),
        "created_at": person.created_at.isoformat(),
    }


def _invited(invitation: Invitation) -> dict[str, Any]:
    return {
        "invitation": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "workspace": invitation.workspace_id,
        "created_by": invitation.created_by,
        "expires_at": invitation.expires_at.isoformat(),
    }
