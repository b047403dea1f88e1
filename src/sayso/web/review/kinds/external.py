"""A call that somebody executes outside, and whose result is given here."""

from sayso.model.json import Json
from sayso.model.tasks import UserTask
from sayso.web.controls import json_of
from sayso.web.fields import Fields
from sayso.web.review.kinds.answers import answering
from sayso.web.review.kinds.kind import Kind, Unfit, nothing


def _take(task: UserTask, fields: Fields) -> dict[str, Json]:
    del task
    text = fields.one("value")
    if not text.strip():
        raise Unfit({"value": "Give the result."})
    if not fields.has("as_json"):
        return {"result": text}
    try:
        value = json_of(text)
    except ValueError as exc:
        raise Unfit({"value": str(exc)}) from None
    if value is None:
        raise Unfit({"value": "Give a result that is something."})
    return {"result": value}


KIND = Kind(
    name="external",
    label="To be done outside",
    template="review/kinds/external.html",
    given=nothing,
    read=answering(_take, field="value"),
    labels={"value": "The result", "as_json": "As JSON", "note": "Reason or note"},
)
