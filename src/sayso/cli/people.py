"""`sayso people ls | add | role | remove | disable | enable | invite | uninvite | link`."""

from typing import Annotated, Any

import typer

from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import ONCE, Days, Json, Workspace, lasting, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import safe
from sayso.model.workspaces import Invitation, Member, Person, Role

app = typer.Typer(no_args_is_help=True)
RoleOption = Annotated[Role, typer.Option(help="What they may do: docs/reference/roles.md.")]


@app.command("ls")
@at_desk()
def list_(desk: Desk, workspace: Workspace = None, json_: Json = False) -> None:
    """List the members of a workspace, and the invitations that nobody has accepted yet."""
    people = desk.people(workspace)
    members, waiting = people.members(), [each for each in people.invitations() if each.accepted_at is None]
    if json_:
        print_json({"people": [_plain(each) for each in members], "invitations": [_invited(each) for each in waiting]})
        return
    rows = [(each.person.id, each.person.email, each.person.name, each.role, _state(each.person)) for each in members]
    rows += [
        (each.id, each.email, "", each.role, f"invited until {each.expires_at:%Y-%m-%d %H:%M}") for each in waiting
    ]
    print_table(("id", "e-mail", "name", "role", "state"), rows)


@app.command()
@at_desk(create=True)
def add(
    desk: Desk,
    email: str,
    role: RoleOption,
    workspace: Workspace = None,
    name: Annotated[str | None, typer.Option(help="What they are called.")] = None,
    json_: Json = False,
) -> None:
    """Make somebody a member; they sign in by `sayso people link`, or by the identity provider."""
    member = desk.people(workspace).add(email, role, name)
    _told(member, f"{safe(member.person.email)}: {member.role}.", json_=json_)


@app.command("role")
@at_desk()
def role_(desk: Desk, email: str, role: Role, workspace: Workspace = None, json_: Json = False) -> None:
    """Give a member another role; sessions that were opened with the old one end."""
    member = desk.people(workspace).change_role(email, role)
    _told(member, f"{safe(member.person.email)}: {member.role}.", json_=json_)


@app.command()
@at_desk()
def remove(desk: Desk, email: str, workspace: Workspace = None, json_: Json = False) -> None:
    """Take somebody out of a workspace; what they came in with ends at once."""
    member = desk.people(workspace).remove(email)
    _told(member, f"{safe(member.person.email)}: removed.", json_=json_)


@app.command()
@at_desk()
def disable(desk: Desk, email: str, workspace: Workspace = None, json_: Json = False) -> None:
    """Let a person sign in nowhere any more; every sign-in of theirs ends at once."""
    member = desk.people(workspace).disable(email)
    _told(member, f"{safe(member.person.email)}: disabled.", json_=json_)


@app.command()
@at_desk()
def enable(desk: Desk, email: str, workspace: Workspace = None, json_: Json = False) -> None:
    """Let a disabled person sign in again; what was ended stays ended."""
    member = desk.people(workspace).enable(email)
    _told(member, f"{safe(member.person.email)}: enabled.", json_=json_)


@app.command()
@at_desk(create=True)
def invite(
    desk: Desk,
    email: str,
    role: RoleOption,
    workspace: Workspace = None,
    days: Days = None,
    json_: Json = False,
) -> None:
    """Invite somebody, and print the secret of the link: the only time that it is shown."""
    made, secret = desk.people(workspace).invite(email, role, lasting(days))
    if json_:
        print_json({**_invited(made), "secret": secret})
        return
    typer.echo(secret)
    until = f"{made.expires_at:%Y-%m-%d %H:%M}"
    typer.echo(f"{made.id} for {safe(made.email)}, until {until} UTC. {ONCE}", err=True)


@app.command()
@at_desk()
def uninvite(desk: Desk, invitation_id: str, workspace: Workspace = None, json_: Json = False) -> None:
    """Revoke an invitation that nobody has accepted."""
    desk.people(workspace).uninvite(invitation_id)
    if json_:
        print_json({"invitation": invitation_id, "revoked": True})
    else:
        typer.echo(f"{safe(invitation_id)}: revoked.")


@app.command()
@at_desk()
def link(desk: Desk, email: str, workspace: Workspace = None, json_: Json = False) -> None:
    """Print the secret of a link that signs a member in, once and within ten minutes."""
    made, secret = desk.people(workspace).link(email)
    if json_:
        print_json({"link": made.id, "expires_at": made.expires_at.isoformat(), "secret": secret})
        return
    typer.echo(secret)
    typer.echo(f"{made.id}, until {made.expires_at:%H:%M:%S} UTC. {ONCE}", err=True)


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
