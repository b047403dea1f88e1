"""The agent loop: ask the model, take its calls through the gate and the ledger, give it the results, ask again.

Every answer of the model is one journaled step, so it is never asked for twice; requests are derived from the journal
on replay. The calls of one turn run side by side: free ones at once, gated ones when a person has decided, and the
results go back in the order in which the model asked.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial, reduce
from typing import Any

from sayso.core.keys import join
from sayso.core.ledger import canonical
from sayso.core.schemas import problems
from sayso.model.errors import StepFailed
from sayso.model.json import Json
from sayso.model.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    Proposal,
    ToolMessage,
    ToolOffer,
    Usage,
    UserMessage,
)
from sayso.programs.agent import events, replies
from sayso.programs.agent.calling import Caller
from sayso.programs.agent.facts import AgentFacts
from sayso.programs.agent.journaled import Journaled
from sayso.programs.agent.platform import PLATFORM, PlatformTools
from sayso.programs.agent.sealing import masked_answer
from sayso.programs.agent.texts import as_json, rendered
from sayso.programs.context import Context, RunCancelled, Suspended


@dataclass
class AgentResult:
    """What an agent has worked out so far."""

    content: Any = None
    messages: list[Message] = field(default_factory=list[Message])
    usage: Usage = field(default_factory=Usage)
    calls: int = 0


class AgentLoop:
    """One agent at work inside a run.

    Args:
        ctx: The context.
        facts: The agent.
        path: The key under which everything of it lies; empty for the run's own agent.
        result: Filled while it works, so that a run that pauses can be shown.
    """

    def __init__(self, ctx: Context, facts: AgentFacts, path: str = "", result: AgentResult | None = None) -> None:
        self._ctx = ctx
        self._facts = facts
        self._version = facts.version
        self._path = path
        self._caller = Caller(ctx, facts)
        self._platform = PlatformTools(ctx, facts)
        self._until: datetime | None = None
        """When its time is over."""
        self.result = result or AgentResult()
        self._used: dict[str, Usage] = {}

    async def run(self, given: Any, history: Sequence[Message] = ()) -> Any:
        """Work on an input until there is a final answer; return its content.

        Raises:
            StepFailed: A limit is reached, the model cannot be asked, or the answer does not fit the output schema;
                `error_type` is the stable code.
        """
        most = self._version.limits.max_session_seconds
        if most is None:
            return await self._work(given, history)
        began = await self._ctx.now(join(self._path, "began"))
        self._until = began + timedelta(seconds=most)
        if self._ctx.has(self._deadline):
            await self._recall(given, history)
            raise self._out_of_time()
        try:
            return await self._work(given, history)
        except Suspended:
            await self._refuse_if_late(resting=True)
            raise

    async def _work(self, given: Any, history: Sequence[Message]) -> Any:
        limits, messages = self._version.limits, self.result.messages
        messages += [*history, UserMessage(text=rendered(given))]
        repaired = False
        for number in range(1, limits.max_iterations + 1):
            turn = join(self._path, f"turn#{number}")
            answer = await self._ask_model(turn, number)
            messages.append(masked_answer(answer, self._facts.tools))
            self._count(turn, answer.usage)
            if answer.calls:
                messages += await self._calls(turn, answer)
                self._check_tokens()
                continue
            content, problem = self._final(answer.text)
            if problem is None:
                self.result.content = content
                return content
            if repaired:
                raise self._failed("output_schema_violation", problem)
            repaired = True
            messages.append(UserMessage(text=replies.repair(problem)))
            self._check_tokens()
        raise self._failed("max_iterations_exceeded", f"it used up its {limits.max_iterations} completions")

    async def _recall(self, given: Any, history: Sequence[Message]) -> None:
        """Go through what is journaled and no further, for what can be shown and for what members have used."""
        past = AgentLoop(Journaled(self._ctx), self._facts, self._path, self.result)
        with suppress(Suspended, RunCancelled, StepFailed):
            await past._work(given, history)

    # -- the model ---------------------------------------------------------------------------------------

    async def _ask_model(self, turn: str, number: int) -> AssistantMessage:
        key = f"{turn}/model"
        if not self._ctx.has(key):
            await self._refuse_if_late()
            await self._refuse_if_spent()

        async def effect() -> Any:
            version = self._version
            request = ModelRequest(
                instructions=self._instructions(),
                messages=tuple(self.result.messages),
                turn=number,
                tools=self._offers(),
                temperature=version.temperature,
                top_p=version.top_p,
                top_k=version.top_k,
            )
            delta = self._delta if self._ctx.listening else None
            answer = await self._caller.sealed(await self._facts.client.respond(request, delta))
            self._ctx.count(answer.usage)
            total = None if version.limits.max_session_tokens is None else (await self._ctx.spent()).usage.total_tokens
            return replies.stored(answer, total)

        plain = await self._ctx.step(key, effect)
        self._refuse_tokens(plain.get("session_tokens", 0))
        return replies.restored(plain)

    def _delta(self, text: str) -> None:
        self._ctx.announce(events.RunContentEvent(agent_name=self._version.name, content=text))

    def _offers(self) -> tuple[ToolOffer, ...]:
        allowed = [self._facts.tools[name] for name in self._version.tools if name in self._facts.tools]
        offers = [ToolOffer(name=item.name, description=item.description, schema=item.schema()) for item in allowed]
        people = self._platform.offers() if self._facts.root_mode == "hitl" else self._platform.offers(people=False)
        return (*offers, *(_offer(name, member) for name, member in self._facts.members.items()), *people)

    def _instructions(self) -> str:
        schema = self._version.output_schema
        return self._version.instructions if not schema else f"{self._version.instructions}\n\n{replies.wanted(schema)}"

    # -- the calls of a turn -----------------------------------------------------------------------------

    async def _calls(self, turn: str, answer: AssistantMessage) -> list[ToolMessage]:
        """Run the calls of a turn; return their results in the order in which the model asked."""
        branches: list[Callable[[], Awaitable[ToolMessage]]] = []
        for number, proposal in enumerate(answer.calls, 1):
            key = f"{turn}/call:{number}"
            if proposal.tool not in PLATFORM:
                self.result.calls += 1
                if self.result.calls > self._version.limits.max_tool_calls:
                    most = self._version.limits.max_tool_calls
                    raise self._failed("max_tool_calls_exceeded", f"it used up its {most} tool calls")
            branches.append(partial(self._call, key, proposal, answer.text))
        if len(branches) == 1:
            return [await branches[0]()]
        return await self._ctx.parallel(branches)

    async def _call(self, key: str, proposal: Proposal, said: str) -> ToolMessage:
        if proposal.tool in PLATFORM:
            people = self._facts.root_mode == "hitl"
            text, is_error = await self._platform.call(key, proposal, people=people)
        elif proposal.tool in self._facts.members:
            text, is_error = await self._delegate(key, proposal)
        else:
            text, is_error = await self._caller.call(key, proposal, said)
        return ToolMessage(call_id=proposal.id, tool=proposal.tool, text=text, is_error=is_error)

    async def _delegate(self, key: str, proposal: Proposal) -> tuple[str, bool]:
        """Have a member of the team work on a task, inside this run; its failure is an error for this model."""
        found = ["they are no JSON object"] if proposal.arguments is None else problems(_TASK, proposal.arguments)
        if found or proposal.arguments is None:
            return f"Error (invalid_arguments): {'; '.join(found)}", True
        member = AgentLoop(self._ctx, self._facts.members[proposal.tool], path=key)
        try:
            content = await member.run(proposal.arguments["task"])
        except StepFailed as failure:
            return f"Error ({failure.error_type}): {failure.error_message}", True
        finally:
            self._count(key, member.result.usage)
        return rendered(content), False

    # -- the end -----------------------------------------------------------------------------------------

    def _final(self, text: str) -> tuple[Any, str | None]:
        schema = self._version.output_schema
        if not schema:
            return text, None
        value, problem = as_json(text)
        if problem is None:
            found = problems(schema, value)
            problem = "; ".join(found) or self._unfit(value)
        return value, problem

    def _unfit(self, value: Any) -> str | None:
        """Return what stands against an answer that fits its schema: no JSON text carries it, or its type refuses."""
        try:
            canonical(value)
        except ValueError as exc:
            return str(exc)
        return None if self._facts.unfit is None else self._facts.unfit(value)

    def _count(self, key: str, usage: Usage) -> None:
        """Take what was used at a key into the sum, once: a branch that is begun again counts anew, not twice."""
        self._used[key] = usage
        self.result.usage = reduce(Usage.plus, self._used.values(), Usage())

    def _check_tokens(self) -> None:
        most = self._version.limits.max_tokens_per_run
        if self.result.usage.total_tokens > most:
            raise self._failed("max_tokens_per_run_exceeded", f"it used up its {most} tokens")

    async def _refuse_if_spent(self) -> None:
        """Refuse another completion where the session has used up what it may; its other runs count."""
        limits = self._version.limits
        if limits.max_session_tokens is None and limits.max_active_seconds is None:
            return
        spent = await self._ctx.spent()
        self._refuse_tokens(spent.usage.total_tokens + 1)
        most = limits.max_active_seconds
        if most is not None and spent.active.total_seconds() >= most:
            raise self._failed("max_active_time_exceeded", f"the session used up its {most:g} s of active time")

    def _refuse_tokens(self, total: int) -> None:
        most = self._version.limits.max_session_tokens
        if most is not None and total > most:
            raise self._failed("max_session_tokens_exceeded", f"the session used up its {most} tokens")

    async def _refuse_if_late(self, *, resting: bool = False) -> None:
        """End the work whose time is over; where it rests, wait for that time beside everything else."""
        if self._until is None:
            return
        with nullcontext() if resting else suppress(Suspended):
            await self._ctx.sleep(self._deadline, self._until)
            raise self._out_of_time()

    @property
    def _deadline(self) -> str:
        return join(self._path, "deadline")

    def _out_of_time(self) -> StepFailed:
        most = self._version.limits.max_session_seconds or 0
        return self._failed("session_duration_exceeded", f"its {most:g} s are over")

    def _failed(self, code: str, what: str) -> StepFailed:
        return StepFailed(
            self._path or self._version.name,
            error_type=code,
            error_message=f"Agent '{self._version.name}' was stopped: {what}",
            run_id=self._ctx.run_id,
        )


_TASK: dict[str, Json] = {
    "type": "object",
    "properties": {"task": {"type": "string", "minLength": 1, "description": "What is to be done, with all it needs."}},
    "required": ["task"],
    "additionalProperties": False,
}


def _offer(name: str, member: AgentFacts) -> ToolOffer:
    about = member.version.description or f"Have {member.version.name} work on a task."
    return ToolOffer(name=name, description=about, schema=_TASK)
