"""What `sayso runs show` says of an agent's work: the turns of its models with what they used, and its tool calls."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from sayso.cli.text import one_line, safe
from sayso.core.codec import plain_of
from sayso.model.calls import StoredCall
from sayso.model.journal import Entry, EntryKind
from sayso.programs.agent import replies

_TURN = re.compile(r"(?:.*/)?turn#\d+/model")


def turns_json(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the turns of a run's models, those of agents in steps and of team members included."""
    found = [entry for entry in entries if entry.kind is EntryKind.STEP and _TURN.fullmatch(entry.key)]
    return [_turn(entry.key, plain_of(entry.data)) for entry in found]


def calls_json(calls: Sequence[StoredCall]) -> list[dict[str, Any]]:
    """Return the tool calls of a run as the ledger has them."""
    return [
        {
            "id": call.id,
            "key": call.key,
            "tool": call.tool,
            "effect": str(call.effect),
            "state": str(call.state),
            "attempts": call.attempt,
            "idempotency_key": call.idempotency_key,
        }
        for call in calls
    ]


def print_work(turns: Sequence[dict[str, Any]], calls: Sequence[StoredCall]) -> None:
    """Print one line per turn and call, and below a turn what did not go as it should."""
    for turn in turns:
        cost = "" if turn["cost"] is None else f", ${turn['cost']:.6f}"
        tokens = f"{turn['input_tokens']} + {turn['output_tokens']} tokens{cost}"
        failed = "" if turn["error"] is None else f"  failed: {one_line(turn['error'])}"
        typer.echo(f"  turn {safe(turn['key'])}  {safe(turn['model'] or '-')}  {tokens}{failed}")
        for name in ("retries", "warnings"):
            for said in turn[name]:
                typer.echo(f"    {_WORDS[name]}: {one_line(said)}")
    for call in calls:
        sent = "" if not call.attempt else f"  started {call.attempt} x, key {call.idempotency_key}"
        typer.echo(f"  call {safe(call.key)}  {safe(call.tool)} ({call.effect})  {call.state}{sent}")


_WORDS = {"retries": "tried again after", "warnings": "warning"}


def _turn(key: str, plain: dict[str, Any]) -> dict[str, Any]:
    """Return one turn; one that failed has used nothing that anybody knows of."""
    answer = replies.restored(plain.get("v", {}))
    failed = plain.get("e")
    return {
        "key": key,
        "model": answer.model,
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "cost": answer.usage.cost,
        "retries": list(answer.retries),
        "warnings": list(answer.warnings),
        "error": None if failed is None else f"{failed['type']}: {failed['message']}",
    }
