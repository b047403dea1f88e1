"""What tests of cards need: tasks to decide, the hidden fields of a form, and how a task stands."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from sayso.model.ids import TaskId
from sayso.model.tasks import TaskStatus, UserTask
from sayso.model.workspaces import Reach
from tests.web.site import Site

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_WAIT = 6


@dataclass
class Desk:
    """A site with an agent that asks before it does something."""

    site: Site
    done: list[Any]
    """What its tools have done."""
    agents: dict[str, str] = field(default_factory=dict[str, str])

    def start(self, name: str = "desk", text: str = "go", **client: Any) -> str:
        """Start a run of an agent or a workflow over HTTP; return its id."""
        path = f"/v1/agents/{self.agents[name]}/runs" if name in self.agents else f"/v1/workflows/{name}/runs"
        body = {"input": {"message": text}} if name in self.agents else {"input": text}
        with self.site.client(**client) as http:
            answer = http.post(path, json=body, headers={"Accept": "application/json"})
        assert answer.status_code == 202, answer.text
        return answer.json()["runId"]

    def asked(self, name: str = "desk", text: str = "go", **client: Any) -> TaskId:
        """Start a run, and return the task that it asks."""
        return self.task_of(self.start(name, text, **client))

    def task_of(self, run: Any) -> TaskId:
        """Return the pending task of a run, as soon as there is one."""
        for _ in range(_WAIT * 50):
            parts = self.site.do(self.site.service.sessions.run(run, self.reach))
            found = [task.id for task in parts.tasks if task.status is TaskStatus.PENDING]
            if found:
                return found[0]
            time.sleep(0.02)
        raise AssertionError(f"run {run} asks nothing")

    def stored(self, task: TaskId) -> UserTask:
        """Return a task as it is stored."""
        return self.site.do(self.site.service.inbox.show(task, self.reach))[0]

    def status(self, task: TaskId) -> str:
        """Return how a task stands."""
        return str(self.stored(task).status)

    @property
    def reach(self) -> Reach:
        """All of the workspace."""
        return Reach(workspace_id=self.site.root.workspace.id)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        for _ in range(_WAIT * 50):
            if holds():
                return
            time.sleep(0.02)
        raise AssertionError(f"it never held; done was {self.done}")

    def until_paid(self, count: int) -> None:
        """Wait until the tools have done something so often."""
        self.until(lambda: len(self.done) >= count)

    @staticmethod
    def hidden(page: str) -> dict[str, str]:
        """Return the hidden fields of a page's forms."""
        return {name: unescape(value) for name, value in _HIDDEN.findall(page)}


def desk_of(site: Site, done: list[Any]) -> Desk:
    """Return a site's desk, which knows its agents."""
    page = site.do(site.service.registry.list_agents(site.root.workspace.id, limit=100))
    return Desk(site, done, {agent.name: agent.id for agent in page.items})
