"""The executor: every tool call passes here, once per outcome, with the ledger written beside the journal.

A call's start is durable before anything leaves; its outcome is written under the same lease. What a crash leaves in
between is settled by the call's effect class (core/ledger.py): tried again, or asked of a person.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sayso.core.answers import VALUE
from sayso.core.codec import from_json, json_bytes, to_json
from sayso.core.ledger import (
    APPROVAL,
    HAPPENED,
    NOT_HAPPENED,
    STOP,
    UNKNOWN,
    after_unknown,
    call_digest,
    call_id,
    canonical,
    drift,
    idempotency_key,
    resendable_until,
)
from sayso.model.calls import ANSWERED, Approved, CallMove, CallResult, CallState, Effect
from sayso.model.decisions import Outcome
from sayso.model.errors import LeaseLost
from sayso.model.ids import CallId
from sayso.model.journal import EntryKind
from sayso.model.json import Json
from sayso.model.tasks import ExternalRequest, TaskSpec
from sayso.programs.context import Ambiguous, Attempt, CallPlan, NotApplied, Refusal, RunCancelled, Suspended
from sayso.runtime import tracing
from sayso.runtime.passes import Pass
from sayso.runtime.secrecy import cleaned
from sayso.runtime.units import late_outcome

_S = CallState


class CallExecutor:
    """Takes the calls of one pass through approval, start and outcome.

    Args:
        pass_: The pass.
    """

    def __init__(self, pass_: Pass) -> None:
        self._pass = pass_

    async def call(self, key: str, plan: CallPlan) -> CallResult:
        """See the port."""
        known = self._pass.record.steps.get(key)
        if known is not None:
            return _told(_result(known["v"]))
        call = replace(plan.call, arguments=cleaned(self._pass.secrets, plan.call.arguments))
        way = _Call(self._pass, key, replace(plan, call=call))
        if self._pass.record.attempts.get(key):
            return await way.recover()
        if plan.refusal is not None:
            return way.refuse(plan.refusal)
        outcome = await way.answer()
        if outcome is not None:
            refusal = way.decided(outcome)
            if refusal is not None:
                return way.refuse(refusal)
            if way.external:
                return way.brought(outcome)
        return await way.execute()


class _Call:
    """One call on its way."""

    def __init__(self, pass_: Pass, key: str, plan: CallPlan) -> None:
        self._pass = pass_
        self._key = key
        self._plan = plan
        self._id: CallId = call_id(pass_.run.id, key)
        self._arguments = plan.call.arguments
        self._edited = False
        self.external = plan.approval is not None and isinstance(plan.approval.request, ExternalRequest)
        """Whether it is executed outside."""
        self._note: str | None = None
        outcome = pass_.record.decisions.get(key + APPROVAL)
        if outcome is not None:
            self._note = outcome.note
            if outcome.edited:
                self._arguments, self._edited = plan.complete(from_json(outcome.content)), True
            elif outcome.values is not None and outcome.action == "proceed" and not self.external:
                self._arguments, self._edited = plan.complete({**plan.call.arguments, **outcome.values}), True

    # -- before ------------------------------------------------------------------------------------------

    async def answer(self) -> Outcome | None:
        """Return what a person has decided; None where nobody needs to be asked, and nobody was.

        What was asked is waited for and honoured, also where the tool has lost its gate since.

        Raises:
            Suspended: Nobody has decided.
        """
        if self._asked:
            return self._pass.answer(self._key + APPROVAL, self._plan.announce)
        if self._plan.approval is None:
            return None
        spec = await self._with_preview(self._plan.approval)
        move = self._move(None, _S.AWAITING)
        return self._pass.ask(self._key + APPROVAL, spec, self._plan.announce, (move,))

    async def _with_preview(self, spec: TaskSpec) -> TaskSpec:
        """Return a question that is about to be asked, with what its tool says that the call would change.

        Raises:
            CancelRequested: Nothing more may be asked.
        """
        if self._plan.preview is None or self._pass.commits is None:
            return spec
        await self._pass.before_effect()
        return await self._plan.preview(spec)

    def decided(self, outcome: Outcome) -> Refusal | None:
        """Return what stands against executing what a person has decided.

        Raises:
            RunCancelled: The answer ends the run.
        """
        if outcome.action == "cancel":
            raise RunCancelled(outcome.reason or outcome.note or f"Call of {self._plan.call.tool} was rejected")
        if outcome.verdict == "respond":
            said = from_json((outcome.values or {}).get(VALUE))
            message = f"It was not executed. A person has answered in its place: {said}"
            return Refusal(code=ANSWERED, message=message, state=_S.REJECTED)
        if outcome.action == "proceed":
            return self._void() or (None if self.external else self._plan.recheck(self._arguments))
        if self._key + APPROVAL in self._pass.record.lapsed:
            return Refusal(code="approval_expired", message="nobody approved it in time", state=_S.EXPIRED)
        reason = f": {outcome.note}" if outcome.note else ""
        return Refusal(code="rejected_by_human", message=f"a person rejected this call{reason}", state=_S.REJECTED)

    def refuse(self, refusal: Refusal) -> CallResult:
        """Settle a call that is not executed."""
        state, message = refusal.state, refusal.message
        if self._asked and state in {_S.REFUSED, _S.BLOCKED}:
            state, void = _S.VOID, self._void()
            message = message if void is None else f"{message} ({void.message})"
        result = CallResult(state=state, code=refusal.code, message=message, note=self._note)
        return self._settle(result, self._move(_S.AWAITING if self._asked else None, state))

    def brought(self, outcome: Outcome) -> CallResult:
        """Settle a call that was executed outside, with the result that was brought."""
        value = from_json((outcome.values or {}).get(VALUE))
        result = CallResult(state=_S.SUCCEEDED, value=value, note=self._note)
        return self._settle(result, self._move(_S.AWAITING, _S.SUCCEEDED))

    # -- execution ---------------------------------------------------------------------------------------

    async def execute(self) -> CallResult:
        """Execute what may be executed.

        Raises:
            Suspended: The outcome is unknown and a person is asked, or the pass is dry.
        """
        was = _S.AWAITING if self._asked else None
        return await self._attempts((self._move(was, _S.AUTHORISED),), _S.AUTHORISED)

    async def recover(self) -> CallResult:
        """Go on with a call that was started, by whomever, and has no outcome.

        Raises:
            Suspended: A person is asked what happened, or the pass is dry.
            RunCancelled: The person has stopped the run.
        """
        number = self._pass.record.attempts[self._key]
        if self._key + UNKNOWN in self._pass.record.asked:
            return self._told(number)
        if self._pass.commits is None:
            raise Suspended
        again = self._unknown(number, {"error": "the process ended while the call was on its way"})
        return again if isinstance(again, CallResult) else await self._attempts(again, _S.RETRY_WAIT)

    async def _attempts(self, moves: tuple[CallMove, ...], was: CallState) -> CallResult:
        """Start, attempt and settle; again where the effect class allows it."""
        while True:
            refusal = self._plan.recheck(self._arguments) if was is _S.AUTHORISED else None
            if refusal is not None:
                return self.refuse(refusal)
            number = self._pass.record.attempts.get(self._key, 0) + 1
            await self._start(number, (*moves, self._move(was, _S.STARTED, attempt=number)))
            result, evidence = await self._attempt(number)
            if result is not None:
                return await self._landed(result, number, evidence)
            again = self._unknown(number, evidence)
            if isinstance(again, CallResult):
                return again
            moves, was = again, _S.RETRY_WAIT

    async def _start(self, number: int, moves: tuple[CallMove, ...]) -> None:
        """Make the start durable; after that, and only then, something may leave.

        Raises:
            LeaseLost: Another worker has, or may soon have, the run.
            LedgerConflict: The row is not what was approved.
        """
        commits = await self._pass.before_effect()
        await commits.keep_lease()
        self._pass.wake_up()
        started = {"attempt": number, "digest": self._digest(), "effect": str(self._plan.call.effect)}
        self._pass.add(self._key, EntryKind.CALL, started, calls=moves)
        await commits.flush()
        if commits.leased_until <= self._pass.clock.now():
            raise LeaseLost(f"Expected to hold run {self._pass.run.id} for the call, but its lease is over.")

    async def _attempt(self, number: int) -> tuple[CallResult | None, dict[str, Json]]:
        """Perform one attempt; the result is None where nobody can tell what happened."""
        try:
            with tracing.effect(f"execute_tool {self._plan.call.tool}", self._traced(number)):
                value = await self._plan.perform(self._sent(number))
        except NotApplied as exc:
            result = CallResult(state=_S.FAILED, code=exc.code, message=exc.message, note=self._note)
            return result, {"error": exc.message}
        except Ambiguous as exc:
            return None, exc.evidence
        arguments = self._arguments if self._edited else None
        return CallResult(state=_S.SUCCEEDED, value=value, note=self._note, arguments=arguments), {}

    def _traced(self, number: int) -> dict[str, Any]:
        return {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": self._plan.call.tool,
            "gen_ai.tool.call.id": self._id,
            "hitl.call.effect": str(self._plan.call.effect),
            "hitl.call.attempt": number,
        }

    async def _landed(self, result: CallResult, number: int, evidence: dict[str, Json]) -> CallResult:
        """Write down what came of an attempt; where another worker has the run, leave it as evidence."""
        settled = self._settle(result, self._move(_S.STARTED, result.state, attempt=number, evidence=evidence))
        commits = self._pass.commits
        if commits is not None and self._plan.call.effect is not Effect.READ:
            try:
                await commits.flush()
            except LeaseLost:
                late = json_bytes(self._pass.secrets.clean(_result_json(result)))
                now = self._pass.clock.now()
                await commits.beside(lambda tx: late_outcome(tx, self._id, number, late, result.state, now))
                raise
        return settled

    # -- unknown outcomes --------------------------------------------------------------------------------

    def _unknown(self, number: int, evidence: dict[str, Json]) -> "tuple[CallMove, ...] | CallResult":
        """Return the moves before another attempt, or the result where there is none.

        Raises:
            Suspended: A person is asked.
        """
        changed = self._pass.record.started_digest.get(self._key) != self._digest()
        most = 0 if changed else self._plan.most_attempts  # what was sent can be sent again, and nothing else
        effect, known = Effect(self._pass.record.started_effect[self._key]), self._key_known()
        match after_unknown(effect, number, most, key_known=known):
            case "retry":
                return (self._move(_S.STARTED, _S.RETRY_WAIT, attempt=number, evidence=evidence),)
            case "fail":
                message = f"it failed {number} times, the last time with: {evidence.get('error')}"
                result = CallResult(state=_S.FAILED, code="attempts_used_up", message=message, note=self._note)
                return self._settle(result, self._move(_S.STARTED, _S.FAILED, attempt=number, evidence=evidence))
            case "ask":
                move = self._move(_S.STARTED, _S.UNCERTAIN, attempt=number, evidence=evidence)
                spec = self._plan.uncertain(self._sent(number), {**evidence, **self._when(effect, known=known)})
                self._pass.ask(self._key + UNKNOWN, spec, self._plan.announce, (move,))
                return self._told(number)

    def _key_known(self) -> bool:
        """Tell whether what is sent now arrives while the remote still honours the call's key."""
        first, plan = self._pass.record.first_sent[self._key], self._plan
        return self._pass.clock.now() < resendable_until(first, plan.key_window, plan.takes)

    def _when(self, effect: Effect, *, known: bool) -> dict[str, Json]:
        """Return when a call was sent, and why it is not sent again where its class would allow it."""
        sent: dict[str, Json] = {"sent_at": self._pass.record.last_sent[self._key].isoformat()}
        if effect is Effect.KEYED and not known:
            first = self._pass.record.first_sent[self._key].isoformat()
            sent["not_sent_again"] = f"the remote may have forgotten its key: it was first sent at {first}"
        return sent

    def _told(self, number: int) -> CallResult:
        """Return what a person has said about an unknown outcome.

        Raises:
            Suspended: Nobody has said anything.
            RunCancelled: The person has stopped the run.
        """
        outcome = self._pass.ask(self._key + UNKNOWN, self._plan.uncertain(self._sent(number), {}))
        said = outcome.choices[0] if outcome.choices else STOP
        if said == HAPPENED:
            value = {"confirmed": "a person has confirmed that it happened", "reference": outcome.note}
            result = CallResult(state=_S.SUCCEEDED, value=value, note=outcome.note)
        elif said == NOT_HAPPENED:
            message = "a person has confirmed that it did not happen"
            result = CallResult(state=_S.FAILED, code="did_not_happen", message=message, note=outcome.note)
        else:
            message = f"Run stopped: nobody knows whether the call of {self._plan.call.tool} happened"
            result = CallResult(state=_S.ABANDONED, code="abandoned", message=message, note=outcome.note)
        return _told(self._settle(result, self._move(_S.UNCERTAIN, result.state, attempt=number)))

    def _sent(self, number: int) -> Attempt:
        """Return an attempt as the tool, and a person who is asked about it, sees it."""
        key = idempotency_key(self._id, self._digest())
        return Attempt(arguments=self._arguments, idempotency_key=key, number=number)

    # -- rows --------------------------------------------------------------------------------------------

    @property
    def _asked(self) -> bool:
        return self._key + APPROVAL in self._pass.record.asked

    def _void(self) -> Refusal | None:
        """Return what stands against a yes: the call is no longer the one that was shown."""
        shown, call = self._pass.record.shown.get(self._key + APPROVAL), self._plan.call
        if shown is not None and shown.call == self._shown_digest():
            return None
        message = drift(call.tool, {} if shown is None else shown.parts, call.parts)
        return Refusal(code="approval_void", message=message, state=_S.VOID)

    def _digest(self) -> str:
        return call_digest(self._pass.run.id, self._key, self._plan.call, canonical(self._arguments))

    def _shown_digest(self) -> str:
        """Return the digest of the call as it was proposed, by the tool's definition at hand."""
        return call_digest(self._pass.run.id, self._key, self._plan.call, canonical(self._plan.call.arguments))

    def _move(
        self, was: CallState | None, state: CallState, *, attempt: int = 0, evidence: dict[str, Json] | None = None
    ) -> CallMove:
        shown = self._pass.record.shown.get(self._key + APPROVAL)
        return CallMove(
            call_id=self._id,
            key=self._key,
            was=was,
            state=state,
            digest=self._digest(),
            shown_digest=self._shown_digest() if shown is None else shown.call,
            shown_arguments=canonical(self._plan.call.arguments),
            arguments=canonical(self._arguments),
            call=self._plan.call,
            attempt=attempt,
            evidence=None if evidence is None else json_bytes(cleaned(self._pass.secrets, evidence)),
            approved=self._approved() if was is _S.AWAITING else None,
        )

    def _approved(self) -> Approved | None:
        """Return the answer that the call rests on, where there is one."""
        key, record, spec = self._key + APPROVAL, self._pass.record, self._plan.approval
        entry, shown = record.answers.get(key), record.shown.get(key)
        if entry is None or shown is None:
            return None
        return Approved(
            task_id=record.asked[key],
            kind="approval" if spec is None else spec.request.kind,  # a gate that is gone since asked for a yes
            shown=shown.task,
            due_at=record.due.get(key),
            decided_at=entry.at,
            decided=entry.data,
        )

    def _settle(self, result: CallResult, move: CallMove) -> CallResult:
        self._pass.wake_up()
        taken = self._pass.add(self._key, EntryKind.STEP, {"v": _result_json(result)}, calls=(move,))
        return _result(taken["v"])


def _told(result: CallResult) -> CallResult:
    """Return a result, or end the run where a person has stopped it."""
    if result.state is _S.ABANDONED:
        raise RunCancelled(result.message or "")
    return result


def _result_json(result: CallResult) -> dict[str, Any]:
    """Return a result as JSON; what a tool returned and cannot be stored is kept as text, for it has happened."""
    try:
        value = to_json(result.value)
        json_bytes(value)
    except Exception:  # noqa: BLE001 - code of the value's own class may run, and may raise anything
        value = _shown(result.value)
    plain = {
        "state": str(result.state),
        "value": value,
        "code": result.code,
        "message": result.message,
        "note": result.note,
        "arguments": result.arguments,
    }
    return {name: item for name, item in plain.items() if item is not None}


def _shown(value: object) -> str:
    """Return a value that cannot be stored as text, whatever its own code does."""
    try:
        return repr(value).encode("utf-8", "backslashreplace").decode()
    except Exception:  # noqa: BLE001 - see above
        return f"(a {type(value).__name__} that cannot be shown)"


def _result(plain: Mapping[str, Any]) -> CallResult:
    return CallResult(
        state=CallState(plain["state"]),
        value=from_json(plain.get("value")),
        code=plain.get("code"),
        message=plain.get("message"),
        note=plain.get("note"),
        arguments=plain.get("arguments"),
    )
