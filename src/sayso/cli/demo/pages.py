"""The demo on the pages: the desk and its agent run behind a service, and people decide in the inbox."""

import asyncio
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field

from sayso.app.agent import Agent
from sayso.app.announcing import Announcement
from sayso.app.database import SqliteDb
from sayso.app.settings import Settings
from sayso.app.workflow import Workflow
from sayso.cli.demo.session import Watch
from sayso.model.ids import RunId
from sayso.model.requesterrors import AddressTaken
from sayso.model.runs import Run

_BY_HAND = "Open the link above: it signs you in, once. Ctrl-C stops; nothing is lost, and `sayso demo` goes on."


@dataclass(kw_only=True)
class Pages:
    """The demo's programs behind the pages.

    Args:
        db: The demo's database.
        programs: The desk and its agent.
        runs: The runs to watch, in this order.
        settings: Where to listen.
        say: Prints for people.
        ended: Told when the desk's run has ended.
    """

    db: SqliteDb
    programs: tuple[Workflow, Agent]
    runs: tuple[RunId, ...]
    settings: Settings
    say: Callable[[str], None]
    ended: Callable[[Run], None]
    _watching: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def serve(self) -> None:
        """Serve until Ctrl-C; where the usual port is taken, on any free one."""
        from sayso.app import serving  # Lazy: nothing else of the demo needs the web framework.

        try:
            await serving.serve(self.db, self.settings, self.programs, self._ready)
        except AddressTaken:
            free = self.settings.model_copy(update={"port": 0})
            await serving.serve(self.db, free, self.programs, self._ready)
        finally:
            for task in self._watching:
                task.cancel()

    def _ready(self, told: Announcement) -> None:
        link = told.sign_in or told.url
        self.say(f"\nThe inbox   {link}\n{_BY_HAND}\n")
        for run_id in self.runs:
            task = asyncio.get_running_loop().create_task(self._watch(run_id))
            self._watching.add(task)
        if _has_browser():
            webbrowser.open(link)

    async def _watch(self, run_id: RunId) -> None:
        run = await Watch(self.db.runtime, run_id, self.say).to_the_end()
        if run_id == self.runs[0]:
            self.ended(run)


def _has_browser() -> bool:
    """Tell whether there is somebody at this machine to whom a browser could show something."""
    try:
        return sys.stdout.isatty() and webbrowser.get().name not in {"www-browser", "lynx", "w3m", "links", "elinks"}
    except (webbrowser.Error, AttributeError):
        return False
