"""What the loop says to a model, and a model's answers as they are journaled."""

import json
from typing import Any

from sayso.core.ledger import canonical
from sayso.model.json import Json
from sayso.model.messages import AssistantMessage, Proposal, Usage
from sayso.programs.agent.texts import storable


def wanted(schema: Json) -> str:
    """Ask for a final answer of a schema."""
    return f"Your final answer must be raw JSON, without any other text, that fits this schema:\n{json.dumps(schema)}"


def repair(problem: str) -> str:
    """Ask once more for an answer that fits."""
    return f"Your answer does not fit: {problem}. Answer again with raw JSON that fits the schema, and nothing else."


def stored(answer: AssistantMessage, session_tokens: int | None = None) -> dict[str, Any]:
    """Return an answer as it is journaled, without its empty parts.

    Args:
        answer: The answer.
        session_tokens: What the session has used with it, where that is limited.
    """
    calls = [_carried(call) for call in answer.calls]
    plain: dict[str, Any] = {
        "text": storable(answer.text),
        "calls": [{"id": call.id, "tool": call.tool, "arguments": call.arguments, "raw": call.raw} for call in calls],
        "usage": [answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cost],
        "model": answer.model,
        "finish": answer.finish,
        "raw": answer.raw if _fits(answer.raw) else None,
        "retries": [storable(failure) for failure in answer.retries],
        "warnings": [storable(warning) for warning in answer.warnings],
        "session_tokens": session_tokens,
    }
    return {name: value for name, value in plain.items() if value}


def restored(plain: dict[str, Any]) -> AssistantMessage:
    """Return a journaled answer."""
    used = plain.get("usage", [0, 0, None])
    return AssistantMessage(
        text=plain.get("text", ""),
        calls=tuple(Proposal(**call) for call in plain.get("calls", ())),
        usage=Usage(input_tokens=used[0], output_tokens=used[1], cost=used[2]),
        model=plain.get("model"),
        finish=plain.get("finish"),
        raw=plain.get("raw"),
        retries=tuple(plain.get("retries", ())),
        warnings=tuple(plain.get("warnings", ())),
    )


def _carried(call: Proposal) -> Proposal:
    """Return a proposal as it can be kept; arguments that no JSON text can carry (NaN, a lone surrogate) are none."""
    fits = call.arguments is None or _fits(call.arguments)
    raw = call.raw if fits else json.dumps(call.arguments)
    return Proposal(
        id=storable(call.id), tool=storable(call.tool), arguments=call.arguments if fits else None, raw=storable(raw)
    )


def _fits(value: Json) -> bool:
    try:
        canonical(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
