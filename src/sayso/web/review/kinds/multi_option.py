"""Questions that are answered by one of several options, or in other words where that is allowed."""

from sayso.model.json import Json
from sayso.model.tasks import UserTask
from sayso.web.fields import Fields
from sayso.web.review.kinds.answers import answering
from sayso.web.review.kinds.kind import Kind, Unfit, nothing

OTHER = "other"
"""The value of the last choice, in whose place a text stands; the ids of options come after `id:`."""


def _take(task: UserTask, fields: Fields) -> dict[str, Json]:
    del task
    chosen = fields.one("value")
    if chosen == OTHER:
        if fields.text("other") is None:
            raise Unfit({"other": "Say what, since none of the options is it."})
        return {"textValue": fields.one("other")}
    if not chosen:
        raise Unfit({"value": "Choose one."})
    return {"selectedOptionId": chosen.removeprefix("id:")}


KIND = Kind(
    name="multi_option",
    label="Choice",
    template="review/kinds/multi_option.html",
    given=nothing,
    read=answering(_take, field="value"),
    labels={"value": "Your choice", "other": "In other words", "note": "Reason or note"},
)
