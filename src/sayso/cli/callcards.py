"""What the card of an agent's question says: the call in question, and the ways to answer."""

import json
from collections.abc import Mapping

from sayso.cli.text import safe, shown
from sayso.core.confiding import masked_arguments, sealed_at
from sayso.core.differences import Sign, differences, lines_between
from sayso.core.previews import Foretold, NoPreview, Pair, preview_of
from sayso.model.json import Json
from sayso.model.tasks import (
    AgentRequest,
    CallShown,
    ExternalRequest,
    MessageRequest,
    NumberRequest,
    OptionsRequest,
    TextRequest,
    UncertainRequest,
)

_PROMISES = {
    "read": "changes nothing; it may be tried again",
    "keyed": "if nobody knows what came of it, sent again with the same key, as long as the remote knows that key",
    "once": "sent at most once; if nobody knows what came of it, you are asked",
}
_SIGNS: Mapping[Sign, str] = {"same": " ", "was": "-", "now": "+"}


def about_call(call: CallShown) -> list[str]:
    """Return what will run, why it is asked, and what is promised about it."""
    arguments = json.dumps(masked_arguments(call), indent=2, ensure_ascii=False, sort_keys=True)
    lines = [
        f"  runs: {safe(call.tool)} with",
        *[f"    {line}" for line in safe(arguments).splitlines()],
        f"  effect: {call.effect}: {_PROMISES.get(call.effect, 'unknown')}",
    ]
    if sealed_at(call):
        places = ", ".join(map(safe, sealed_at(call)))
        lines.append(f"  secret, and told by `sayso tasks show TASK --reveal PLACE`, which is written down: {places}")
    lines += _foretold(call.preview)
    if call.why:
        lines.append(f"  asked because: {safe(call.why)}")
    if call.said:
        lines += ["  the agent's own words (not checked by anybody):", *_indented(safe(call.said))]
    return lines


def _foretold(stored: Json) -> list[str]:
    """Return what the tool says that it would change."""
    match preview_of(stored):
        case None:
            return []
        case NoPreview(error):
            return [f"  no preview: {safe(error)}"]
        case Foretold(value):
            return ["  what it would change, by the tool's own word:", *_indented(shown(value))]
        case Pair(before, after):
            found = differences(before, after)
            head = "  what it would change, by the tool's own word:" + ("" if found else " nothing")
            return [head, *(line for change in found for line in _changed(change))]


def _changed(change: dict[str, Json]) -> list[str]:
    at = [f"    {safe(str(change['at']).removeprefix('/'))}:"] if change["at"] else []
    was, now = (safe(shown(change[side])) if side in change else None for side in ("was", "now"))
    if was is None or now is None:
        return [*at, *_signed("-", was), *_signed("+", now)]
    lines = lines_between(was, now) or [("was", was), ("now", now)]
    return [*at, *(line for sign, text in lines for line in _signed(_SIGNS[sign], text))]


def _signed(sign: str, text: str | None) -> list[str]:
    return [] if text is None else [f"      {sign} {line}" for line in text.split("\n")]


def about_request(request: AgentRequest) -> list[str]:
    """Return what a question of an agent says beside its message."""
    match request:
        case TextRequest():
            return [] if request.max_length is None else [f"  at most {request.max_length} characters"]
        case NumberRequest():
            bounds = [
                "" if request.minimum is None else f"at least {request.minimum:g}",
                "" if request.maximum is None else f"at most {request.maximum:g}",
                "" if request.unit is None else f"in {safe(request.unit)}",
            ]
            return [f"  {', '.join(filter(None, bounds))}"] if any(bounds) else []
        case OptionsRequest():
            return [f"  {safe(option.id)}: {safe(option.label)}" for option in request.options]
        case ExternalRequest():
            return about_call(request.call)
        case UncertainRequest():
            sent = [f"  search the remote for: {safe(request.reference)} (attempt {request.attempt})"]
            known = [] if request.evidence is None else ["  what is known:", *_indented(shown(request.evidence))]
            return [*about_call(request.call), *sent, *known]
        case MessageRequest():
            return []


def ways(request: AgentRequest, task: str, at: str) -> list[str]:
    """Return the commands that answer a question of an agent."""
    reject = f"  sayso tasks reject {task}{at} -m 'why'"
    match request:
        case TextRequest() | NumberRequest() | ExternalRequest():
            return [f"  sayso tasks answer {task} VALUE{at}", reject]
        case MessageRequest():
            return [f"  sayso tasks answer {task} 'your message'{at}"]
        case OptionsRequest():
            other = [f"  sayso tasks answer {task} 'something else'{at}"] if request.allow_other else []
            return [f"  sayso tasks choose {task} ID{at}", *other, reject]
        case UncertainRequest():
            return [
                f"  sayso tasks choose {task} happened{at} -m 'its reference'      it took effect",
                f"  sayso tasks choose {task} not_happened{at}      it did not; the agent may propose it again",
                f"  sayso tasks choose {task} stop{at}      end the run",
            ]


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines() or [""]]
