"""Reading answers: what the kinds that ask for a value, and take a no, have in common."""

from collections.abc import Callable

from sayso.core.answers import Refused
from sayso.core.completions import verdict_of
from sayso.core.verdicts import settle
from sayso.model.json import Json
from sayso.model.tasks import FormRequest, UserTask
from sayso.web.fields import Fields
from sayso.web.review.kinds.approval import rejection
from sayso.web.review.kinds.kind import Sent, Unfit, note_of

Take = Callable[[UserTask, Fields], dict[str, Json]]
"""Returns the fields of the completion; raises `Unfit`."""


def answering(take: Take, *, field: str) -> Callable[[UserTask, Fields], Sent]:
    """Return what reads a form with an answer and a no.

    Args:
        take: Reads the answer.
        field: To which field of the form it is told what does not fit.
    """

    def read(task: UserTask, fields: Fields) -> Sent:
        if fields.one("say") == "reject":
            return rejection(task, fields)
        completion = take(task, fields)
        refuse_unfit(task, completion, field)
        runs = task.spec.request.call if isinstance(task.spec.request, FormRequest) else None
        will = "This is your answer." if runs is None else f"This runs {runs.tool} with what you have filled in."
        return Sent(completion={**completion, **note_of(fields)}, will=will, risky=runs is not None)

    return read


def refuse_unfit(task: UserTask, completion: dict[str, Json], field: str) -> None:
    """Refuse what the runtime would refuse, beside the field that it is about.

    Raises:
        Unfit: It does not fit the task.
    """
    outcome = settle(task.spec, verdict_of(task.spec.request, completion))
    if isinstance(outcome, Refused):
        raise Unfit({field: outcome.reason[:1].upper() + outcome.reason[1:] + "."})
