"""Which way a workflow goes: one of several, or several in their order."""

from collections.abc import Mapping
from typing import Any, cast

from sayso.model.json import Json
from sayso.model.tasks import FormField, RouteRequest, UserTask
from sayso.web.fields import Fields
from sayso.web.review.kinds.answers import answering
from sayso.web.review.kinds.kind import Kind, Unfit

PLACE = "place:"
"""What the names of the fields begin with that say in which order the ways are taken."""


def _given(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    request = task.spec.request
    about = request.fields if isinstance(request, RouteRequest) else ()
    return {"about": cast("tuple[FormField, ...]", about), "places": {} if fields is None else fields.below(PLACE)}


def _take(task: UserTask, fields: Fields) -> dict[str, Json]:
    request = task.spec.request
    if not isinstance(request, RouteRequest) or not request.multiple:
        if not fields.one("value"):
            raise Unfit({"value": "Choose one."})
        return {"selectedOptionIds": [fields.one("value")]}
    return {"selectedOptionIds": _in_order(fields)}


def _in_order(fields: Fields) -> list[str]:
    """Return the chosen ways by the numbers that they were given.

    Raises:
        Unfit: None has one, one has something else, or two have the same.
    """
    given = {name: texts[0].strip() for name, texts in fields.below(PLACE).items() if texts[0].strip()}
    if not given:
        raise Unfit({"value": "Give at least one way a number: 1 is taken first."})
    if not all(text.isascii() and text.isdigit() for text in given.values()):
        raise Unfit({"value": "Give whole numbers: 1 is taken first."})
    if len({int(text) for text in given.values()}) < len(given):
        raise Unfit({"value": "Give each way a number of its own."})
    return sorted(given, key=lambda name: int(given[name]))


KIND = Kind(
    name="route",
    label="Route",
    template="review/kinds/route.html",
    given=_given,
    read=answering(_take, field="value"),
    labels={"value": "Your choice", "note": "Reason or note"},
)
