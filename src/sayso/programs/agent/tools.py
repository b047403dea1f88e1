"""`@tool`: a function that a model may ask for, with everything that its way through gate and ledger needs to know."""

import inspect
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, TypeVar, cast, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import to_jsonable_python

from sayso.core.deadlines import allowed_extensions
from sayso.core.ledger import canonical, tool_digest, tool_parts
from sayso.model.calls import Effect
from sayso.model.json import Json
from sayso.model.tasks import MOST_EXTENSIONS, OnTimeoutAction

F = TypeVar("F", bound=Callable[..., Any])
OnToolReject = Literal["return_to_agent", "fail_run"]
Approval = bool | Callable[..., bool] | None
_CONTEXT = frozenset({"ctx", "run_context", "session_state"})
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class ToolError(Exception):
    """Raised by a tool that has certainly done nothing: the model is told why, and may try something else."""


@dataclass
class ToolContext:
    """Where a tool runs; functions that take `ctx` (or `run_context`) get it."""

    run_id: str
    session_id: str
    agent_name: str
    user_id: str | None
    session_state: dict[str, Any]
    """The session's state; what a tool changes is stored with its outcome."""
    dependencies: Mapping[str, Any]
    call_key: str
    """The journal key of the call."""
    idempotency_key: str = ""
    """The same for every attempt at this call, in every process: hand it to remotes that honour one."""
    attempt: int = 0


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool. Made by `@tool`; calling it calls the function."""

    name: str
    description: str
    function: Callable[..., Any]
    arguments: type[BaseModel]
    """What the arguments must fit; unknown ones are refused."""
    effect: Effect = Effect.ONCE
    approval: Approval = None
    """True or False decide; None inherits the toolkit's default; a predicate is asked about each call."""
    inherited: bool = False
    user_input_fields: tuple[str, ...] = ()
    """Arguments that a person gives, not the model."""
    external: bool = False
    """Whether it is executed outside, and a person or program brings the result."""
    summary: str | None = None
    """A template of the card's sentence over the arguments: `Refund {amount} to {customer}`."""
    timeout: float | None = None
    """Seconds that an execution may take."""
    on_reject: OnToolReject = "return_to_agent"
    approval_timeout: float | None = None
    """Seconds that the question about a call may wait."""
    on_timeout: OnTimeoutAction = "reject"
    approval_extensions: int = MOST_EXTENSIONS
    """How often people may extend that, each time by as much; 0 makes it a hard deadline."""
    max_attempts: int = 3
    key_window: float = 86_400
    """Seconds for which, from the first attempt on, a remote honours the key of a `keyed` call."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, without gate and ledger: for tests and for code."""
        return self.function(*args, **kwargs)

    def schema(self) -> dict[str, Json]:
        """Return the JSON Schema of what the model gives; what a person gives is left out."""
        whole: dict[str, Any] = deepcopy(self.whole_schema)
        for name in self.user_input_fields:
            whole.get("properties", {}).pop(name, None)
        if self.user_input_fields:
            whole["required"] = [name for name in whole.get("required", []) if name not in self.user_input_fields]
        return whole

    @cached_property
    def whole_schema(self) -> dict[str, Any]:
        """The JSON Schema of all arguments."""
        return self.arguments.model_json_schema()

    @cached_property
    def digest(self) -> str:
        """The digest of the definition, which an approval is bound to."""
        return tool_digest(self.name, self.parts)

    @cached_property
    def parts(self) -> dict[str, str]:
        """What the definition consists of: its description, schema and effect, and what a person gives or does.

        Whether it needs a yes is no part: a yes that was given, or asked for, counts all the same.
        """
        person: dict[str, Json] = {"input": list(self.user_input_fields), "external": self.external}
        return tool_parts(self.description, cast("Json", self.whole_schema), self.effect, person)

    def plain(self, arguments: Mapping[str, Json], *, partly: bool = False) -> tuple[dict[str, Json], tuple[str, ...]]:
        """Return arguments as they would be executed, with defaults and coerced types, and what stands against them.

        What comes back is what the gate judges, a person is shown, and the function gets: it is refused where reading
        it again would make something else of it, or where it cannot be written as JSON.

        Args:
            arguments: As they were proposed.
            partly: Without those that a person gives.
        """
        model = self._offered if partly else self.arguments
        try:
            found = _written(model.model_validate(dict(arguments)), self._has_sets)
            if canonical(_written(model.model_validate(found), self._has_sets)) != canonical(found):
                return dict(arguments), ("arguments: reading them twice makes something else of them",)
        except ValidationError as exc:
            return dict(arguments), _found(exc)
        except (ValueError, TypeError) as exc:
            return dict(arguments), (f"they cannot be written as JSON: {exc}",)
        return found, ()

    @cached_property
    def _offered(self) -> type[BaseModel]:
        """What the model's part of the arguments must fit."""
        if not self.user_input_fields:
            return self.arguments
        hidden = set(self.user_input_fields)
        fields: dict[str, Any] = {
            name: (info.annotation, info) for name, info in self.arguments.model_fields.items()
            if hidden.isdisjoint({name, info.alias})
        }  # fmt: skip
        return create_model(f"{self.name}_offered", __config__=self.arguments.model_config, **fields)

    @cached_property
    def _has_sets(self) -> bool:
        """Whether an argument is, or holds, a set, whose order is another one in every process."""
        return '"uniqueItems"' in json.dumps(self.whole_schema)

    def given(self, arguments: Mapping[str, Json], context: ToolContext) -> dict[str, Any]:
        """Return what the function is called with: typed arguments, and what it takes of the context."""
        model = self.arguments.model_validate(dict(arguments))
        found = {name: getattr(model, name) for name in type(model).model_fields}
        for name in _given_by_us(self.function):
            found[name] = context.session_state if name == "session_state" else context
        return found

    def sentence(self, arguments: Mapping[str, Json]) -> str:
        """Return the card's sentence."""
        if self.summary is not None:
            try:
                return self.summary.format_map(dict(arguments))
            except (KeyError, IndexError, ValueError, AttributeError):
                return f"{self.summary} (this sentence could not be filled in)"
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        return f"Run {self.name}({given})?"


def tool(
    function: Any = None,
    *,
    name: str | None = None,
    description: str | None = None,
    requires_confirmation: Approval = None,
    requires_approval: Approval = None,
    needs_approval: Approval = None,
    requires_user_input: bool = False,
    user_input_fields: Sequence[str] = (),
    external_execution: bool = False,
    effect: Effect | str = Effect.ONCE,
    summary: str | None = None,
    timeout: float | None = None,
    on_reject: OnToolReject = "return_to_agent",
    approval_timeout: float | None = None,
    on_timeout: OnTimeoutAction = "reject",
    approval_extensions: int = MOST_EXTENSIONS,
    max_attempts: int = 3,
    key_window: float | None = None,
) -> Any:
    """Make a tool of a sync or async function; with or without parentheses.

    Args:
        function: The function; its signature gives the schema, its docstring the descriptions.
        name: What the model calls it; the function's name by default.
        description: What the model is told; the docstring's first paragraph by default.
        requires_confirmation: Whether a person must say yes: a flag, or a predicate of the arguments (`ctx, args`, or
            `args` alone). None inherits from the toolkit. A predicate that fails asks.
        requires_approval: Another name of it.
        needs_approval: Another name of it.
        requires_user_input: Whether a person gives some of the arguments.
        user_input_fields: Which.
        external_execution: Whether it is executed outside, and its result is brought back.
        effect: `read`, `keyed` or `once`: what may happen when an outcome is unknown.
        summary: The card's sentence, a template over the arguments.
        timeout: Seconds that an execution may take; after that its outcome is unknown.
        on_reject: Whether the model learns of a rejection, or the run fails.
        approval_timeout: Seconds that the question may wait.
        on_timeout: What happens then: `reject` by default.
        approval_extensions: How often people may extend that time, each time by as much: 10 times at most, which is
            also the default; 0 makes it a hard deadline.
        max_attempts: How often a `read` or `keyed` call may be started.
        key_window: Seconds for which a remote honours the key of a `keyed` call; a day by default. A call is not sent
            again where it might arrive later than that after the first attempt.

    Raises:
        ValueError: A setting is unknown, or two of them exclude each other.
    """
    approval = _approval(requires_confirmation, requires_approval, needs_approval)
    if (bool(approval) + bool(requires_user_input or user_input_fields) + external_execution) > 1:
        raise ValueError("Expected one of confirmation, user input and external execution, but got several.")
    if requires_user_input and not user_input_fields:
        raise ValueError("Expected user_input_fields beside requires_user_input.")
    if on_reject not in {"return_to_agent", "fail_run"}:
        raise ValueError(f"Expected on_reject to be return_to_agent or fail_run, but got {on_reject!r}.")
    if on_timeout not in {"approve", "reject", "cancel", "skip"}:
        raise ValueError(f"Expected on_timeout to be approve, reject, cancel or skip, but got {on_timeout!r}.")
    if on_timeout == "approve" and external_execution:
        raise ValueError("Expected on_timeout to be reject, cancel or skip: no deadline can bring an external result.")
    if not max_attempts >= 1:
        raise ValueError(f"Expected max_attempts of at least 1, but got {max_attempts!r}.")
    _positive(timeout, approval_timeout, key_window)
    options: dict[str, Any] = {
        "effect": _effect(effect), "approval": approval, "user_input_fields": tuple(user_input_fields),
        "external": external_execution, "summary": summary, "timeout": timeout, "on_reject": on_reject,
        "approval_timeout": approval_timeout, "on_timeout": on_timeout, "max_attempts": max_attempts,
        "key_window": _window(effect, key_window),
        "approval_extensions": allowed_extensions(approval_extensions, "approval_extensions"),
    }  # fmt: skip

    def make(target: Callable[..., Any]) -> Tool:
        return _made(target, name, description, options)

    return make if function is None else make(function)


def _approval(*given: Approval) -> Approval:
    settings = [item for item in given if item is not None]
    if len(settings) > 1:
        raise ValueError("Expected one of requires_confirmation, requires_approval and needs_approval; got several.")
    approval = settings[0] if settings else None
    if not (approval is None or isinstance(approval, bool) or callable(approval)):
        raise ValueError(f"Expected requires_confirmation to be True, False or a function, but got {approval!r}.")
    return approval


def _positive(*timeouts: float | None) -> None:
    for number in timeouts:
        if number is not None and not 0 < number < math.inf:
            raise ValueError(f"Expected a timeout of more than 0 seconds, but got {number!r}.")


def _window(effect: Effect | str, seconds: float | None) -> float:
    """Return how long a key is honoured; only a `keyed` tool may say."""
    if seconds is None:
        return 86_400
    if effect != Effect.KEYED:
        raise ValueError(f"Expected key_window on a tool with effect='keyed', but its effect is {str(effect)!r}.")
    return seconds


def as_tool(item: Tool | Callable[..., Any]) -> Tool:
    """Return a tool as it is, and a plain function as a tool with every default.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(item, Tool):
        return item
    if not callable(item):
        raise ValueError(f"Expected a tool or a function, but got {item!r}.")
    return tool(item)


def _made(function: Callable[..., Any], name: str | None, description: str | None, options: dict[str, Any]) -> Tool:
    found = name or getattr(function, "__name__", type(function).__name__)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ValueError(f"Expected tool '{found}' to return its result, but it yields.")
    if not _NAME.fullmatch(found):
        raise ValueError(f"Expected a tool's name of letters, digits, _ and - (at most 64), but got {found!r}.")
    about, parameters = _docs(inspect.getdoc(function) or "")
    model = _model(function, found, parameters)
    wanted = options["user_input_fields"]
    known: dict[str, Any] = model.model_json_schema()["properties"] if wanted else {}
    unknown = [item for item in wanted if item not in known]
    if unknown:
        raise ValueError(f"Expected user_input_fields of '{found}' to be its arguments, but {unknown} are not.")
    if options["on_timeout"] == "approve" and set(wanted) & set(model.model_json_schema().get("required", ())):
        raise ValueError(f"Expected defaults of what a person gives to '{found}', for a deadline that approves.")
    return Tool(name=found, description=description or about or found, function=function, arguments=model, **options)


def _effect(effect: Effect | str) -> Effect:
    try:
        return Effect(effect)
    except ValueError:
        raise ValueError(f"Expected effect to be one of {', '.join(Effect)}, but got {effect!r}.") from None


def _model(function: Callable[..., Any], name: str, about: Mapping[str, str]) -> type[BaseModel]:
    """Return a pydantic model of a function's arguments, without those that we give."""
    hints, ours = get_type_hints(_annotated(function), include_extras=True), _given_by_us(function)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name, Any)
        if parameter.name in ours:
            continue
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise ValueError(f"Expected named arguments on tool '{name}', but it takes '{parameter}'.")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hint, Field(default, description=about.get(parameter.name)))
    try:
        return create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
    except Exception as exc:
        raise ValueError(f"Expected arguments of tool '{name}' that have a JSON Schema, but: {exc}.") from exc


def _found(error: ValidationError) -> tuple[str, ...]:
    """Return what stands against arguments, one sentence each."""
    return tuple(f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}" for item in error.errors())


def _given_by_us(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parameters that the model does not see: the session's state, and the context under any name."""
    hints = get_type_hints(_annotated(function))
    named = inspect.signature(function).parameters
    return tuple(
        name
        for name in named
        if name in _CONTEXT or hints.get(name) is ToolContext or ToolContext in get_args(hints.get(name))
    )


def _annotated(function: Any) -> Any:
    """Return what carries a callable's annotations: the function itself, or that of a partial or an object."""
    if isinstance(function, partial):
        return _annotated(cast("partial[Any]", function).func)
    return function if inspect.isroutine(function) else type(function).__call__


def _written(model: BaseModel, has_sets: bool) -> dict[str, Json]:
    """Return a model as JSON, by the names that its schema has."""
    if not has_sets:
        return cast("dict[str, Json]", model.model_dump(mode="json", by_alias=True))
    return cast("dict[str, Json]", to_jsonable_python(_sorted(model.model_dump(by_alias=True))))


def _sorted(value: Any) -> Any:
    """Return a value with its sets in an order that is the same in every process."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, set | frozenset):
        return sorted(
            (_sorted(item) for item in cast("set[Any]", value)), key=lambda item: repr(to_jsonable_python(item))
        )
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in cast("list[Any]", value)]
    return value


def _docs(text: str) -> tuple[str, dict[str, str]]:
    """Return a docstring's first paragraph, and what its `Args:` say of each argument."""
    head, _, rest = text.partition("\n\n")
    about: dict[str, str] = {}
    block = re.search(r"Args:\n((?:[ \t]+.*(?:\n|$)|\n)+)", rest)
    for line in block.group(1).splitlines() if block else ():
        found = re.match(r"\s+(\w+)(?:\s*\([^)]*\))?:\s*(.+)", line)
        if found:
            about[found.group(1)] = found.group(2).strip()
        elif about and line.strip():
            last = next(reversed(about))
            about[last] += " " + line.strip()
    return " ".join(head.split()), about
