"""Executing leaves: function steps, workflows used as steps, and the user code that decides a way.

Every call of user code is one `ctx.step`: its outcome is journaled once, with what it changed of the session's
state, and never asked for again. A failed execution that a person granted another try is followed by the next one
(`key@2`).
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from sayso.core.codec import from_json, to_json
from sayso.core.keys import attempt
from sayso.model.errors import StepFailed
from sayso.model.runs import StatePatch
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.agent.events import BaseRunEvent, RunCompletedEvent, RunErrorEvent, RunStartedEvent
from sayso.programs.agent.loop import AgentLoop
from sayso.programs.agent.texts import rendered
from sayso.programs.context import Announce, Context
from sayso.programs.state import state_copy, state_patch
from sayso.programs.workflow import events
from sayso.programs.workflow.calls import call, isolated, takes_more
from sayso.programs.workflow.flow import Flow, Interpreter
from sayso.programs.workflow.primitives import Nested, Step
from sayso.programs.workflow.values import RunContext, StepOutput, WorkflowExecutionInput

_PLAIN = ("success", "error", "stop")
_Work = Callable[[str, str, dict[str, Any]], Awaitable[StepOutput]]
"""Executes a leaf once, given its key, the key of the first execution of the same effect, and its additional data."""


class Leaves:
    """Runs the leaves of one pass.

    Args:
        run: The interpreter.
        ctx: The context.
        started: The run's stored input.
    """

    def __init__(self, run: Interpreter, ctx: Context, started: dict[str, Any]) -> None:
        self._run = run
        self._ctx = ctx
        self._started = started
        self._dependencies: dict[str, Any] = {**run.definition.dependencies, **(started.get("dependencies") or {})}
        self._sources: dict[int, tuple[str, Any]] = {}

    async def step(self, node: Step, path: str, flow: Flow, values: dict[str, Any]) -> StepOutput | None:
        """Execute a function step until its output stands; None when the output was discarded."""

        async def work(key: str, first: str, data: dict[str, Any]) -> StepOutput:
            return await self._execute(node, key, first, flow, data)

        return await self._until_it_stands(node, path, flow, values, work)

    async def workflow(
        self, node: Step, inner: Nested, path: str, flow: Flow, values: dict[str, Any]
    ) -> StepOutput | None:
        """Run a workflow inside this one, with its gates; its questions belong to this run."""

        async def work(base: str, first: str, data: dict[str, Any]) -> StepOutput:
            del first
            inside = flow.inside(base).with_data(**data)
            begin = Flow(
                input=flow.input if flow.previous is None else flow.previous,
                outputs={},
                additional=inside.additional,
                depth=inside.depth,
                parent=base,
                dependencies={**flow.dependencies, **inner.dependencies},
                metadata={**flow.metadata, **inner.metadata},
            )
            results = await self._run.sequence(inner.nodes, base, begin)
            content = results[-1].content if results else None
            return StepOutput(
                content=content, step_name=node.name, step_id=base, step_type=node.kind, executor_type="workflow",
                executor_name=inner.name, steps=results,
            )  # fmt: skip

        return await self._until_it_stands(node, path, flow, values, work)

    async def agent(
        self, node: Step, agent: AgentDefinition, path: str, flow: Flow, values: dict[str, Any]
    ) -> StepOutput | None:
        """Let an agent work inside this run, until its output stands; its questions belong to this run."""

        async def work(base: str, first: str, data: dict[str, Any]) -> StepOutput:
            del first
            content = await self._worked(node, agent, base, flow, data)
            output = StepOutput(content, node.name, base, node.kind, _executor_type(agent), agent.name)
            if flow.depth == 0:
                self._run.announce(events.StepOutputEvent, node, base, flow, step_output=output)
            self._run.announce(events.StepCompletedEvent, node, base, flow, content=content)
            return output

        return await self._until_it_stands(node, path, flow, values, work)

    async def _until_it_stands(
        self, node: Step, path: str, flow: Flow, values: dict[str, Any], work: _Work
    ) -> StepOutput | None:
        """Execute and have reviewed, again after feedback; None when the output was discarded.

        A failed execution that a person granted another try is followed by the next one.
        """
        number, first, round_, data = 1, 1, 1, values
        while True:
            key = attempt(path, number)
            if key in self._run.granted:
                number += 1
                continue
            output = await work(key, attempt(path, first), data)
            outcome = await self._run.review(node, key, output, flow, round_=round_)
            if outcome.action == "proceed":
                return output
            if outcome.action != "retry":
                return None
            data = {**values, "rejection_feedback": outcome.note, "previous_output": output.content}
            number, round_ = number + 1, round_ + 1
            first = number

    async def _worked(self, node: Step, agent: AgentDefinition, base: str, flow: Flow, data: dict[str, Any]) -> Any:
        async def current() -> Any:
            return agent.version

        version = await self._ctx.step(f"{base}/version", current)  # what it started with, whatever the code says later
        facts = agent.at_work(
            version,
            root_mode="hitl",
            user_id=self._started.get("user_id"),
            dependencies={**flow.dependencies, **self._dependencies},
            around=self._events(node, agent, base, flow),
        )
        self._run.announce(events.StepStartedEvent, node, base, flow)
        self._announce(RunStartedEvent(agent_name=agent.name))
        given = flow.input if flow.previous is None else flow.previous
        try:
            content = await AgentLoop(self._ctx, facts, base).run(prompt(given, data))
        except StepFailed as failure:
            self._announce(RunErrorEvent(agent_name=agent.name, error=failure.error_message))
            raise StepFailed(
                base, error_type=failure.error_type, error_message=failure.error_message, run_id=self._ctx.run_id
            ) from failure
        self._announce(RunCompletedEvent(agent_name=agent.name, content=content))
        return content

    def _announce(self, event: BaseRunEvent) -> None:
        """Tell those who listen to the workflow what its agent does."""
        if self._ctx.listening:
            self._ctx.announce(event)

    def _events(self, node: Step, agent: AgentDefinition, base: str, flow: Flow) -> Announce:
        about: dict[str, Any] = {
            **self._run.about(node, base, flow),
            "executor_name": agent.name,
            "executor_type": _executor_type(agent),
        }
        return Announce(
            lambda task: (events.StepExecutorPausedEvent(**about, requirement_id=task.id),),
            lambda: (events.StepExecutorContinuedEvent(**about),),
        )

    async def decide(
        self,
        key: str,
        function: Callable[..., Any],
        argument: Any,
        flow: Flow,
        then: Callable[[Any], Any],
    ) -> Any:
        """Return what the user's function says about the argument, made plain by `then`, now and on every replay.

        Raises:
            StepFailed: It raised.
        """
        number = 1
        while attempt(key, number) in self._run.granted:
            number += 1
        key = attempt(key, number)

        async def effect() -> Any:
            context = self._context(key, key, flow, await self._ctx.read_state())
            named = {"run_context": context, "session_state": context.session_state}
            return then(await call(self._ctx, function, isolated(argument), named, _ignore))

        return await self._ctx.step(key, effect)

    def source_of(self, output: StepOutput) -> str | None:
        """Return the journal key that holds the content of an output; None where no entry holds just that."""
        content = output.content
        while output.steps:
            output = output.steps[-1]
        key, journaled = self._sources.get(id(output), (None, None))
        return key if journaled is content else None

    # -- inside ------------------------------------------------------------------------------------------

    async def _execute(self, node: Step, key: str, effect: str, flow: Flow, data: dict[str, Any]) -> StepOutput:
        replayed = self._ctx.has(key)
        record = await self._ctx.step(key, lambda: self._perform(node, key, effect, flow, data))
        patch = record.get("state")
        if patch is not None:
            self._run.session_state.update(patch["set"])
            for name in patch["removed"]:
                self._run.session_state.pop(name, None)
        output = StepOutput(record.get("content"), node.name, key, node.kind, "function")
        output.executor_name = getattr(node.executor, "__name__", None)
        for name in _PLAIN:
            if name in record:
                setattr(output, name, record[name])
        self._sources[id(output)] = key, output.content
        if not replayed and self._ctx.listening:
            if flow.depth == 0:
                self._run.announce(events.StepOutputEvent, node, key, flow, step_output=output)
            self._run.announce(events.StepCompletedEvent, node, key, flow, content=output.content)
        return output

    async def _perform(self, node: Step, key: str, effect: str, flow: Flow, data: dict[str, Any]) -> dict[str, Any]:
        """Call the step's function, with its own automatic retries; return the record that is journaled."""
        function = cast("Callable[..., Any]", node.executor)
        self._run.announce(events.StepStartedEvent, node, key, flow)
        left = node.max_retries
        while True:
            try:
                return await self._try(node, function, (key, effect), flow, data)
            except Exception:
                if left == 0:
                    raise
                left -= 1

    async def _try(
        self, node: Step, function: Callable[..., Any], keys: tuple[str, str], flow: Flow, data: dict[str, Any]
    ) -> dict[str, Any]:
        """Call the step's function once; one that names nothing of the context is given, and changes, nothing of it."""
        named, context = {}, None
        before: dict[str, Any] = {}
        if takes_more(function):
            before = await self._ctx.read_state()  # other runs of the session may have changed it
            context = self._context(*keys, flow, state_copy(before))
            named = self._named(flow, context)
        result = await call(
            self._ctx,
            function,
            isolated(flow.step_input(**data)),
            named,
            lambda item: self._run.announce(events.CustomEvent, node, keys[0], flow, data=item),
        )
        return self._record(result, None if context is None else state_patch(before, context.session_state))

    def _record(self, result: Any, patch: StatePatch | None) -> dict[str, Any]:
        if getattr(result, "is_paused", False) is True:
            raise RuntimeError(
                "the step returned a paused run, whose pause nobody would see;"
                " use Step(agent=...), Step(team=...) or Step(workflow=...) to run one inside"
            )
        if isinstance(result, StepOutput):
            record = {"content": result.content}
            record |= {name: said for name in _PLAIN if (said := getattr(result, name)) != getattr(_DEFAULT, name)}
        else:
            record = {"content": result}
        if patch is not None:
            record["state"] = {"set": from_json(dict(patch.set)), "removed": list(patch.removed)}
            to_json(record)  # what cannot be stored must fail the step before the state is changed
            self._ctx.merge_state(patch)
        return record

    def _named(self, flow: Flow, context: RunContext) -> dict[str, Any]:
        execution_input = WorkflowExecutionInput(input=flow.input, additional_data=flow.additional)
        return {
            "run_context": context,
            "session_state": context.session_state,
            "workflow": self._run.definition,
            "execution_input": execution_input,
        }

    def _context(self, key: str, effect: str, flow: Flow, state: dict[str, Any]) -> RunContext:
        definition: Any = self._run.definition
        return RunContext(
            run_id=self._ctx.run_id,
            session_id=self._ctx.session_id,
            user_id=self._started.get("user_id"),
            workflow_id=definition.id,
            workflow_name=definition.name,
            session_state=state,
            dependencies={**flow.dependencies, **self._dependencies},
            metadata={**flow.metadata, **definition.metadata, **(self._started.get("metadata") or {})},
            step_key=key,
            effect_key=effect,
        )


def prompt(given: Any, data: dict[str, Any]) -> str:
    """Return what an agent in a step is told: its input, a person's values, and a reviewer's feedback."""
    parts = [rendered(given)]
    if data.get("user_input"):
        parts.append(
            "User preferences:\n" + "\n".join(f"- {name}: {value}" for name, value in data["user_input"].items())
        )
    if "rejection_feedback" in data:
        parts.append(f"Your previous output:\n{rendered(data['previous_output'])}")
        parts.append(f"Feedback from reviewer:\n{data['rejection_feedback'] or 'do it again'}")
    return "\n\n".join(parts)


def _executor_type(agent: AgentDefinition) -> str:
    return "team" if agent.members else "agent"


def _ignore(_: Any) -> None:
    """Take no notice of what a deciding function yields."""


_DEFAULT = StepOutput()
