"""A step that failed: try it again, or go on without it."""

from collections.abc import Mapping
from typing import Any

from sayso.model.tasks import ErrorRequest, UserTask
from sayso.web.fields import Fields
from sayso.web.review.kinds.answers import refuse_unfit
from sayso.web.review.kinds.kind import Kind, Sent, Unfit, note_of

_WILL = {"retry": "The step is tried again, with the same key.", "skip": "The run goes on without the step."}


def _given(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    del fields
    request = task.spec.request
    used_up = isinstance(request, ErrorRequest) and 0 < request.max_retries <= request.retry_count
    return {"used_up": used_up}


def _read(task: UserTask, fields: Fields) -> Sent:
    said = fields.one("say")
    if said not in _WILL:
        raise Unfit({"": "Choose one of the buttons."})
    refuse_unfit(task, {"action": said}, "")
    return Sent(completion={"action": said, **note_of(fields)}, will=_WILL[said])


KIND = Kind(
    name="error",
    label="Failed step",
    template="review/kinds/error.html",
    given=_given,
    read=_read,
    labels={"note": "Note"},
)
