"""The rows of what proves who somebody is: sessions, links, tokens, and API keys. Of a secret, only the hash."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from sayso.core.directoryforms import scopes_bytes, scopes_from_bytes
from sayso.core.instants import from_micros, some_micros, some_time, to_micros
from sayso.model.workspaces import ApiKey, Credential, CredentialKind, KeyId, PersonId, WorkspaceId
from sayso.stores.cursors import Rows
from sayso.stores.statements import P, Statements
from sayso.stores.workspace_schema import api_keys, credentials

_CREDENTIAL = select(*(column for column in credentials.columns if column.name != "secret_hash"))
_KEY = select(*(column for column in api_keys.columns if column.name != "secret_hash"))
_THEIRS = (credentials.c.person_id == P("person_id"), credentials.c.kind == P("kind"), credentials.c.ended_at.is_(None))
_FORCES: tuple[CredentialKind, ...] = ("session", "link", "token")

STATEMENTS: Statements = {
    "insert_credential": insert(credentials).values({column.name: P(column.name) for column in credentials.columns}),
    "find_credential": _CREDENTIAL.where(
        credentials.c.secret_hash == P("secret_hash"), credentials.c.kind == P("kind")
    ),
    "credential_by_id": _CREDENTIAL.where(credentials.c.credential_id == P("credential_id")),
    "credentials_of": _CREDENTIAL.where(*_THEIRS).order_by(
        credentials.c.created_at.desc(), credentials.c.credential_id.desc()
    ),
    "end_credential": update(credentials)
    .where(credentials.c.credential_id == P("credential_id"), credentials.c.ended_at.is_(None))
    .values(ended_at=P("now")),
    "end_credentials": update(credentials).where(*_THEIRS).values(ended_at=P("now")),
    "end_credentials_in": update(credentials)
    .where(*_THEIRS, credentials.c.workspace_id == P("workspace_id"))
    .values(ended_at=P("now")),
    "credential_seen": update(credentials)
    .where(
        credentials.c.credential_id == P("credential_id"),
        or_(credentials.c.seen_at.is_(None), credentials.c.seen_at <= P("before")),
    )
    .values(seen_at=P("now")),
    "prune_credentials": delete(credentials).where(
        credentials.c.person_id == P("person_id"), credentials.c.expires_at < P("before")
    ),
    # API keys
    "insert_key": insert(api_keys).values({column.name: P(column.name) for column in api_keys.columns}),
    "find_key": _KEY.add_columns(api_keys.c.secret_hash).where(api_keys.c.key_id == P("key_id")),
    "list_keys": _KEY.where(api_keys.c.workspace_id == P("workspace_id")).order_by(
        api_keys.c.created_at.desc(), api_keys.c.key_id.desc()
    ),
    "revoke_key": update(api_keys)
    .where(api_keys.c.key_id == P("key_id"), api_keys.c.revoked_at.is_(None))
    .values(revoked_at=P("now")),
    "key_used": update(api_keys)
    .where(
        api_keys.c.key_id == P("key_id"),
        or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= P("before")),
    )
    .values(last_used_at=P("now")),
}


class CredentialRows(Rows):
    """The part of a transaction that writes and reads credentials and keys."""

    def insert(self, credential: Credential, secret_hash: str) -> None:
        """See the port."""
        self._change(
            "insert_credential",
            credential_id=credential.id,
            kind=credential.kind,
            person_id=credential.person_id,
            workspace_id=credential.workspace_id,
            secret_hash=secret_hash,
            name=credential.name,
            created_at=to_micros(credential.created_at),
            expires_at=to_micros(credential.expires_at),
            seen_at=some_micros(credential.seen_at),
            ended_at=some_micros(credential.ended_at),
        )

    def find(self, kind: CredentialKind, secret_hash: str) -> Credential | None:
        """See the port."""
        rows = self._all("find_credential", kind=kind, secret_hash=secret_hash)
        return _credential(rows[0]) if rows else None

    def find_by_id(self, credential_id: str) -> Credential | None:
        """See the port."""
        rows = self._all("credential_by_id", credential_id=credential_id)
        return _credential(rows[0]) if rows else None

    def of(self, person_id: PersonId, kind: CredentialKind) -> list[Credential]:
        """See the port."""
        return [_credential(row) for row in self._all("credentials_of", person_id=person_id, kind=kind)]

    def end(self, credential_id: str, *, now: datetime) -> bool:
        """See the port."""
        return self._change("end_credential", credential_id=credential_id, now=to_micros(now)) == 1

    def end_all(
        self,
        person_id: PersonId,
        *,
        now: datetime,
        workspace_id: WorkspaceId | None = None,
        kinds: Collection[CredentialKind] = _FORCES,
    ) -> int:
        """See the port."""
        common: dict[str, Any] = {"person_id": person_id, "now": to_micros(now)}
        if workspace_id is None:
            return sum(self._change("end_credentials", kind=kind, **common) for kind in kinds)
        return sum(self._change("end_credentials_in", kind=kind, workspace_id=workspace_id, **common) for kind in kinds)

    def seen(self, credential_id: str, *, now: datetime, before: datetime) -> None:
        """See the port."""
        self._change("credential_seen", credential_id=credential_id, now=to_micros(now), before=to_micros(before))

    def prune(self, person_id: PersonId, *, before: datetime) -> None:
        """See the port."""
        self._change("prune_credentials", person_id=person_id, before=to_micros(before))

    # -- API keys ----------------------------------------------------------------------------------------

    def insert_key(self, key: ApiKey, secret_hash: str) -> None:
        """See the port."""
        self._change(
            "insert_key",
            key_id=key.id,
            workspace_id=key.workspace_id,
            name=key.name,
            secret_hash=secret_hash,
            last4=key.last4,
            scopes=scopes_bytes(key.scopes),
            created_by=key.created_by,
            created_at=to_micros(key.created_at),
            expires_at=some_micros(key.expires_at),
            revoked_at=some_micros(key.revoked_at),
            last_used_at=some_micros(key.last_used_at),
        )

    def find_key(self, key_id: KeyId) -> tuple[ApiKey, str] | None:
        """See the port."""
        rows = self._all("find_key", key_id=key_id)
        if not rows:
            return None
        *key, secret_hash = rows[0]
        return _key(key), secret_hash

    def list_keys(self, workspace_id: WorkspaceId) -> list[ApiKey]:
        """See the port."""
        return [_key(row) for row in self._all("list_keys", workspace_id=workspace_id)]

    def revoke_key(self, key_id: KeyId, *, now: datetime) -> bool:
        """See the port."""
        return self._change("revoke_key", key_id=key_id, now=to_micros(now)) == 1

    def key_used(self, key_id: KeyId, *, now: datetime, before: datetime) -> None:
        """See the port."""
        self._change("key_used", key_id=key_id, now=to_micros(now), before=to_micros(before))


def _credential(row: Any) -> Credential:
    id_, kind, person, workspace, name, created, expires, seen, ended = row
    return Credential(
        id=id_,
        kind=kind,
        person_id=person,
        workspace_id=workspace,
        name=name,
        created_at=from_micros(created),
        expires_at=from_micros(expires),
        seen_at=some_time(seen),
        ended_at=some_time(ended),
    )


def _key(row: Any) -> ApiKey:
    id_, workspace, name, last4, scopes, created_by, created, expires, revoked, used = row
    return ApiKey(
        id=id_,
        workspace_id=workspace,
        name=name,
        last4=last4,
        scopes=scopes_from_bytes(scopes),
        created_by=created_by,
        created_at=from_micros(created),
        expires_at=some_time(expires),
        revoked_at=some_time(revoked),
        last_used_at=some_time(used),
    )
