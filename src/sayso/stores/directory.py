"""The rows of workspaces, of the people in them, and of invitations."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from sayso.core.directoryforms import settings_bytes, settings_from_bytes
from sayso.core.instants import from_micros, some_micros, some_time, to_micros
from sayso.model.workspaces import Invitation, Member, Membership, Person, PersonId, Role, Workspace, WorkspaceId
from sayso.stores.cursors import Rows
from sayso.stores.statements import P, Statements, insert_new
from sayso.stores.workspace_schema import invitations, members, people, workspaces

_INVITATION = select(*(column for column in invitations.columns if column.name != "secret_hash"))
_MEMBER = select(members.c.workspace_id, members.c.role, *people.columns).select_from(
    members.join(people, people.c.person_id == members.c.person_id)
)
_THE_MEMBER = (members.c.workspace_id == P("workspace_id"), members.c.person_id == P("person_id"))

STATEMENTS: Statements = {
    # workspaces
    "insert_workspace": insert_new(workspaces, "workspace_id"),
    "find_workspace": select(workspaces).where(workspaces.c.workspace_id == P("workspace_id")),
    "list_workspaces": select(workspaces).order_by(workspaces.c.created_at, workspaces.c.workspace_id),
    "lock_workspace": select(workspaces.c.workspace_id)
    .where(workspaces.c.workspace_id == P("workspace_id"))
    .with_for_update(),
    "update_workspace": update(workspaces)
    .where(workspaces.c.workspace_id == P("workspace_id"))
    .values({name: P(name) for name in ("name", "status", "settings", "updated_at")}),
    # people
    "insert_person": insert_new(people, "email"),
    "find_person": select(people).where(people.c.person_id == P("person_id")),
    "person_by_email": select(people).where(people.c.email == P("email")),
    "person_by_subject": select(people).where(people.c.subject == P("subject")),
    "update_person": update(people)
    .where(people.c.person_id == P("person_id"))
    .values({name: P(name) for name in ("name", "subject", "disabled_at")}),
    # members
    "insert_member": insert_new(members, "workspace_id", "person_id"),
    "find_member": _MEMBER.where(*_THE_MEMBER),
    "list_members": _MEMBER.where(members.c.workspace_id == P("workspace_id")).order_by(people.c.email),
    "memberships": select(members.c.role, *workspaces.columns)
    .select_from(members.join(workspaces, workspaces.c.workspace_id == members.c.workspace_id))
    .where(members.c.person_id == P("person_id"))
    .order_by(members.c.created_at, members.c.workspace_id),
    "set_role": update(members).where(*_THE_MEMBER).values(role=P("role")),
    "delete_member": delete(members).where(*_THE_MEMBER),
    # invitations
    "insert_invitation": insert(invitations).values({column.name: P(column.name) for column in invitations.columns}),
    "find_invitation": _INVITATION.where(invitations.c.secret_hash == P("secret_hash")),
    "invitations_to": _INVITATION.where(invitations.c.email == P("email")).order_by(
        invitations.c.created_at, invitations.c.invitation_id
    ),
    "list_invitations": _INVITATION.where(invitations.c.workspace_id == P("workspace_id")).order_by(
        invitations.c.created_at.desc(), invitations.c.invitation_id.desc()
    ),
    "accept_invitation": update(invitations)
    .where(
        invitations.c.invitation_id == P("invitation_id"),
        invitations.c.accepted_at.is_(None),
        invitations.c.expires_at > P("now"),
    )
    .values(accepted_at=P("now")),
    "delete_invitation": delete(invitations).where(
        invitations.c.workspace_id == P("workspace_id"),
        invitations.c.invitation_id == P("invitation_id"),
        invitations.c.accepted_at.is_(None),
    ),
    "delete_invitations_by": delete(invitations).where(
        invitations.c.workspace_id == P("workspace_id"),
        invitations.c.created_by == P("created_by"),
        invitations.c.accepted_at.is_(None),
    ),
}


class DirectoryRows(Rows):
    """The part of a transaction that writes and reads workspaces, people and invitations."""

    # -- workspaces --------------------------------------------------------------------------------------

    def insert_workspace(self, workspace: Workspace) -> bool:
        """See the port."""
        made = self._change(
            "insert_workspace",
            created_at=to_micros(workspace.created_at),
            workspace_id=workspace.id,
            **_changeable(workspace),
        )
        return made == 1

    def find_workspace(self, workspace_id: WorkspaceId) -> Workspace | None:
        """See the port."""
        rows = self._all("find_workspace", workspace_id=workspace_id)
        return _workspace(rows[0]) if rows else None

    def list_workspaces(self) -> list[Workspace]:
        """See the port."""
        return [_workspace(row) for row in self._all("list_workspaces")]

    def lock_workspace(self, workspace_id: WorkspaceId) -> None:
        """See the port."""
        self._all("lock_workspace", workspace_id=workspace_id)

    def update_workspace(self, workspace: Workspace) -> None:
        """See the port."""
        self._change("update_workspace", workspace_id=workspace.id, **_changeable(workspace))

    # -- people ------------------------------------------------------------------------------------------

    def insert_person(self, person: Person) -> bool:
        """See the port."""
        made = self._change(
            "insert_person",
            person_id=person.id,
            email=person.email,
            name=person.name,
            subject=person.subject,
            disabled_at=some_micros(person.disabled_at),
            created_at=to_micros(person.created_at),
        )
        return made == 1

    def find_person(self, person_id: PersonId) -> Person | None:
        """See the port."""
        return self._person("find_person", person_id=person_id)

    def find_person_by_email(self, email: str) -> Person | None:
        """See the port."""
        return self._person("person_by_email", email=email)

    def find_person_by_subject(self, subject: str) -> Person | None:
        """See the port."""
        return self._person("person_by_subject", subject=subject)

    def _person(self, statement: str, **parameters: str) -> Person | None:
        rows = self._all(statement, **parameters)
        return _person(rows[0]) if rows else None

    def update_person(self, person: Person) -> None:
        """See the port."""
        self._change(
            "update_person",
            person_id=person.id,
            name=person.name,
            subject=person.subject,
            disabled_at=some_micros(person.disabled_at),
        )

    # -- members -----------------------------------------------------------------------------------------

    def insert_member(self, workspace_id: WorkspaceId, person_id: PersonId, role: Role, *, now: datetime) -> bool:
        """See the port."""
        made = self._change(
            "insert_member", workspace_id=workspace_id, person_id=person_id, role=role, created_at=to_micros(now)
        )
        return made == 1

    def find_member(self, workspace_id: WorkspaceId, person_id: PersonId) -> Member | None:
        """See the port."""
        rows = self._all("find_member", workspace_id=workspace_id, person_id=person_id)
        return _member(rows[0]) if rows else None

    def list_members(self, workspace_id: WorkspaceId) -> list[Member]:
        """See the port."""
        return [_member(row) for row in self._all("list_members", workspace_id=workspace_id)]

    def memberships(self, person_id: PersonId) -> list[Membership]:
        """See the port."""
        return [
            Membership(workspace=_workspace(workspace), role=role)
            for role, *workspace in self._all("memberships", person_id=person_id)
        ]

    def set_role(self, workspace_id: WorkspaceId, person_id: PersonId, role: Role) -> None:
        """See the port."""
        self._change("set_role", workspace_id=workspace_id, person_id=person_id, role=role)

    def delete_member(self, workspace_id: WorkspaceId, person_id: PersonId) -> None:
        """See the port."""
        self._change("delete_member", workspace_id=workspace_id, person_id=person_id)

    # -- invitations -------------------------------------------------------------------------------------

    def insert_invitation(self, invitation: Invitation, secret_hash: str) -> None:
        """See the port."""
        self._change(
            "insert_invitation",
            invitation_id=invitation.id,
            workspace_id=invitation.workspace_id,
            email=invitation.email,
            role=invitation.role,
            secret_hash=secret_hash,
            created_by=invitation.created_by,
            created_at=to_micros(invitation.created_at),
            expires_at=to_micros(invitation.expires_at),
            accepted_at=some_micros(invitation.accepted_at),
        )

    def find_invitation(self, secret_hash: str) -> Invitation | None:
        """See the port."""
        rows = self._all("find_invitation", secret_hash=secret_hash)
        return _invitation(rows[0]) if rows else None

    def invitations_to(self, email: str) -> list[Invitation]:
        """See the port."""
        return [_invitation(row) for row in self._all("invitations_to", email=email)]

    def list_invitations(self, workspace_id: WorkspaceId) -> list[Invitation]:
        """See the port."""
        return [_invitation(row) for row in self._all("list_invitations", workspace_id=workspace_id)]

    def accept_invitation(self, invitation_id: str, *, now: datetime) -> bool:
        """See the port."""
        return self._change("accept_invitation", invitation_id=invitation_id, now=to_micros(now)) == 1

    def delete_invitation(self, workspace_id: WorkspaceId, invitation_id: str) -> bool:
        """See the port."""
        return self._change("delete_invitation", workspace_id=workspace_id, invitation_id=invitation_id) == 1

    def delete_invitations_by(self, workspace_id: WorkspaceId, created_by: str) -> int:
        """See the port."""
        return self._change("delete_invitations_by", workspace_id=workspace_id, created_by=created_by)


def _changeable(workspace: Workspace) -> dict[str, Any]:
    return {
        "name": workspace.name,
        "status": workspace.status,
        "settings": settings_bytes(workspace.settings),
        "updated_at": to_micros(workspace.updated_at),
    }


def _workspace(row: Any) -> Workspace:
    id_, name, status, settings, created, updated = row
    return Workspace(
        id=id_,
        name=name,
        status=status,
        settings=settings_from_bytes(settings),
        created_at=from_micros(created),
        updated_at=from_micros(updated),
    )


def _person(row: Any) -> Person:
    id_, email, name, subject, disabled, created = row
    return Person(
        id=id_,
        email=email,
        name=name,
        subject=subject,
        disabled_at=some_time(disabled),
        created_at=from_micros(created),
    )


def _member(row: Any) -> Member:
    workspace, role, *person = row
    return Member(workspace_id=workspace, person=_person(person), role=role)


def _invitation(row: Any) -> Invitation:
    id_, workspace, email, role, created_by, created, expires, accepted = row
    return Invitation(
        id=id_,
        workspace_id=workspace,
        email=email,
        role=role,
        created_by=created_by,
        created_at=from_micros(created),
        expires_at=from_micros(expires),
        accepted_at=some_time(accepted),
    )
