"""Calls about what is kept, and about people, keys, tokens and the audit log; see client/calls.py.

What makes or ends people, keys and invitations is not remembered by the service under an Idempotency-Key, since the
secrets in its answers are not kept. So these calls are not made again where an answer was lost.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from sayso.client.calls import Call, at, get, read_as
from sayso.client.reading import value, values
from sayso.client.rows import (
    AgentList,
    ApiKey,
    AuditCheck,
    AuditPage,
    Invitation,
    Journal,
    LedgerCall,
    Me,
    Member,
    RunList,
    Token,
)
from sayso.model.json import Json

T = TypeVar("T")
Object = Mapping[str, Json]


def _act(method: Literal["POST", "PATCH", "DELETE"], read: Callable[[Any], T], path: str, **body: Json) -> Call[T]:
    sent = {name: item for name, item in body.items() if item is not None}
    return Call(method=method, path=path, read=read, body=sent or None, again=False)


def _listed(cls: type[T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda plain: values(cls, plain["items"])


def _nothing(plain: Any) -> None:
    del plain


def _as_it_is(plain: Any) -> Object:
    return plain


# -- runs ---------------------------------------------------------------------------------------------------------


def list_runs(
    *,
    of: str | None = None,
    state: str | None = None,
    session_id: str | None = None,
    take: int = 100,
    cursor: str | None = None,
) -> Call[RunList]:
    """Return some runs as rows, newest first; `cursor` is the `next_cursor` of the page before."""
    return get(read_as(RunList), at("runs"), of=of, state=state, sessionId=session_id, take=take, cursor=cursor)


def get_journal(run_id: str, *, after: int = 0, take: int = 100) -> Call[Journal]:
    """Return a run's row and some of its journal; `after` is the `next_after` of the page before."""
    return get(read_as(Journal), at("runs", run_id, "journal"), after=after, take=take)


def list_calls(run_id: str) -> Call[tuple[LedgerCall, ...]]:
    """Return a run's tool calls as the ledger has them."""
    return get(_listed(LedgerCall), at("runs", run_id, "calls"))


def list_agents(*, skip: int = 0, take: int = 100) -> Call[AgentList]:
    """Return some agents of the workspace, by name."""
    return get(read_as(AgentList), at("agents"), skip=skip, take=take)


# -- people -------------------------------------------------------------------------------------------------------


def get_me() -> Call[Me]:
    """Return who asks, what they may do, and in which workspace."""
    return get(read_as(Me), at("me"))


def list_members() -> Call[tuple[Member, ...]]:
    """Return who is in the workspace."""
    return get(_listed(Member), at("members"))


def add_member(email: str, role: str, *, name: str | None = None) -> Call[Member]:
    """Make somebody a member."""
    return _act("POST", read_as(Member), at("members"), email=email, role=role, name=name)


def change_member(person_id: str, role: str) -> Call[Member]:
    """Give a member another role."""
    return _act("PATCH", read_as(Member), at("members", person_id), role=role)


def remove_member(person_id: str) -> Call[None]:
    """Take somebody out of the workspace."""
    return _act("DELETE", _nothing, at("members", person_id))


def disable_person(person_id: str) -> Call[Member]:
    """Let a person sign in nowhere any more; of the answer, only `id` and `disabled_at` are told."""
    return _act("POST", read_as(Member), at("members", person_id, "disable"))


def enable_person(person_id: str) -> Call[Member]:
    """Let a disabled person sign in again; of the answer, only `id` and `disabled_at` are told."""
    return _act("POST", read_as(Member), at("members", person_id, "enable"))


def list_invitations() -> Call[tuple[Invitation, ...]]:
    """Return the invitations of the workspace, accepted and expired ones too."""
    return get(_listed(Invitation), at("invitations"))


def invite(email: str, role: str, *, expires_in_hours: int | None = None) -> Call[Invitation]:
    """Invite somebody; the answer has the secret, once."""
    return _act("POST", read_as(Invitation), at("invitations"), email=email, role=role, expiresInHours=expires_in_hours)


def revoke_invitation(invitation_id: str) -> Call[None]:
    """Withdraw an invitation that nobody has accepted."""
    return _act("DELETE", _nothing, at("invitations", invitation_id))


# -- keys and tokens ----------------------------------------------------------------------------------------------


def list_keys() -> Call[tuple[ApiKey, ...]]:
    """Return the API keys of the workspace, never a secret."""
    return get(_listed_keys, at("keys"))


def create_key(name: str, scopes: Sequence[Object], *, expires_at: datetime | None = None) -> Call[ApiKey]:
    """Make an API key; the answer has it, once. A scope has `agentId`, and `triggerId` where it is narrower."""
    ends = None if expires_at is None else expires_at.isoformat()
    sent: list[Json] = [dict(scope) for scope in scopes]
    return _act("POST", _key, at("keys"), name=name, scopes=sent, expiresAt=ends)


def revoke_key(key_id: str) -> Call[None]:
    """Revoke an API key."""
    return _act("DELETE", _nothing, at("keys", key_id))


def _key(plain: Any) -> ApiKey:
    return value(ApiKey, {**plain, "scopes": tuple(plain.get("scopes") or ())})


def _listed_keys(plain: Any) -> tuple[ApiKey, ...]:
    return tuple(_key(item) for item in plain["items"])


def list_tokens(person_id: str | None = None) -> Call[tuple[Token, ...]]:
    """Return the tokens in force of oneself, or of a member whom one may manage; never a secret."""
    return get(_listed(Token), at("me", "tokens") if person_id is None else at("members", person_id, "tokens"))


def revoke_token(token_id: str) -> Call[None]:
    """End a token: one's own, or that of a member whom one may manage."""
    return _act("DELETE", _nothing, at("me", "tokens", token_id))


# -- the audit log ------------------------------------------------------------------------------------------------


def list_audit(*, after: int = 0, last: int | None = None, take: int = 100) -> Call[AuditPage]:
    """Return some rows of the audit log in order; `last` begins so many before the end."""
    return get(_audit_page, at("audit"), after=after, last=last, take=take)


def _audit_page(plain: Any) -> AuditPage:
    return value(AuditPage, {**plain, "items": tuple(plain.get("items") or ())})


def verify_audit(anchor: str | None = None) -> Call[AuditCheck]:
    """Check the audit log, against what was noted down (`SEQ:HASH`) where that is given."""
    return get(read_as(AuditCheck), at("audit", "verify"), anchor=anchor)


def get_evidence(session_id: str) -> Call[Object]:
    """Return everything that is kept about a session, sealed by hashes."""
    return get(_as_it_is, at("sessions", session_id, "evidence"))


def export_query(since: datetime | None, action: str | None) -> dict[str, str]:
    """Return the parameters of an export of the audit log."""
    given = {"since": None if since is None else since.isoformat(), "action": action}
    return {name: item for name, item in given.items() if item is not None}
