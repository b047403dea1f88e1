"""API keys: what programs prove themselves with; shown once, bound to scopes, revoked at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sayso.core.directoryforms import name_of, scope_problems, scopes_bytes
from sayso.core.secrets import hash_of, last_of, new_key
from sayso.model.directoryerrors import KeyNotFound
from sayso.model.errors import Invalid
from sayso.model.workspaces import ApiKey, KeyId, Principal, Scope
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import Office, expired, named
from sayso.runtime.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A new API key: the only time that its text is there."""

    text: str
    key: ApiKey


class ApiKeys(Office):
    """The API keys of the active workspace."""

    async def create(
        self, by: Principal, *, name: str, scopes: Sequence[Scope], expires_at: datetime | None = None
    ) -> NewKey:
        """Make a key that reaches what its scopes name.

        Raises:
            Forbidden: The keys are not this principal's to manage.
            Invalid: The name is not fit, there is no scope, or the key would have expired.
        """
        called = named(name_of(name), "a name of 1 to 100 visible characters")
        wrong = scope_problems(scopes)
        if wrong:
            raise Invalid(f"Expected scopes that a key can have, but {'; '.join(wrong)}.")
        if expired(expires_at, self._clock.now()):
            raise Invalid(f"Expected an expiry that is still to come, but got {expires_at}.")
        key_id = KeyId(self._ids.new("key"))
        text = new_key(key_id, self._secrets.new())

        def unit(tx: Transaction, by: Principal, now: datetime) -> NewKey:
            key = ApiKey(
                id=key_id,
                workspace_id=by.workspace.id,
                name=called,
                last4=last_of(text),
                scopes=tuple(scopes),
                created_by=by.id,
                created_at=now,
                expires_at=expires_at,
            )
            tx.credentials.insert_key(key, hash_of(text))
            data = {
                "name": called,
                "scopes": scopes_bytes(scopes).decode(),
                "expires_at": None if expires_at is None else expires_at.isoformat(),
            }
            write_down(tx, key.workspace_id, now, by.actor, "key.created", key_id, data)
            return NewKey(text=text, key=key)

        return await self._act(by, "manage_keys", unit)

    async def list(self, by: Principal) -> list[ApiKey]:
        """Return the keys of the workspace, newest first, revoked and expired ones too; never a secret.

        Raises:
            Forbidden: The keys are not this principal's to see.
        """
        return await self._look(by, "see_keys", lambda tx, fresh: tx.credentials.list_keys(fresh.workspace.id))

    async def revoke(self, by: Principal, key_id: KeyId) -> None:
        """Revoke a key: its next request is refused. Revoking it once more changes nothing.

        Raises:
            Forbidden: The keys are not this principal's to manage.
            KeyNotFound: No key of this workspace has the id.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> None:
            found = tx.credentials.find_key(key_id)
            if found is None or found[0].workspace_id != by.workspace.id:
                raise KeyNotFound(f"Expected an API key {key_id}, but there is none.", key_id=key_id)
            if tx.credentials.revoke_key(key_id, now=now):
                write_down(tx, by.workspace.id, now, by.actor, "key.revoked", key_id, {"name": found[0].name})

        await self._act(by, "manage_keys", unit)
