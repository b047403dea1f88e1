"""Questions that are answered by a number, within bounds."""

from collections.abc import Mapping
from typing import Any

from sayso.model.json import Json
from sayso.model.tasks import NumberRequest, UserTask
from sayso.web.controls import number_of
from sayso.web.fields import Fields
from sayso.web.review.kinds.answers import answering
from sayso.web.review.kinds.kind import Kind, Unfit


def _given(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    del fields
    request = task.spec.request
    if not isinstance(request, NumberRequest):
        return {"bounds": "", "unit": ""}
    bounds = [
        "" if request.minimum is None else f"at least {request.minimum:g}",
        "" if request.maximum is None else f"at most {request.maximum:g}",
    ]
    return {"bounds": ", ".join(filter(None, bounds)), "unit": request.unit or ""}


def _take(task: UserTask, fields: Fields) -> dict[str, Json]:
    del task
    try:
        return {"numberValue": number_of(fields.one("value"))}
    except ValueError as exc:
        raise Unfit({"value": str(exc)}) from None


KIND = Kind(
    name="number",
    label="Number",
    template="review/kinds/number.html",
    given=_given,
    read=answering(_take, field="value"),
    labels={"value": "Your answer", "note": "Reason or note"},
)
