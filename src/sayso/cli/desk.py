"""What the commands about people, keys and tokens share: they act as the machine's own user, in one workspace."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from sayso.cli.shared import opened
from sayso.model.directoryerrors import PersonNotFound
from sayso.model.workspaces import DEFAULT_WORKSPACE, Member, Principal, WorkspaceId
from sayso.runtime.directory import Directory

T = TypeVar("T")
Workspace = Annotated[str, typer.Option("--workspace", "-w", help="The id of the workspace.")]
Days = Annotated[float | None, typer.Option("--days", min=0, help="For how many days.")]
DEFAULT = str(DEFAULT_WORKSPACE)
ONCE = "It is shown this once; only its hash is stored."


def at_desk(
    database: Path | None,
    workspace: str,
    work: Callable[[Directory, Principal], Coroutine[Any, Any, T]],
    *,
    create: bool = False,
) -> T:
    """Run a command's coroutine over the directory of its database; with `create`, in a new file if need be."""
    with opened(database, create=create) as (db, settings):

        async def both() -> T:
            directory = db.directory
            return await work(directory, await directory.local(settings.user, WorkspaceId(workspace)))

        return asyncio.run(both())


async def member_of(directory: Directory, by: Principal, email: str) -> Member:
    """Return the member with an address.

    Raises:
        PersonNotFound: There is none.
    """
    found = await directory.people.find(by, email)
    if found is None:
        raise PersonNotFound(f"Expected a member {email}, but there is none.")
    return found


def lasting(days: float | None) -> timedelta | None:
    """Return how long something is to be in force; None where that was not said."""
    return None if days is None else timedelta(days=days)
