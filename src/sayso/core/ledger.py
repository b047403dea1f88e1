"""The law of tool calls: the legal moves, what a digest binds, and what follows an unknown outcome.

Between "the remote applied the effect" and "we recorded it" there is always a moment when a crash leaves both
possible. The call's effect class, declared beforehand and shown to whoever approves, says what follows: `read` and
`keyed` calls are tried again (the latter with the same key and bytes, while the remote knows the key), a `once` call
never is.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from sayso.model.calls import CallState, Effect, ToolCall
from sayso.model.ids import CallId, RunId
from sayso.model.json import Json

_S = CallState
CALL_MOVES: frozenset[tuple[CallState | None, CallState]] = frozenset(
    {
        (None, _S.REFUSED),
        (None, _S.BLOCKED),
        (None, _S.AWAITING),
        (None, _S.AUTHORISED),
        (_S.AWAITING, _S.AUTHORISED),
        (_S.AWAITING, _S.REJECTED),
        (_S.AWAITING, _S.EXPIRED),
        (_S.AWAITING, _S.VOID),
        (_S.AWAITING, _S.CANCELLED),
        (_S.AWAITING, _S.SUCCEEDED),  # executed outside
        (_S.AUTHORISED, _S.CANCELLED),
        (_S.AUTHORISED, _S.STARTED),
        (_S.RETRY_WAIT, _S.STARTED),
        (_S.RETRY_WAIT, _S.CANCELLED),
        (_S.STARTED, _S.SUCCEEDED),
        (_S.STARTED, _S.FAILED),
        (_S.STARTED, _S.RETRY_WAIT),
        (_S.STARTED, _S.UNCERTAIN),
        (_S.UNCERTAIN, _S.SUCCEEDED),
        (_S.UNCERTAIN, _S.FAILED),
        (_S.UNCERTAIN, _S.ABANDONED),
    }
)
"""Every move of a call's row; None stands for no row."""

UNSENT = frozenset({_S.AWAITING, _S.AUTHORISED, _S.RETRY_WAIT})
"""What the end of a run cancels at once. A started call is left to its worker; without one it is uncertain."""

CUT_OFF: Mapping[str, Json] = {"error": "the run was ended while the call was on its way"}
"""What is known of a call that was started when its run ended, and that no worker was left to settle."""

_TAKES = timedelta(minutes=1)

APPROVAL, UNKNOWN = "?approval", "?uncertain"
"""What the keys of the two questions about a call add to the call's key."""

HAPPENED, NOT_HAPPENED, STOP = "happened", "not_happened", "stop"
"""What a person can say of a call whose outcome is unknown."""


def canonical(arguments: Json) -> bytes:
    """Return the bytes of arguments: JSON with sorted keys; what is shown, hashed, stored and executed.

    Raises:
        ValueError: A number is not finite, or a text holds a lone surrogate.
    """
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def call_id(run_id: RunId, key: str) -> CallId:
    """Return the id of the call at a key of a run; the same on every replay."""
    digest = hashlib.sha256(f"sayso/call-id/v1\x00{run_id}\x00{key}".encode()).digest()
    return CallId("call_" + base64.b32encode(digest).decode().lower()[:26])


def call_digest(run_id: RunId, key: str, call: ToolCall, arguments: bytes) -> str:
    """Return the SHA-256 (hex) that binds an approval to this call, of this run, with these bytes, of this tool."""
    place = f"{run_id}\x00{key}\x00{call.tool}\x00{call.tool_digest}\x00{call.effect}".encode()
    return hashlib.sha256(b"sayso/call/v1\x00" + place + b"\x00" + arguments).hexdigest()


def idempotency_key(call: CallId, digest: str) -> str:
    """Return the key by which a remote can tell that two requests are the same call; the same for every attempt."""
    made = hashlib.sha256(f"sayso/idempotency/v1\x00{call}\x00{digest}".encode()).digest()
    return "sayso1-" + base64.b32encode(made).decode().rstrip("=").lower()


def tool_parts(description: str, schema: Json, effect: Effect, person: Json) -> dict[str, str]:
    """Return what an approval stands on of a tool's definition, part by part, so that a change can be named."""

    def short(part: Json) -> str:
        return hashlib.sha256(canonical({"part": part})).hexdigest()[:16]

    return {
        "description": short(description),
        "schema": short(schema),
        "effect": str(effect),
        "duty": short(person),
    }


def tool_digest(name: str, parts: Mapping[str, str]) -> str:
    """Return the digest of a tool's definition; an approval of another definition is void."""
    whole: dict[str, Json] = {"name": name, **parts}
    return hashlib.sha256(b"sayso/tool/v2\x00" + canonical(whole)).hexdigest()[:32]


def drift(tool: str, shown: Mapping[str, str], current: Mapping[str, str]) -> str:
    """Return one sentence that says what became of a tool between the question about a call and its execution."""
    if not current:
        return f"tool '{tool}' is gone since a person was asked about this call"
    changed = [name for name in current if shown.get(name) != current[name]]
    if not changed:
        return "what would run is not what a person was shown"
    names = {"duty": "person's part"}
    named = [
        f"effect ({shown.get(name)}, now {current[name]})" if name == "effect" else names.get(name, name)
        for name in changed
    ]
    return f"the {' and the '.join(named)} of tool '{tool}' changed since a person was asked about this call"


def resendable_until(first_sent: datetime, window: timedelta, takes: timedelta | None) -> datetime:
    """Return until when a `keyed` call may be started again: what is sent then arrives while its key is still known.

    Args:
        first_sent: When it was started first.
        window: How long, from then, the remote honours its key.
        takes: How long an attempt may take; a minute where nothing is said. At most half the window is given to it.
    """
    return first_sent + window - min(takes or _TAKES, window / 2)


def after_unknown(
    effect: Effect, attempts: int, most: int, *, key_known: bool = True
) -> Literal["retry", "fail", "ask"]:
    """Return what follows an attempt whose outcome is unknown.

    Args:
        effect: The call's effect class.
        attempts: How often it was started.
        most: How often it may be started, where it may be started again at all.
        key_known: Whether the remote still honours the key of a `keyed` call.
    """
    if effect is Effect.ONCE or (effect is Effect.KEYED and not key_known):
        return "ask"
    if attempts < most:
        return "retry"
    return "fail" if effect is Effect.READ else "ask"
