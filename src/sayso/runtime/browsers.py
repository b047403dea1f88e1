"""Opening a browser session: always with a new secret, always on the server, never longer than it may be."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.core.directoryforms import name_of
from sayso.core.secrets import hash_of, new_secret, read_secret
from sayso.model.directoryerrors import Unauthenticated
from sayso.model.json import Json
from sayso.model.workspaces import Credential, Person, Principal, WorkspaceId
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import DirectoryTimes, expired
from sayso.runtime.directory_ports import Secrets
from sayso.runtime.ports import Ids, Transaction

_LONGEST_AGENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new browser session: the only time that its text is there."""

    text: str
    credential: Credential
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a session is opened with; ids and chance are drawn before the transaction."""

    credential_id: str
    text: str
    name: str
    """What the browser calls itself."""
    previous: str | None
    """What the browser came with, if anything: it ends."""


def opening_of(ids: Ids, secrets: Secrets, agent: str, previous: str | None) -> Opening:
    """Draw what a new session is opened with."""
    return Opening(
        credential_id=ids.new("ses"),
        text=new_secret("session", secrets.new()),
        name=name_of(agent[:_LONGEST_AGENT]) or "browser",
        previous=previous,
    )


def open_session(
    tx: Transaction,
    person: Person,
    opening: Opening,
    now: datetime,
    times: DirectoryTimes,
    *,
    how: str,
    workspace_id: WorkspaceId | None = None,
    until: datetime | None = None,
) -> SignedIn:
    """Open a session in a workspace of the person, by preference the given one, and end what the browser came with.

    Args:
        tx: The transaction.
        person: Who signs in.
        opening: What the session is opened with.
        now: The time.
        times: How long it may last.
        how: What proved who it is; for the audit log.
        workspace_id: The workspace to be active, if the person is in it.
        until: When it ends at the latest, where it goes on from another.

    Raises:
        Unauthenticated: The person is disabled, or is in no workspace.
    """
    places = tx.directory.memberships(person.id)
    if person.disabled_at is not None or not places:
        raise Unauthenticated
    place = next((each for each in places if each.workspace.id == workspace_id), places[0])
    end_session(tx, opening.previous, now)
    tx.credentials.prune(person.id, before=now - times.kept)
    credential = Credential(
        id=opening.credential_id,
        kind="session",
        person_id=person.id,
        workspace_id=place.workspace.id,
        name=opening.name,
        created_at=now,
        expires_at=until or now + times.session,
        seen_at=now,
    )
    tx.credentials.insert(credential, hash_of(opening.text))
    principal = Principal(
        workspace=place.workspace, person=person, role=place.role, credential_id=credential.id, via="ui"
    )
    data: dict[str, Json] = {"how": how, "session": credential.id}
    write_down(tx, place.workspace.id, now, principal.actor, "person.signed_in", person.id, data)
    return SignedIn(text=opening.text, credential=credential, principal=principal)


def end_session(tx: Transaction, text: str | None, now: datetime) -> Credential | None:
    """End the session of a text; None when there is none that could be ended."""
    secret_hash = read_secret("session", text)
    found = None if secret_hash is None else tx.credentials.find("session", secret_hash)
    return found if found is not None and tx.credentials.end(found.id, now=now) else None


def in_force(credential: Credential, now: datetime, idle: timedelta | None = None) -> bool:
    """Tell whether a credential counts: not ended, not expired, and used within the idle time where there is one."""
    if credential.ended_at is not None or expired(credential.expires_at, now):
        return False
    return idle is None or now < (credential.seen_at or credential.created_at) + idle


def principal_of(tx: Transaction, credential: Credential, via: str) -> Principal | None:
    """Return who a credential stands for; None for a disabled person and a removed member."""
    member = tx.directory.find_member(credential.workspace_id, credential.person_id)
    workspace = tx.directory.find_workspace(credential.workspace_id)
    if member is None or workspace is None or member.person.disabled_at is not None:
        return None
    return Principal(workspace=workspace, person=member.person, role=member.role, credential_id=credential.id, via=via)
