"""Workspaces: making them, naming them, suspending them, and their switches and limits."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime

from sayso.core.directoryforms import limit_problems, name_of
from sayso.model.errors import Invalid
from sayso.model.json import Json
from sayso.model.workspaces import (
    Membership,
    Principal,
    Workspace,
    WorkspaceId,
    WorkspaceSettings,
    WorkspaceStatus,
)
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import Office, ensure_default, named
from sayso.runtime.ports import Transaction


class Workspaces(Office):
    """The workspaces of a database."""

    async def default(self) -> Workspace:
        """Return the default workspace, made at the first use."""
        now = self._clock.now()
        return await self._store.run(lambda tx: ensure_default(tx, now))

    async def load(self, by: Principal) -> Workspace:
        """Return the workspace that is active for somebody."""
        return await self._look(by, None, lambda _, fresh: fresh.workspace)

    async def list(self, by: Principal) -> list[Membership]:
        """Return the workspaces that somebody is in, the oldest membership first; who holds the database is in all."""
        return await self._look(by, None, _memberships)

    async def create(self, by: Principal, *, name: str) -> Workspace:
        """Create a workspace; the person who does becomes its owner.

        Raises:
            Forbidden: The workspace that is active is not this principal's to manage.
            Invalid: The name is empty, too long, or holds what nobody sees.
        """
        fit = _name(name)
        workspace_id = WorkspaceId(self._ids.new("wsp"))

        def unit(tx: Transaction, by: Principal, now: datetime) -> Workspace:
            made = Workspace(id=workspace_id, name=fit, created_at=now, updated_at=now)
            tx.directory.insert_workspace(made)
            if by.person is not None:
                tx.directory.insert_member(made.id, by.person.id, "owner", now=now)
            write_down(tx, made.id, now, by.actor, "workspace.created", made.id, {"name": fit})
            return made

        return await self._act(by, "manage_workspace", unit)

    async def rename(self, by: Principal, name: str) -> Workspace:
        """Give the active workspace another name.

        Raises:
            Forbidden: It is not this principal's to manage.
            Invalid: The name is empty, too long, or holds what nobody sees.
        """
        return await self.amend(by, name=name)

    async def suspend(self, by: Principal) -> Workspace:
        """Let no run start in the active workspace; what runs goes on, and people may still decide.

        Raises:
            Forbidden: It is not this principal's to manage.
        """
        return await self._set_status(by, "suspended", "workspace.suspended")

    async def activate(self, by: Principal) -> Workspace:
        """Let runs start again.

        Raises:
            Forbidden: It is not this principal's to manage.
        """
        return await self._set_status(by, "active", "workspace.activated")

    async def change_settings(self, by: Principal, settings: WorkspaceSettings) -> Workspace:
        """Set the switches and limits of the active workspace.

        Raises:
            Forbidden: It is not this principal's to manage.
            Invalid: A limit is not more than 0.
        """
        return await self.amend(by, changed=lambda _: settings)

    async def amend(
        self,
        by: Principal,
        *,
        name: str | None = None,
        changed: Callable[[WorkspaceSettings], WorkspaceSettings] | None = None,
    ) -> Workspace:
        """Change the name, the settings as they are in this very moment, or both, of the active workspace.

        Raises:
            Forbidden: It is not this principal's to manage.
            Invalid: The name is not fit, or a limit is not more than 0; nothing was changed.
        """
        fit = None if name is None else _name(name)

        def unit(tx: Transaction, by: Principal, now: datetime) -> Workspace:
            found = by.workspace
            if fit is not None:
                found = _written(tx, by, now, "workspace.renamed", {"name": fit}, replace(found, name=fit))
            if changed is not None:
                settings = _fit(changed(found.settings))
                data: dict[str, Json] = asdict(settings)
                by = replace(by, workspace=found)
                new = replace(found, settings=settings)
                found = _written(tx, by, now, "workspace.settings_changed", data, new)
            return found

        return await self._act(by, "manage_workspace", unit)

    async def _set_status(self, by: Principal, status: WorkspaceStatus, action: str) -> Workspace:
        def unit(tx: Transaction, by: Principal, now: datetime) -> Workspace:
            return _written(tx, by, now, action, {}, replace(by.workspace, status=status))

        return await self._act(by, "manage_workspace", unit)


def _written(
    tx: Transaction, by: Principal, now: datetime, action: str, data: dict[str, Json], new: Workspace
) -> Workspace:
    """Write the workspace of whoever does it as it is to be, and that it was done; nothing where it is so already."""
    if new == by.workspace:
        return new
    new = replace(new, updated_at=now)
    tx.directory.update_workspace(new)
    write_down(tx, new.id, now, by.actor, action, new.id, data)
    return new


def _fit(settings: WorkspaceSettings) -> WorkspaceSettings:
    wrong = limit_problems(settings.limits)
    if wrong:
        raise Invalid(f"Expected limits that can be kept, but {'; '.join(wrong)}.")
    return settings


def _name(text: str) -> str:
    return named(name_of(text), "a name of 1 to 100 visible characters")


def _memberships(tx: Transaction, by: Principal) -> list[Membership]:
    if by.person is not None:
        return tx.directory.memberships(by.person.id)
    if by.local is not None:
        return [Membership(workspace=each, role="owner") for each in tx.directory.list_workspaces()]
    return []
