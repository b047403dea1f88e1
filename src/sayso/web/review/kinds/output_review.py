"""An output under review: keep it, keep it with changes, or send it back with what is wrong."""

import json
from collections.abc import Mapping
from typing import Any

from sayso.core.readable import readable
from sayso.model.json import Json
from sayso.model.tasks import OutputReviewRequest, UserTask
from sayso.web.controls import json_of
from sayso.web.differing import changes
from sayso.web.fields import Fields
from sayso.web.review.kinds.approval import rejected, rejection
from sayso.web.review.kinds.kind import Kind, Sent, Unfit, note_of
from sayso.web.review.showing import shown
from sayso.web.wording import hides


def _given(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    output, request = _output(task), task.spec.request
    text = fields.one("output") if fields is not None and fields.has("output") else _written(output)
    rounds = request.retry_count if isinstance(request, OutputReviewRequest) else 0
    return {
        "shown": shown("output", output),
        "text": text,
        "as_text": _as_text(output),
        "editable": _editable(task),
        "rows": min(max(text.count("\n") + 1, len(text) // 70 + 1, 3), 20),
        "rounds": rounds,
        "rejected": rejected(task),
    }


def _read(task: UserTask, fields: Fields) -> Sent:
    match fields.one("say"):
        case "approve":
            return Sent(completion={"approved": True, **note_of(fields)}, will="The output is kept as it is.")
        case "reject":
            return rejection(task, fields)
        case "edit" | "check":
            return _edited(task, fields)
        case _:
            raise Unfit({"": "Choose one of the buttons."})


def _edited(task: UserTask, fields: Fields) -> Sent:
    was = _output(task)
    if not _editable(task):
        raise Unfit({"": "This output has a type of the program, which cannot be edited here. Send it back instead."})
    now = _rewritten(was, fields)
    found = tuple(changes(was, now))
    if not found:
        raise Unfit({"output": "Nothing is changed. Keep it as it is, or change it."})
    return Sent(
        completion={"approved": True, "editedOutput": now, **note_of(fields)},
        will="The output is kept with your changes.",
        confirm=True,
        changes=found,
    )


def _rewritten(was: Json, fields: Fields) -> Json:
    text = fields.one("output")
    if not fields.has("output") or text == _written(was):
        return was
    if _as_text(was):
        return text
    try:
        return json_of(text)
    except ValueError as exc:
        raise Unfit({"output": str(exc)}) from None


def _output(task: UserTask) -> Json:
    request = task.spec.request
    return readable(request.output) if isinstance(request, OutputReviewRequest) else None


def _editable(task: UserTask) -> bool:
    """Tell whether an output is what JSON can spell, so that it stays what it is when it is written anew."""
    request = task.spec.request
    return isinstance(request, OutputReviewRequest) and json.dumps(request.output) == json.dumps(_output(task))


def _as_text(output: Json) -> bool:
    """Tell whether an output is edited as text: where every character of it can be seen."""
    return isinstance(output, str) and not any(map(hides, output))


def _written(output: Json) -> str:
    return str(output) if _as_text(output) else json.dumps(output, indent=2, ensure_ascii=isinstance(output, str))


KIND = Kind(
    name="output_review",
    label="Output review",
    template="review/kinds/output_review.html",
    given=_given,
    read=_read,
    labels={"output": "The output, as you changed it", "note": "Feedback or note"},
)
