"""An open database, and the loop on which its work is done."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from sayso.app.database import SqliteDb
from sayso.app.settings import Settings
from sayso.cli.desk import SeenTask
from sayso.model.actors import Actor
from sayso.model.tasks import UserTask
from sayso.runtime.door import Runtime

T = TypeVar("T")


class Bench(NamedTuple):
    """What the parts of a file's desk share."""

    db: SqliteDb
    settings: Settings
    runner: asyncio.Runner

    @property
    def runtime(self) -> Runtime:
        """The door."""
        return self.db.runtime

    @property
    def by(self) -> Actor:
        """The machine's own user."""
        return Actor(type="user", id=self.settings.user, via="cli")

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.runner.run(work)

    def seen(self, task: UserTask) -> SeenTask:
        """Return a task as it stands now."""
        return SeenTask(task, task.status_at(self.runtime.clock.now()))
