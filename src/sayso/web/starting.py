"""Starting a run by a form: once, however often the form is sent, and then to its session."""

import re
from collections.abc import Callable

from starlette.responses import RedirectResponse

from sayso.model.ids import RunId
from sayso.model.requesterrors import NotWaiting
from sayso.runtime.ports import Transaction
from sayso.runtime.units import Claimed, Start
from sayso.server.service import Asking
from sayso.web.fields import Fields

FIELD = "run"
"""The hidden field with the id of the run that the form starts."""
_RUN = re.compile(r"run_\w{26}")


def fresh_run(asked: Asking) -> str:
    """Return the id of the run that a form which is shown now will start."""
    return asked.service.ids.new("run")


def run_of(sent: Fields) -> RunId | None:
    """Return the run that a form starts; None lets a new id be taken."""
    given = sent.one(FIELD)
    return RunId(given) if _RUN.fullmatch(given) else None


async def begun(asked: Asking, command: Start) -> RedirectResponse:
    """Start a run and lead to its session; the same form sent twice leads to the one run that it has started.

    Raises:
        SaysoError: What refuses the start; see `Registry.plan`.
    """
    service = asked.service
    begin: Callable[[Transaction], Claimed] = service.sessions.starting(command, asked.principal, asked.reach)
    try:
        await service.runtime.store.run(begin)
    except NotWaiting:
        there = await service.sessions.run(command.run_id, asked.reach)
        return RedirectResponse(f"/sessions/{there.run.session_id}", 303)
    service.runtime.wake(command.run_id)
    return RedirectResponse(f"/sessions/{command.session_id}", 303)
