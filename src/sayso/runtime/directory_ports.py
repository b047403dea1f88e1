"""What the directory needs of a transaction: the rows of workspaces, people, credentials and keys."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from sayso.model.workspaces import (
    ApiKey,
    Credential,
    CredentialKind,
    Invitation,
    KeyId,
    Member,
    Membership,
    Person,
    PersonId,
    Role,
    Workspace,
    WorkspaceId,
)


class Secrets(Protocol):
    """Chance for secrets, fit for cryptography."""

    def new(self) -> bytes:
        """Return 32 random bytes that nobody can guess."""
        ...


class DirectoryRows(Protocol):
    """The rows of workspaces, of the people in them, and of invitations."""

    # workspaces
    def insert_workspace(self, workspace: Workspace) -> bool:
        """Create a workspace; False when the id is taken."""
        ...

    def find_workspace(self, workspace_id: WorkspaceId) -> Workspace | None:
        """Return a workspace."""
        ...

    def list_workspaces(self) -> list[Workspace]:
        """Return every workspace, the oldest first."""
        ...

    def lock_workspace(self, workspace_id: WorkspaceId) -> None:
        """Let nobody else change who is in it until this transaction ends."""
        ...

    def update_workspace(self, workspace: Workspace) -> None:
        """Write a workspace's name, status and settings."""
        ...

    # people
    def insert_person(self, person: Person) -> bool:
        """Create a person; False when the address is taken."""
        ...

    def find_person(self, person_id: PersonId) -> Person | None:
        """Return a person."""
        ...

    def find_person_by_email(self, email: str) -> Person | None:
        """Return the person with an address."""
        ...

    def find_person_by_subject(self, subject: str) -> Person | None:
        """Return the person that an identity provider knows by this."""
        ...

    def update_person(self, person: Person) -> None:
        """Write a person's name, subject and whether the person is disabled."""
        ...

    # members
    def insert_member(self, workspace_id: WorkspaceId, person_id: PersonId, role: Role, *, now: datetime) -> bool:
        """Make a person a member; False when the person is one."""
        ...

    def find_member(self, workspace_id: WorkspaceId, person_id: PersonId) -> Member | None:
        """Return a member, disabled or not."""
        ...

    def list_members(self, workspace_id: WorkspaceId) -> list[Member]:
        """Return who is in a workspace, by address."""
        ...

    def memberships(self, person_id: PersonId) -> list[Membership]:
        """Return where a person is a member, the oldest membership first."""
        ...

    def set_role(self, workspace_id: WorkspaceId, person_id: PersonId, role: Role) -> None:
        """Change a member's role."""
        ...

    def delete_member(self, workspace_id: WorkspaceId, person_id: PersonId) -> None:
        """Take a person out of a workspace."""
        ...

    # invitations
    def insert_invitation(self, invitation: Invitation, secret_hash: str) -> None:
        """Write an invitation down."""
        ...

    def find_invitation(self, secret_hash: str) -> Invitation | None:
        """Return the invitation of a secret."""
        ...

    def invitations_to(self, email: str) -> list[Invitation]:
        """Return every invitation to an address, the oldest first."""
        ...

    def list_invitations(self, workspace_id: WorkspaceId) -> list[Invitation]:
        """Return the invitations of a workspace, newest first."""
        ...

    def accept_invitation(self, invitation_id: str, *, now: datetime) -> bool:
        """Mark an invitation as accepted; False when somebody was faster, or it has expired."""
        ...

    def delete_invitation(self, workspace_id: WorkspaceId, invitation_id: str) -> bool:
        """Delete an invitation that is not accepted; False when there is none."""
        ...

    def delete_invitations_by(self, workspace_id: WorkspaceId, created_by: str) -> int:
        """Delete what somebody has invited to and nobody accepted; return how many."""
        ...


class CredentialRows(Protocol):
    """The rows of what proves who somebody is: sessions, links, tokens, and API keys."""

    def insert(self, credential: Credential, secret_hash: str) -> None:
        """Write a credential down."""
        ...

    def find(self, kind: CredentialKind, secret_hash: str) -> Credential | None:
        """Return the credential of a secret, in force or not."""
        ...

    def find_by_id(self, credential_id: str) -> Credential | None:
        """Return a credential by its id, in force or not."""
        ...

    def of(self, person_id: PersonId, kind: CredentialKind) -> list[Credential]:
        """Return a person's credentials of a kind that were not ended, newest first."""
        ...

    def end(self, credential_id: str, *, now: datetime) -> bool:
        """End a credential; False when it had ended."""
        ...

    def end_all(
        self,
        person_id: PersonId,
        *,
        now: datetime,
        workspace_id: WorkspaceId | None = None,
        kinds: Collection[CredentialKind] = ("session", "link", "token"),
    ) -> int:
        """End a person's credentials, of all workspaces or of one; return how many there were."""
        ...

    def seen(self, credential_id: str, *, now: datetime, before: datetime) -> None:
        """Note that a credential was used, unless that was noted after `before`."""
        ...

    def prune(self, person_id: PersonId, *, before: datetime) -> None:
        """Delete a person's credentials that have expired before then."""
        ...

    # API keys
    def insert_key(self, key: ApiKey, secret_hash: str) -> None:
        """Write a key down."""
        ...

    def find_key(self, key_id: KeyId) -> tuple[ApiKey, str] | None:
        """Return a key, in force or not, and the hash of its secret."""
        ...

    def list_keys(self, workspace_id: WorkspaceId) -> list[ApiKey]:
        """Return the keys of a workspace, newest first."""
        ...

    def revoke_key(self, key_id: KeyId, *, now: datetime) -> bool:
        """Revoke a key; False when it was revoked already."""
        ...

    def key_used(self, key_id: KeyId, *, now: datetime, before: datetime) -> None:
        """Note that a key was used, unless that was noted after `before`."""
        ...
