"""The platform's own tools: asking a person, replying and waiting for the next message, and waiting for a time.

They are offered beside the agent's tools; those that need a person only under a HITL root. They have no effect outside,
so they need no ledger: what a person answers is the journaled outcome.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sayso.core.keys import WAIT
from sayso.core.schemas import problems, unusable
from sayso.model.decisions import Outcome
from sayso.model.json import Json
from sayso.model.messages import Proposal, ToolOffer
from sayso.model.tasks import (
    FormRequest,
    MessageRequest,
    NumberRequest,
    Option,
    OptionsRequest,
    TaskRequest,
    TaskSpec,
    TextRequest,
)
from sayso.programs.agent.facts import AgentFacts
from sayso.programs.agent.texts import rendered
from sayso.programs.context import Context, RunCancelled

_QUESTION: dict[str, Json] = {
    "type": "string",
    "minLength": 1,
    "description": "What you want to know, in one sentence.",
}
_WAIT_MOST = 604_800


def _object(required: list[str], **properties: dict[str, Json]) -> dict[str, Json]:
    plain: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    return {**plain, "additionalProperties": False}


_OPTION = _object(["id", "label"], id={"type": "string", "minLength": 1}, label={"type": "string"})
_NUMBER: dict[str, Json] = {"type": "number"}
_PEOPLE: dict[str, tuple[str, dict[str, Json]]] = {
    "ask_human_text": (
        "Ask a person for a text.",
        _object(
            ["question"],
            question=_QUESTION,
            placeholder={"type": "string"},
            max_length={"type": "integer", "minimum": 1},
        ),
    ),
    "ask_human_number": (
        "Ask a person for a number.",
        _object(["question"], question=_QUESTION, min=_NUMBER, max=_NUMBER, unit={"type": "string"}),
    ),
    "ask_human_choice": (
        "Ask a person to choose one of several options.",
        _object(
            ["question", "options"],
            question=_QUESTION,
            options={"type": "array", "items": cast("Json", _OPTION), "minItems": 1},
            allow_other={"type": "boolean"},
        ),
    ),
    "ask_human_form": (
        "Ask a person for several values, described by a JSON Schema of an object.",
        _object(["question", "schema"], question=_QUESTION, schema={"type": "object"}),
    ),
    "reply_and_wait": (
        "Say something to the person of this conversation, and wait for the next message.",
        _object(["message"], message={"type": "string", "minLength": 1}),
    ),
}
_OTHERS: dict[str, tuple[str, dict[str, Json]]] = {
    "wait": (
        "Wait, by duration or to a time (RFC 3339). Give exactly one of the two.",
        _object(
            [],
            duration_seconds={"type": "number", "minimum": 1, "maximum": _WAIT_MOST},
            until={"type": "string"},
            reason={"type": "string"},
        ),
    ),
}
PLATFORM = frozenset({*_PEOPLE, *_OTHERS})
"""The reserved names."""


class PlatformTools:
    """Serves the platform's tools to one agent.

    Args:
        ctx: The context.
        facts: The agent.
    """

    def __init__(self, ctx: Context, facts: AgentFacts) -> None:
        self._ctx = ctx
        self._facts = facts
        self._version = facts.version

    def offers(self, *, people: bool = True) -> tuple[ToolOffer, ...]:
        """Return the tools as they are offered to a model."""
        found = {**_PEOPLE, **_OTHERS} if people else _OTHERS
        return tuple(ToolOffer(name=name, description=about, schema=schema) for name, (about, schema) in found.items())

    async def call(self, key: str, proposal: Proposal, *, people: bool) -> tuple[str, bool]:
        """Serve one call; return what the model is told, and whether that is an error.

        Raises:
            Suspended: A person, or a time, is waited for.
        """
        name, arguments = proposal.tool, proposal.arguments
        if name in _PEOPLE and not people:
            return f"Error (tool_not_allowed): '{name}' is not offered here, since nobody can be asked", True
        schema = {**_PEOPLE, **_OTHERS}[name][1]
        found = ["they are no JSON object"] if arguments is None else problems(cast("Json", schema), arguments)
        if found or arguments is None:
            return f"Error (invalid_arguments): {'; '.join(found)}", True
        if name == "wait":
            return await self._wait(key, arguments)
        problem = _unanswerable(cast("dict[str, Any]", arguments))
        if problem is not None:
            return f"Error (invalid_arguments): {problem}", True
        request = _request(name, cast("dict[str, Any]", arguments))
        spec = TaskSpec(
            request=request,
            step_name=self._version.name,
            step_type="Agent",
            on_reject="skip",
            timeout_seconds=self._version.question_timeout,
            on_timeout="cancel" if self._version.on_question_timeout == "cancel" else "skip",
            extensions=None if self._version.question_timeout is None else self._version.question_extensions,
        )
        outcome = await self._ctx.ask(f"{key}?answer", spec, self._facts.announce)
        return _answer(request, outcome)

    async def _wait(self, key: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        if ("duration_seconds" in arguments) == ("until" in arguments):
            return "Error (invalid_arguments): give exactly one of duration_seconds and until", True
        waited = 0.0
        if self._ctx.has(f"{key}:waited") or not self._ctx.has(f"{key}:began"):  # else it was begun long ago
            waited = (await self._ctx.waited(f"{key}:waited")).total_seconds()
        began = await self._ctx.now(f"{key}:began")
        if "until" in arguments:
            try:
                until = datetime.fromisoformat(arguments["until"])
                if until.tzinfo is None:
                    return "Error (invalid_arguments): until has no offset, such as Z", True
                until = until.astimezone(UTC)
            except (ValueError, OverflowError):
                return "Error (invalid_arguments): until is no RFC 3339 time", True
        else:
            until = began + timedelta(seconds=arguments["duration_seconds"])
        seconds = max((until - began).total_seconds(), 0.0)
        budget = self._version.limits.wait_budget_seconds
        if waited + seconds > budget:
            return f"Error (wait_budget_exceeded): of {budget:g} s, {max(budget - waited, 0):g} s are left", True
        skipped_by = await self._ctx.sleep(key + WAIT, until)
        return ("the time has come" if skipped_by is None else f"the wait was ended early by {skipped_by}"), False


def _unanswerable(given: dict[str, Any]) -> str | None:
    """Return why no answer could fit a question; None where one can."""
    if not given.get("question", given.get("message", "")).strip():
        return "the question is empty"
    if "min" in given and "max" in given and given["min"] > given["max"]:
        return "min is more than max"
    ids = [option["id"] for option in given.get("options", ())]
    if len(set(ids)) != len(ids):
        return "two options have one id"
    return unusable(given["schema"]) if "schema" in given else None


def _request(name: str, given: dict[str, Any]) -> TaskRequest:
    match name:
        case "ask_human_text":
            return TextRequest(
                message=given["question"], placeholder=given.get("placeholder"), max_length=given.get("max_length")
            )
        case "ask_human_number":
            return NumberRequest(
                message=given["question"], minimum=given.get("min"), maximum=given.get("max"), unit=given.get("unit")
            )
        case "ask_human_choice":
            options = tuple(Option(id=option["id"], label=option["label"]) for option in given["options"])
            return OptionsRequest(
                message=given["question"], options=options, allow_other=given.get("allow_other", False)
            )
        case "ask_human_form":
            return FormRequest(message=given["question"], schema=given["schema"])
        case _:
            return MessageRequest(message=given["message"])


def _answer(request: TaskRequest, outcome: Outcome) -> tuple[str, bool]:
    if outcome.action == "cancel":
        raise RunCancelled(outcome.reason or outcome.note or "The question was answered with: end the run")
    if outcome.action != "proceed":
        reason = f": {outcome.note}" if outcome.note else ""
        return f"Error (declined): the person did not answer{reason}", True
    note = f"\n(The person adds: {outcome.note})" if outcome.note else ""
    if isinstance(request, OptionsRequest) and outcome.choices:
        label = next(option.label for option in request.options if option.id == outcome.choices[0])
        return f"{outcome.choices[0]}: {label}{note}", False
    values = dict(outcome.values or {})
    return rendered(values["value"] if set(values) == {"value"} else values) + note, False
