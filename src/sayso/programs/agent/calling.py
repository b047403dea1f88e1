"""One proposed call on its way: what the gate says, what a person is asked, and how the tool is executed."""

import asyncio
import inspect
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

from sayso.core.confiding import masked
from sayso.core.gate import Ask, Facts, Free, Need, Refuse, judge
from sayso.core.ledger import canonical
from sayso.model.calls import ANSWERED, CallResult, CallState, Effect, ToolCall
from sayso.model.errors import StepFailed, UnstorableValue
from sayso.model.json import Json
from sayso.model.messages import AssistantMessage, Proposal
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    ExternalRequest,
    FormRequest,
    TaskSpec,
    UncertainRequest,
)
from sayso.programs.agent import events
from sayso.programs.agent.facts import AgentFacts
from sayso.programs.agent.previewing import previewed
from sayso.programs.agent.sealing import Sealing, sealed_answer
from sayso.programs.agent.texts import described, message_of, rendered
from sayso.programs.agent.timing import in_time, kept_in
from sayso.programs.agent.tools import Tool, ToolContext, ToolError
from sayso.programs.context import Ambiguous, Attempt, CallPlan, Context, NotApplied, Refusal
from sayso.programs.state import state_copy, state_patch

_NEVER_LEFT = frozenset(
    {"ConnectionRefusedError", "gaierror", "ConnectError", "ConnectTimeout", "UnsupportedProtocol", "InvalidURL"}
)
"""Errors after which nothing can have reached anybody; those of HTTP clients by name, since we import none."""


class Caller:
    """Takes the calls of one agent through gate and ledger.

    Args:
        ctx: The context.
        facts: The agent.
    """

    def __init__(self, ctx: Context, facts: AgentFacts) -> None:
        self._ctx = ctx
        self._facts = facts

    async def call(self, key: str, proposal: Proposal, said: str) -> tuple[str, bool]:
        """Return what the model is told of a call, and whether that is an error.

        Raises:
            StepFailed: A person has rejected it, and the tool says that the run fails then.
        """
        tool = self._tool(proposal.tool)
        result = await self._ctx.call(key, await self._plan(key, proposal, tool, said))
        if self._ctx.listening and result.succeeded:
            self._ctx.announce(
                events.ToolCallCompletedEvent(
                    agent_name=self._facts.version.name, tool_name=proposal.tool, call_key=key
                )
            )
        if result.code in {"rejected_by_human", "approval_expired"} and tool is not None:
            self._fail_if_wanted(key, tool, result)
        return _told(result)

    async def sealed(self, answer: AssistantMessage) -> AssistantMessage:
        """Return an answer of the model, which is about to be journaled, with the secrets in its calls sealed."""
        tools = {call.tool: tool for call in answer.calls if (tool := self._tool(call.tool)) and tool.has_secrets}
        vault = await self._ctx.vault() if tools else None
        return answer if vault is None else sealed_answer(answer, tools, vault)

    def _fail_if_wanted(self, key: str, tool: Tool, result: CallResult) -> None:
        expired = result.state is CallState.EXPIRED
        if tool.on_reject == "fail_run" and not (expired and tool.on_timeout == "skip"):
            code = result.code or "rejected_by_human"
            raise StepFailed(key, error_type=code, error_message=result.note or "a person rejected it")

    def _tool(self, name: str) -> Tool | None:
        return self._facts.tools.get(name) if name in self._facts.version.tools else None

    # -- the gate ----------------------------------------------------------------------------------------

    async def _plan(self, key: str, proposal: Proposal, tool: Tool | None, said: str) -> CallPlan:
        sealing = None if tool is None else Sealing(tool, await self._ctx.vault() if tool.has_secrets else None)
        arguments, found = _arguments(proposal, sealing)
        needs: Need = "confirmation"
        if tool is not None:
            needs = "input" if tool.user_input_fields else "external" if tool.external else "confirmation"
        predicate = None
        if sealing is not None and callable(sealing.tool.approval) and not found:
            predicate = await self._predicate(key, sealing, arguments)
        verdict = judge(
            Facts(
                mode=self._facts.root_mode,
                tool=proposal.tool,
                known=tool is not None,
                problems=found,
                need=needs,
                setting=None if tool is None or callable(tool.approval) else tool.approval,
                inherited=tool is not None and tool.inherited,
                predicate=predicate,
            )
        )
        effect = Effect.ONCE if tool is None else tool.effect
        call = ToolCall(
            tool=proposal.tool,
            tool_digest="" if tool is None else tool.digest,
            effect=effect,
            arguments=arguments,
            parts={} if tool is None else tool.parts,
        )
        return self._planned(key, call, sealing, verdict, said)

    def _planned(
        self, key: str, call: ToolCall, sealing: Sealing | None, verdict: Free | Ask | Refuse, said: str
    ) -> CallPlan:
        tool = None if sealing is None else sealing.tool
        refusal = spec = None
        if isinstance(verdict, Refuse):
            state = CallState.BLOCKED if verdict.by_gate else CallState.REFUSED
            refusal = Refusal(code=verdict.code, message=verdict.message, state=state)
        elif isinstance(verdict, Ask) and tool is not None:
            spec = self._question(call, tool, verdict, said)
        return CallPlan(
            call=call,
            refusal=refusal,
            approval=spec,
            recheck=lambda arguments: _recheck(sealing, arguments),
            complete=lambda arguments: arguments if sealing is None else sealing.plain(arguments)[0],
            perform=lambda attempt: self._perform(key, sealing, attempt),
            uncertain=lambda attempt, evidence: self._uncertain(call, tool, attempt, evidence),
            most_attempts=1 if tool is None else tool.max_attempts,
            key_window=timedelta(days=1) if tool is None else timedelta(seconds=tool.key_window),
            takes=None if tool is None or tool.timeout is None else timedelta(seconds=tool.timeout),
            preview=None
            if sealing is None or tool is None or tool.preview is None
            else partial(self._previewed, key, sealing),
            announce=self._facts.announce,
        )

    async def _previewed(self, key: str, sealing: Sealing, spec: TaskSpec) -> TaskSpec:
        """Return a question about a call with what the tool says that the call would change."""
        request = spec.request
        if not isinstance(request, ApprovalRequest | ExternalRequest) or request.call is None:
            return spec
        arguments = sealing.opened(deepcopy(cast("dict[str, Json]", request.call.arguments)))
        given = sealing.tool.given_to_preview(arguments, await self._context(key))
        foretold = await previewed(self._ctx, sealing.tool, given)
        call = replace(request.call, preview=foretold if sealing.vault is None else sealing.vault.without(foretold))
        return replace(spec, request=replace(request, call=call))

    async def _predicate(self, key: str, sealing: Sealing, arguments: dict[str, Json]) -> bool | str:
        """Ask the tool's predicate about a call; a failing one says how, and counts as yes."""
        predicate: Any = sealing.tool.approval

        async def effect() -> bool | str:
            context, opened = await self._context(key), sealing.opened(deepcopy(arguments))
            given = (context, opened) if _positional(predicate) > 1 else (opened,)
            said = predicate(*given)
            said = await said if inspect.isawaitable(said) else said
            return said if isinstance(said, bool) else f"it returned {said!r} instead of True or False"

        try:
            return await self._ctx.step(f"{key}:gate", effect)
        except StepFailed as failure:
            return f"{failure.error_type}: {failure.error_message}"

    def _question(self, call: ToolCall, tool: Tool, verdict: Ask, said: str) -> TaskSpec:
        shown = CallShown(
            tool=call.tool,
            arguments=call.arguments,
            effect=call.effect,
            digest=call.tool_digest,
            schema=cast("Json", tool.whole_schema),
            why=verdict.why,
            said=said or None,
            subject=tool.subject,
        )
        message = tool.sentence(call.arguments)
        request: ApprovalRequest | FormRequest | ExternalRequest
        match verdict.need:
            case "confirmation":
                request = ApprovalRequest(message=message, call=shown)
            case "input":
                request = FormRequest(message=message, call=shown, schema=_asked_for(tool))
            case "external":
                request = ExternalRequest(message=message, call=shown)
        return TaskSpec(
            request=request,
            step_name=self._facts.version.name,
            step_type="Agent",
            on_reject="skip",
            timeout_seconds=tool.approval_timeout,
            on_timeout=tool.on_timeout,
            extensions=None if tool.approval_timeout is None else tool.approval_extensions,
        )

    def _uncertain(self, call: ToolCall, tool: Tool | None, attempt: Attempt, evidence: dict[str, Json]) -> TaskSpec:
        shown = CallShown(
            tool=call.tool,
            arguments=attempt.arguments,
            effect=call.effect,
            digest=call.tool_digest,
            schema=cast("Json", tool.whole_schema) if tool is not None and tool.has_secrets else None,
        )
        request = UncertainRequest(
            message=f"The call of {call.tool} was sent, and nobody knows what came of it. What happened?",
            call=shown,
            reference=attempt.idempotency_key,
            attempt=attempt.number,
            evidence=evidence or None,
        )
        return TaskSpec(request=request, step_name=self._facts.version.name, step_type="Agent")

    # -- execution ---------------------------------------------------------------------------------------

    async def _perform(self, key: str, sealing: Sealing | None, attempt: Attempt) -> Any:
        """Call the tool's function; sort what comes of it into done, certainly not done, and unknown.

        Raises:
            NotApplied: It certainly had no effect.
            Ambiguous: Nobody can tell.
        """
        if sealing is None:
            raise NotApplied("tool_not_allowed", "there is no such tool")
        tool, context = sealing.tool, await self._context(key, attempt)
        before = state_copy(context.session_state)
        self._ctx.announce(
            events.ToolCallStartedEvent(
                agent_name=self._facts.version.name,
                tool_name=tool.name,
                tool_args=masked(attempt.arguments) if tool.has_secrets else attempt.arguments,
                call_key=key,
            )
        )
        value = await self._execute(tool, tool.given(sealing.opened(attempt.arguments), context))
        self._keep_state(before, context.session_state)
        return value

    async def _execute(self, tool: Tool, given: dict[str, Any]) -> Any:
        """Call the function; whatever it raises is an outcome, and only what ends this process is none.

        Raises:
            NotApplied: It certainly had no effect.
            Ambiguous: Nobody can tell.
        """
        try:
            return await self._called(tool, given)
        except ToolError as exc:
            raise NotApplied("tool_error", message_of(exc) or "the tool did nothing") from exc
        except KeyboardInterrupt:
            raise
        except BaseException as exc:
            task = asyncio.current_task()
            if isinstance(exc, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            if type(exc).__name__ in _NEVER_LEFT:
                raise NotApplied("not_reached", described(exc)) from exc
            raise Ambiguous({"error": described(exc)}) from exc

    async def _called(self, tool: Tool, given: dict[str, Any]) -> Any:
        function = tool.function
        if inspect.iscoroutinefunction(function):
            return await asyncio.wait_for(kept_in(function(**given)), tool.timeout)
        work = kept_in(self._ctx.offload(lambda: function(**given)))
        return await (work if tool.timeout is None else in_time(work, tool.timeout))

    def _keep_state(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        try:
            patch = state_patch(before, after)
        except UnstorableValue as exc:
            error = f"it changed the session's state in a way that cannot be kept: {exc}"
            raise Ambiguous({"error": error}) from exc
        if patch is not None:
            self._ctx.merge_state(patch)

    async def _context(self, key: str, attempt: Attempt | None = None) -> ToolContext:
        return ToolContext(
            run_id=self._ctx.run_id,
            session_id=self._ctx.session_id,
            agent_name=self._facts.version.name,
            user_id=self._facts.user_id,
            session_state=await self._ctx.read_state(),
            dependencies=self._facts.dependencies,
            call_key=key,
            idempotency_key="" if attempt is None else attempt.idempotency_key,
            attempt=0 if attempt is None else attempt.number,
        )


def _arguments(proposal: Proposal, sealing: Sealing | None) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return a call's arguments as they would be executed, and what stands against them."""
    if proposal.arguments is None:
        return {}, (f"they are no JSON object: {proposal.raw[:200]!r}",)
    try:
        canonical(proposal.arguments)
    except ValueError as exc:  # NaN and infinity, which some parsers let by
        return {}, (f"they are no JSON: {exc}",)
    if sealing is None:
        return proposal.arguments, ()
    if sealing.tool.user_input_fields:
        given = sorted(set(proposal.arguments) & set(sealing.tool.user_input_fields))
        if given:
            return proposal.arguments, (f"{', '.join(given)}: only a person gives this",)
    return sealing.plain(proposal.arguments, partly=True)


def _recheck(sealing: Sealing | None, arguments: dict[str, Json]) -> Refusal | None:
    if sealing is None:
        return Refusal(code="tool_not_allowed", message="the tool is no longer there", state=CallState.VOID)
    whole, found = sealing.plain(arguments)
    if not found and canonical(whole) != canonical(arguments):
        found = ("they would not be executed as they are written",)
    if found:
        return Refusal(code="invalid_arguments", message="the arguments do not fit: " + "; ".join(found))
    return None


def _asked_for(tool: Tool) -> Json:
    """Return the schema of the arguments that a person gives."""
    whole = tool.whole_schema
    wanted = {name: part for name, part in whole.get("properties", {}).items() if name in tool.user_input_fields}
    required = [name for name in whole.get("required", []) if name in tool.user_input_fields]
    schema = {"type": "object", "properties": wanted, "required": required, "additionalProperties": False}
    return {**schema, "$defs": whole["$defs"]} if "$defs" in whole else schema


def _positional(function: Any) -> int:
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return sum(parameter.kind in kinds for parameter in inspect.signature(function).parameters.values())


def _told(result: CallResult) -> tuple[str, bool]:
    """Return what a model is told of a call, and whether that is an error."""
    if result.code == ANSWERED:
        return result.message or "", False
    if not result.succeeded:
        return f"Error ({result.code}): {result.message}", True
    text = rendered(result.value)
    if result.arguments is not None:
        text = f"(A person changed the arguments to {rendered(masked(result.arguments))}.)\n{text}"
    return text, False
