"""A call that was sent, and of which nobody knows what came: a person who has looked says what happened."""

from collections.abc import Mapping
from typing import Any

from sayso.core.ledger import HAPPENED, NOT_HAPPENED, STOP
from sayso.core.readable import readable
from sayso.model.tasks import UncertainRequest, UserTask
from sayso.web.fields import Fields
from sayso.web.review.kinds.kind import Kind, Sent, Unfit, note_of
from sayso.web.review.showing import rows_of

_WILL = {
    HAPPENED: "The call counts as done, and is never sent again.",
    NOT_HAPPENED: "The call counts as not done, and the agent may propose it again.",
    STOP: "The run ends, and the call stays unknown.",
}


def _given(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    del fields
    request = task.spec.request
    evidence = request.evidence if isinstance(request, UncertainRequest) else None
    return {"evidence": () if evidence is None else rows_of(readable(evidence)), "will": _WILL}


def _read(task: UserTask, fields: Fields) -> Sent:
    del task
    said = fields.one("say")
    if said not in _WILL:
        raise Unfit({"": "Choose one of the buttons: nobody can know this for you."})
    if said == HAPPENED and fields.text("note") is None:
        raise Unfit({"note": "Give the reference under which the other side has it."})
    return Sent(completion={"selectedOptionId": said, **note_of(fields)}, will=_WILL[said], confirm=True)


KIND = Kind(
    name="uncertain",
    label="Unknown outcome",
    template="review/kinds/uncertain.html",
    given=_given,
    read=_read,
    labels={"note": "Reference or note"},
)
