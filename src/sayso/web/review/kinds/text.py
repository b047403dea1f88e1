"""Questions that are answered by a text."""

from sayso.model.json import Json
from sayso.model.tasks import UserTask
from sayso.web.fields import Fields
from sayso.web.review.kinds.answers import answering
from sayso.web.review.kinds.kind import Kind, nothing


def _take(task: UserTask, fields: Fields) -> dict[str, Json]:
    del task
    return {"textValue": fields.one("value")}


KIND = Kind(
    name="text",
    label="Question",
    template="review/kinds/text.html",
    given=nothing,
    read=answering(_take, field="value"),
    labels={"value": "Your answer", "note": "Reason or note"},
)
