"""`Agent`: an agent that can be run, continued, read and cancelled."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Any, Literal, cast

from pydantic import TypeAdapter, ValidationError

from sayso.app.agentruns import RunOutput, earlier_messages, run_output_of
from sayso.app.continuing import Given, chooser
from sayso.app.database import SqliteDb
from sayso.app.portal import portal
from sayso.app.runnable import Runnable, given_of, run_id_of
from sayso.app.streams import Stamp
from sayso.core.codec import to_json
from sayso.core.schemas import problems, unusable_schema
from sayso.model.agents import AgentMode, AgentVersion, Limits
from sayso.model.errors import Invalid, SaysoError
from sayso.model.ids import RunId, SessionId
from sayso.model.runs import Origin, Run
from sayso.model.tasks import MOST_EXTENSIONS, UserTask
from sayso.programs.agent import events
from sayso.programs.agent.client import ModelClient
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.workflow.output import RunStatus
from sayso.runtime.ports import Listener
from sayso.runtime.runner import Rest
from sayso.runtime.units import Chooser, Claimed


class Agent(AgentDefinition, Runnable[RunOutput]):
    """A model with tools and a mode, whose every tool call passes a gate and a ledger.

    Args:
        name: The name under which its runs are stored.
        model: `provider:name` (e.g. `openai:gpt-5`), or an object with `respond`.
        instructions: What it is told.
        tools: Functions, tools and toolkits; these, and no others, may be called.
        mode: `hitl` may pause for people, `request` never does, `sub_agent` works for a parent.
        description: For a parent's model; required of a sub-agent.
        input_schema: A type, or a JSON Schema, that inputs must fit.
        output_schema: A type, or a JSON Schema, of the final answer; the content is the parsed value.
        db: Where runs live; without one they live in memory.
        session_id: The session of runs that name none.
        dependencies: Values handed to every tool; they live in code and are not stored.
        members: Agents that it may delegate to, as a team's leader; they work inside its runs, gates and all.
        temperature: 0 to 1.
        top_p: 0.1 to 1.
        top_k: 1 to 500.
        num_history_runs: How many earlier runs of the session the model is told about.
        question_timeout: Seconds that its own questions to people (`ask_human_...`, `reply_and_wait`) may wait.
        on_question_timeout: What happens then: `skip` and `reject` tell the model, `cancel` ends the run.
        question_extensions: How often people may extend that time, each time by as much: 10 times at most; 0 never.
        base_url: Another address that speaks the provider's protocol.
        max_iterations: Model completions of a run.
        max_tool_calls: Attempted tool calls of a run.
        max_tokens_per_run: Tokens of a run, input and output.
        max_session_seconds: Wall clock of a run, waiting included.
        max_session_tokens: Tokens of all runs of the session together.
        max_active_seconds: Time in which the session's runs were at work; waiting for people and times is not.
        wait_budget_seconds: All waits of the session's runs together.
        stream: Whether runs return events by default.

    Raises:
        ValueError: A setting is out of bounds, or tools clash.
    """

    def __init__(
        self,
        name: str = "agent",
        *,
        model: str | ModelClient,
        instructions: str = "",
        tools: Sequence[Any] = (),
        mode: AgentMode = "hitl",
        description: str | None = None,
        input_schema: Any = None,
        output_schema: Any = None,
        db: SqliteDb | None = None,
        session_id: str | None = None,
        dependencies: dict[str, Any] | None = None,
        members: Sequence[AgentDefinition] = (),
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        num_history_runs: int = 3,
        question_timeout: float | None = None,
        on_question_timeout: Literal["reject", "cancel", "skip"] = "skip",
        question_extensions: int = MOST_EXTENSIONS,
        base_url: str | None = None,
        max_iterations: int = 10,
        max_tool_calls: int = 32,
        max_tokens_per_run: int = 400_000,
        max_session_seconds: float | None = None,
        max_session_tokens: int | None = None,
        max_active_seconds: float | None = None,
        wait_budget_seconds: float = 604_800,
        stream: bool = False,
    ) -> None:
        client = _client(model, base_url)
        version = AgentVersion(
            name=name, mode=mode, model=client.name, instructions=instructions, description=description,
            input_schema=_schema(input_schema), output_schema=_schema(output_schema),
            temperature=temperature, top_p=top_p, top_k=top_k, history_runs=num_history_runs,
            question_timeout=question_timeout, on_question_timeout=on_question_timeout,
            question_extensions=question_extensions,
            limits=Limits(
                max_iterations=max_iterations, max_tool_calls=max_tool_calls, max_tokens_per_run=max_tokens_per_run,
                max_session_seconds=max_session_seconds, max_session_tokens=max_session_tokens,
                max_active_seconds=max_active_seconds, wait_budget_seconds=wait_budget_seconds,
            ),
        )  # fmt: skip
        _check(version)
        super().__init__(version, tools=tools, client=client, dependencies=dependencies, members=members)
        self.version = replace(version, tools=tuple(self.tools))
        self.db = db or SqliteDb()
        self.session_id, self.stream, self.unfit = session_id, stream, self._unfit
        self._input_type, self._output_type = _type(input_schema), _type(output_schema)
        self._background: set[asyncio.Task[Any]] = set()

    # -- running -----------------------------------------------------------------------------------------

    def arun(
        self,
        input: Any = None,
        *,
        session_id: str | None = None,
        run_id: str | None = None,
        user_id: str | None = None,
        session_state: dict[str, Any] | None = None,
        dependencies: dict[str, Any] | None = None,
        stream: bool | None = None,
        background: bool = False,
    ) -> Any:
        """Start a run and take it as far as it goes: to its answer, or to where a person is needed.

        Returns a coroutine of `RunOutput`, or with `stream=True` an async iterator of events. Mode and configuration
        are frozen in the run.

        Raises:
            ValueError: The input does not fit `input_schema`; nothing was started.
            RunExists: The run id is taken.
            StepFailed: The run failed; `error_type` says which limit was reached, or what went wrong.
        """
        plain = self._stored(self._input(input), "input")
        found = problems(self.version.input_schema, plain)
        if found:
            raise Invalid("Expected an input that fits the schema, but: " + "; ".join(found))

        async def begin() -> Claimed:
            wanted = self._session(session_id)
            parts: dict[str, Any] = {
                "input": plain,
                "version": to_json(self.version),
                "user_id": user_id,
                "dependencies": None if dependencies is None else self._stored(dependencies, "dependencies"),
                "history": await self._history(wanted),
            }
            claimed = await self._runtime().start(
                self.name,
                {name: value for name, value in parts.items() if value is not None},
                session_id=wanted,
                run_id=None if run_id is None else RunId(run_id),
                user_id=user_id,
                origin=Origin(version=self.version.label),
                state=None if session_state is None else self._stored(session_state, "session_state"),
            )
            self._latest_session = claimed.run.session_id
            return claimed

        async def go(listener: Listener | None) -> RunOutput:
            claimed = await begin()
            if listener is not None:
                listener(events.RunStartedEvent(session_id=claimed.run.session_id, run_id=claimed.run.id))
            return await self._advance(claimed.run.id, claimed, listener)

        return self._begun(begin) if background else self._result(go, self._stamp(), stream)

    def run(self, input: Any = None, **options: Any) -> Any:
        """Start a run as `arun` does, and return its output, or with `stream=True` an iterator of events."""
        return self._sync(self.arun(input, **options))

    def acontinue_run(
        self,
        run_response: RunOutput | None = None,
        *,
        run_id: str | None = None,
        session_id: str | None = None,
        requirements: Given | None = None,
        decided_by: str = "local",
        stream: bool | None = None,
        background: bool = False,
    ) -> Any:
        """Send the answers that were given, and take the run on from the exact point where it stands.

        Of the requirements only the answers are read. With several pending, those that are answered move, and the run
        stays paused for the rest. Of two callers one wins; the other gets an error, or the same result.

        Raises:
            ValueError: Nothing is answered, an answer does not fit, or the run is over.
            AlreadyDecided: Someone was faster; the error carries their decision.
            TaskExpired: A deadline has passed; its `on_timeout` counts.
        """
        found = run_id_of(run_response, run_id, session_id)
        given = given_of(run_response, requirements)

        def choose() -> Chooser:
            return self._chooser(given, session_id)

        return self._going_on(found, choose, decided_by, self._stamp(found), stream=stream, background=background)

    def continue_run(self, run_response: RunOutput | None = None, **options: Any) -> Any:
        """Continue a run as `acontinue_run` does, and return its output, or an iterator of events."""
        return self._sync(self.acontinue_run(run_response, **options))

    async def adecide(
        self,
        run_response: RunOutput | None = None,
        *,
        run_id: str | None = None,
        session_id: str | None = None,
        requirements: Given | None = None,
        decided_by: str = "local",
    ) -> None:
        """Record the answers that were given, durably, and leave the run to a worker or a later `continue_run`.

        Raises:
            ValueError: As `acontinue_run`.
        """
        given = given_of(run_response, requirements)
        found = run_id_of(run_response, run_id, session_id)
        await self._answered(found, self._chooser(given, session_id), decided_by, hold=False)

    def decide(self, run_response: RunOutput | None = None, **options: Any) -> None:
        """Record the answers that were given, as `adecide` does."""
        portal.call(self.adecide(run_response, **options))

    # -- inside ------------------------------------------------------------------------------------------

    def _input(self, given: Any) -> Any:
        """Return an object of the input's type as the JSON that its schema is about; anything else as it is."""
        wanted = self._input_type
        if wanted is None or not isinstance(given, wanted):
            return given
        return TypeAdapter(cast("Any", wanted)).dump_python(given, mode="json")

    async def _history(self, session_id: SessionId | None) -> Any:
        """Return what earlier runs of the session have said, in the codec's form; None where there is nothing."""
        most = self.version.history_runs
        if session_id is None or most < 1:
            return None
        return await earlier_messages(self._runtime(), session_id, self.name, most)

    def _chooser(self, given: Given, session_id: str | None) -> Chooser:
        return chooser(self.name, given, session_id, self._runtime().clock.now(), agent=True)

    def _stamp(self, run_id: str | None = None) -> Stamp:
        def admit(event: Any) -> bool:
            if not isinstance(event, events.BaseRunEvent):
                return False
            event.agent_name = event.agent_name or self.name
            return True

        return Stamp(self.db.runtime.clock, run_id, admit)

    def _output_of(self, rest: Rest, tasks: list[UserTask], now: datetime) -> RunOutput:
        output = run_output_of(self.version, rest.run, rest.state, tasks, now, rest)
        if self._output_type is not None and output.status is RunStatus.completed:
            with suppress(ValidationError):  # the run was started when another type was asked for
                output.content = self._typed(output.content)
        return output

    def _typed(self, content: Any) -> Any:
        return TypeAdapter(cast("Any", self._output_type)).validate_json(json.dumps(content))

    def _unfit(self, content: Any) -> str | None:
        """Return what the output's type has against a final answer."""
        try:
            if self._output_type is not None:
                self._typed(content)
        except ValidationError as exc:
            return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'it'}: {item['msg']}" for item in exc.errors())
        return None

    def _bare_of(self, run: Run, tasks: list[UserTask], now: datetime, problem: SaysoError) -> RunOutput:
        output = run_output_of(self.version, run, run.state, tasks, now, None)
        output.problem = str(problem)
        return output

    def _announce_end(self, output: RunOutput, listener: Listener) -> None:
        common: dict[str, Any] = {"session_id": output.session_id, "run_id": output.run_id}
        match output.status:
            case RunStatus.completed:
                listener(events.RunCompletedEvent(content=output.content, **common))
            case RunStatus.cancelled:
                listener(events.RunCancelledEvent(reason=output.content, **common))
            case RunStatus.error:
                listener(events.RunErrorEvent(error=output.error, **common))
            case RunStatus.pending | RunStatus.running | RunStatus.paused:
                return

    def _fresh(self, run: Run, status: RunStatus) -> RunOutput:
        return RunOutput(run_id=run.id, session_id=run.session_id, status=status, agent_name=self.name)


class Team(Agent):
    """An agent that leads others: it delegates to its members, and their tools pause like its own.

    Args:
        name: The name under which its runs are stored.
        members: The agents; their descriptions tell the leader what they are good for.
        options: As for `Agent`: the leader's model, instructions, tools and limits.

    Raises:
        ValueError: There are no members, or as for `Agent`.
    """

    def __init__(self, name: str = "team", *, members: Sequence[AgentDefinition], **options: Any) -> None:
        if not members:
            raise ValueError(f"Expected members of team '{name}', but there are none.")
        super().__init__(name, members=members, **options)


def _client(model: str | ModelClient, base_url: str | None) -> ModelClient:
    if isinstance(model, str):
        from sayso.llm.providers import ProviderModel  # Lazy: agents with a model object need no provider.

        return ProviderModel(model, base_url=base_url)
    if not isinstance(model, ModelClient):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise Invalid(f"Expected model to be provider:name or an object with respond(), but got {model!r}.")
    return model


def _type(given: Any) -> type | None:
    return given if isinstance(given, type) else None


def _schema(given: Any) -> Any:
    """Return the JSON Schema of a type; a schema as it is."""
    if given is None or isinstance(given, Mapping):
        return cast("Any", given)
    return TypeAdapter(given).json_schema()


def _number(given: Any, low: float, high: float = float("inf"), *, above: bool = False) -> bool:
    """Tell whether a setting is a finite number within its bounds; with `above`, the lower one is out of bounds."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        return False
    return given <= high and (given > low if above else given >= low)


def _whole(given: Any, low: int, high: float = float("inf")) -> bool:
    """Tell whether a setting is a whole number within its bounds."""
    return isinstance(given, int) and _number(given, low, high)


def _seconds(given: Any) -> bool:
    """Tell whether a setting is a time that can pass."""
    return _number(given, 0, above=True)


def _given(value: Any, fits: Callable[..., bool], *bounds: float) -> bool:
    """Tell whether a setting is left out, or fits."""
    return value is None or fits(value, *bounds)


def _check(version: AgentVersion) -> None:
    limits = version.limits
    wrong = {
        "name": not version.name,
        "mode": version.mode not in {"hitl", "request", "sub_agent"},
        "description (required of a sub-agent)": version.mode == "sub_agent" and not version.description,
        "temperature (0 to 1)": not _given(version.temperature, _number, 0, 1),
        "top_p (0.1 to 1)": not _given(version.top_p, _number, 0.1, 1),
        "top_k (1 to 500)": not _given(version.top_k, _whole, 1, 500),
        "question_timeout (more than 0)": not _given(version.question_timeout, _seconds),
        "on_question_timeout": version.on_question_timeout not in {"reject", "cancel", "skip"},
        "question_extensions (0 to 10)": not _whole(version.question_extensions, 0, MOST_EXTENSIONS),
        "max_iterations (more than 0)": not _whole(limits.max_iterations, 1),
        "max_tool_calls (more than 0)": not _whole(limits.max_tool_calls, 1),
        "max_tokens_per_run (more than 0)": not _whole(limits.max_tokens_per_run, 1),
        "max_session_seconds (more than 0)": not _given(limits.max_session_seconds, _seconds),
        "max_session_tokens (more than 0)": not _given(limits.max_session_tokens, _whole, 1),
        "max_active_seconds (more than 0)": not _given(limits.max_active_seconds, _seconds),
        "wait_budget_seconds (0 or more)": not _number(limits.wait_budget_seconds, 0),
        "num_history_runs (0 or more)": not _whole(version.history_runs, 0),
        "input_schema": unusable_schema(version.input_schema) is not None,
        "output_schema": unusable_schema(version.output_schema) is not None,
    }
    found = [name for name, is_wrong in wrong.items() if is_wrong]
    if found:
        raise ValueError(
            f"Expected settings of agent '{version.name}' within their bounds, but these are not: {found}."
        )
