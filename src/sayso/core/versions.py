"""Saving an agent's version: what stands against it, and its way from the wire form to what a run follows and back.

The fields are those of core/versionfields.py. A version is kept as its complete body (every field,
defaults filled in), which `version_of` makes the `AgentVersion` of that a run follows, and `body_of` comes back from.
Operations and sub-agents are kept by id; clients may also name them (`allowedOperations`, `allowedSubAgents`).
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from sayso.core.ledger import canonical
from sayso.core.ruleforms import escaped, pauses, rule_problems
from sayso.core.versionfields import FIELDS, MOST_BYTES, SCHEMAS
from sayso.model.agents import AgentMode, AgentVersion, Limits
from sayso.model.json import Json, JsonObject
from sayso.model.registry import Problem
from sayso.model.tasks import MOST_EXTENSIONS
from sayso.model.workspaces import WorkspaceLimits

PYTHON_SERVICE = "python"
"""The service of operations that are Python functions."""
_BY_NAME = {"allowedOperations": "allowedOperationIds", "allowedSubAgents": "allowedSubAgentIds"}
"""Other ways to give a list of ids: by names."""


# -- saving ----------------------------------------------------------------------------------------------------


class Peer(NamedTuple):
    """Another agent of the workspace."""

    name: str
    mode: AgentMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a version is saved into."""

    agent_id: str
    mode: AgentMode
    labels: Collection[str] = ()
    """Of the agent's other versions."""
    operations: Collection[str] = ()
    """The operations that exist."""
    agents: Mapping[str, Peer] = field(default_factory=dict[str, Peer])
    """The workspace's agents by id, where the version names any."""
    limits: WorkspaceLimits = field(default_factory=WorkspaceLimits)
    saved: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """The body that was saved before, whose schemas need no second look."""


class Checked(NamedTuple):
    """A version that is to be saved."""

    body: JsonObject
    """Complete; of use only where there are no problems."""
    problems: list[Problem]
    warnings: list[Problem]


def changed_body(body: Mapping[str, Json], changes: Mapping[str, Json]) -> JsonObject:
    """Return a stored body with some of its fields given anew; a list given by names takes the place of its ids."""
    replaced = {ids for names, ids in _BY_NAME.items() if names in changes}
    return {**{name: value for name, value in body.items() if name not in replaced}, **changes}


def names_sub_agents(given: Mapping[str, Json]) -> bool:
    """Tell whether saving needs to know the workspace's other agents."""
    return bool(given.get("allowedSubAgents") or given.get("allowedSubAgentIds"))


def check_version(given: Mapping[str, Json], around: Around) -> Checked:
    """Return a version as it would be saved, what stands against that, and what the one who saves it should know."""
    unfit = _no_json(given)
    if unfit is not None:
        return Checked({}, [unfit], [])
    wanted, problems = _resolved(given, around)
    problems += [
        Problem(pointer=f"/{escaped(name)}", code="unknown_key", message=_no_such_field(name))
        for name in wanted
        if name not in FIELDS
    ]
    body: JsonObject = {name: wanted.get(name, item.default) for name, item in FIELDS.items()}
    unsound: set[str] = set()
    for name, item in FIELDS.items():
        if name in SCHEMAS and name in around.saved and body[name] == around.saved[name]:
            continue
        found = ("required", "expected a value") if item.required and name not in wanted else item.check(body[name])
        if found is not None:
            unsound.add(name)
            problems.append(Problem(pointer=f"/{name}", code=found[0], message=found[1]))
    problems += [*_between_fields(body, around, unsound)]
    warnings = [] if "maxToolCalls" in unsound else _clip(body, around.limits.max_tool_calls_ceiling)
    return Checked(body, problems, warnings)


def look_at_schemas(given: object) -> None:
    """Look at the schemas of what is to be saved, which may take long; `check_version` then remembers what it saw."""
    if _no_json(given) is None:
        for name in SCHEMAS:
            FIELDS[name].check(cast("Mapping[str, Json]", given).get(name, {}))


def _no_json(given: object) -> Problem | None:
    if not isinstance(given, Mapping):
        return Problem(pointer="", code="wrong_type", message="expected an object")
    try:
        size = len(canonical(dict(cast("Mapping[str, Json]", given))))
    except (ValueError, TypeError, RecursionError) as exc:
        return Problem(pointer="", code="not_json", message=f"expected JSON, but: {type(exc).__name__}")
    if size > MOST_BYTES:
        return Problem(pointer="", code="too_large", message=f"expected at most {MOST_BYTES} bytes, but got {size}")
    return None


def _no_such_field(name: str) -> str:
    near = [known for known in (*FIELDS, *_BY_NAME) if known.lower() == name.lower().replace("_", "")]
    return "there is no such field" + (f"; is '{near[0]}' meant?" if near else "")


def _resolved(given: Mapping[str, Json], around: Around) -> tuple[JsonObject, list[Problem]]:
    """Return what was given, with ids where names were given, and what cannot be found by its name."""
    problems: list[Problem] = []
    wanted: JsonObject = {name: value for name, value in given.items() if name not in _BY_NAME}
    for names, ids in _BY_NAME.items():
        if names not in given:
            continue
        found = _operation_ids(given[names]) if names == "allowedOperations" else _agent_ids(given[names], around)
        problems += found.problems
        if not found.problems and ids in given and given[ids] != found.ids:
            said = f"expected it to name what {ids} does, where both are given"
            problems.append(Problem(pointer=f"/{names}", code="contradiction", message=said))
        wanted[ids] = found.ids
    return wanted, problems


class _Ids(NamedTuple):
    ids: list[Json]
    problems: list[Problem]


def _operation_ids(given: Json) -> _Ids:
    ids: list[Json] = []
    problems: list[Problem] = []
    if not isinstance(given, list):
        return _Ids([], [Problem(pointer="/allowedOperations", code="wrong_type", message="expected a list")])
    for number, item in enumerate(given):
        at = f"/allowedOperations/{number}"
        if not isinstance(item, Mapping) or set(item) != {"serviceName", "operationName"}:
            problems.append(Problem(pointer=at, code="wrong_type", message="expected serviceName and operationName"))
        elif item["serviceName"] != PYTHON_SERVICE:
            said = f"expected '{PYTHON_SERVICE}'"
            problems.append(Problem(pointer=f"{at}/serviceName", code="unknown_operation", message=said))
        else:
            ids.append(item["operationName"])
    return _Ids(ids, problems)


def _agent_ids(given: Json, around: Around) -> _Ids:
    by_name = {peer.name: id_ for id_, peer in around.agents.items()}
    ids: list[Json] = []
    problems: list[Problem] = []
    if not isinstance(given, list):
        return _Ids([], [Problem(pointer="/allowedSubAgents", code="wrong_type", message="expected a list of names")])
    for number, name in enumerate(given):
        at = f"/allowedSubAgents/{number}"
        if not isinstance(name, str):
            problems.append(Problem(pointer=at, code="wrong_type", message="expected an agent's name"))
        elif name not in by_name:
            problems.append(Problem(pointer=at, code="unknown_agent", message="there is no agent of this name"))
        else:
            ids.append(by_name[name])
    return _Ids(ids, problems)


def _between_fields(body: JsonObject, around: Around, unsound: Collection[str]) -> Iterator[Problem]:
    """Yield what stands against fields that are well-formed, each by itself."""
    for name, check in _TOGETHER.items():
        if name not in unsound:
            yield from check(body[name], around)


def _label(label: Json, around: Around) -> Iterator[Problem]:
    if label in around.labels:
        said = f"the agent has a version '{label}' already"
        yield Problem(pointer="/versionLabel", code="duplicate_label", message=said)


def _description(description: Json, around: Around) -> Iterator[Problem]:
    if around.mode == "sub_agent" and not str(description or "").strip():
        said = "a sub-agent needs one: it is what the parent's model is told"
        yield Problem(pointer="/description", code="description_required", message=said)


def _operations(names: Json, around: Around) -> Iterator[Problem]:
    for number, name in enumerate(cast("list[str]", names)):
        if name not in around.operations:
            at, said = f"/allowedOperationIds/{number}", "there is no operation of this name"
            yield Problem(pointer=at, code="unknown_operation", message=said)


def _rules(rules: Json, around: Around) -> Iterator[Problem]:
    yield from rule_problems(rules, "/rules")
    if around.mode == "request":
        for number in pauses(rules):
            said = "a Request agent has nobody to pause for"
            yield Problem(pointer=f"/rules/{number}/then", code="pause_rule_on_request", message=said)


def _sub_agents(ids: Json, around: Around) -> Iterator[Problem]:
    for number, id_ in enumerate(cast("list[str]", ids)):
        at, peer = f"/allowedSubAgentIds/{number}", around.agents.get(id_)
        if id_ == around.agent_id:
            yield Problem(pointer=at, code="self_as_sub_agent", message="an agent cannot delegate to itself")
        elif peer is None:
            yield Problem(pointer=at, code="unknown_agent", message="there is no agent of this id")
        elif peer.mode != "sub_agent":
            said = f"'{peer.name}' is no sub-agent (its mode is {peer.mode})"
            yield Problem(pointer=at, code="not_a_sub_agent", message=said)


_TOGETHER: dict[str, Callable[[Json, Around], Iterator[Problem]]] = {
    "versionLabel": _label,
    "description": _description,
    "allowedOperationIds": _operations,
    "allowedSubAgentIds": _sub_agents,
    "rules": _rules,
}
"""What a field must fit in the place where the version is saved."""


def _clip(body: JsonObject, ceiling: int | None) -> list[Problem]:
    """Lower a limit to the workspace's ceiling, and say so."""
    wanted = cast("int", body["maxToolCalls"])
    if ceiling is None or wanted <= ceiling:
        return []
    body["maxToolCalls"] = ceiling
    said = f"lowered from {wanted} to {ceiling}, the ceiling of this workspace"
    return [Problem(pointer="/maxToolCalls", code="clipped", message=said)]


def unsupported(body: Mapping[str, Json]) -> list[str]:
    """Return what a version relies on for its safety that this release does not carry out; empty when it may run."""
    found: list[str] = []
    if body.get("anomalyControl") and body.get("rules"):
        found.append("anomaly rules (anomalyControl with rules)")
    if body.get("canExecuteSubAgents"):
        found.append("delegation to sub-agents (canExecuteSubAgents)")
    return found


def version_digest(body: Mapping[str, Json], tools: Sequence[str] = ()) -> str:
    """Return the digest of a version: of its body, and of the digests of the tools that belong to it."""
    whole: dict[str, Json] = {"body": dict(body), "tools": sorted(tools)}
    return hashlib.sha256(b"sayso/version/v1\x00" + canonical(whole)).hexdigest()


# -- versions as runs follow them ------------------------------------------------------------------------------


def version_of(body: Mapping[str, Json], *, name: str, mode: AgentMode) -> AgentVersion:
    """Return the version that a run follows, of a complete body."""
    given = cast("Mapping[str, Any]", body)
    return AgentVersion(
        name=name,
        label=given["versionLabel"],
        mode=mode,
        model=given["llmModel"],
        instructions=given["instructions"],
        description=given["description"],
        input_schema=given["inputSchema"] or None,
        output_schema=given["outputSchema"] or None,
        temperature=given["temperature"],
        top_p=given["topP"],
        top_k=given["topK"],
        tools=tuple(given["allowedOperationIds"]),
        limits=Limits(
            max_iterations=given["maxIterations"],
            max_tool_calls=given["maxToolCalls"],
            max_tokens_per_run=given["maxTokensPerRun"],
            max_session_seconds=given["maxSessionDurationSec"],
            max_session_tokens=given["maxSessionTokens"],
            max_active_seconds=given["maxActiveDurationSec"],
            wait_budget_seconds=given["waitBudgetSec"],
        ),
        question_timeout=given["questionTimeoutSec"],
        on_question_timeout=given["onQuestionTimeout"],
        question_extensions=given.get("questionExtensions", MOST_EXTENSIONS),  # bodies older than the field lack it
        history_runs=given["historyRuns"],
    )


def body_of(version: AgentVersion) -> JsonObject:
    """Return the complete body of a version; what code alone can say (a temperature of None) is kept as it is."""
    limits = version.limits
    return {
        **{name: item.default for name, item in FIELDS.items()},
        "versionLabel": version.label,
        "llmModel": version.model,
        "instructions": version.instructions,
        "description": version.description,
        "inputSchema": version.input_schema or {},
        "outputSchema": version.output_schema or {},
        "temperature": version.temperature,
        "topP": version.top_p,
        "topK": version.top_k,
        "maxIterations": limits.max_iterations,
        "maxToolCalls": limits.max_tool_calls,
        "maxTokensPerRun": limits.max_tokens_per_run,
        "allowedOperationIds": list(version.tools),
        "maxSessionTokens": limits.max_session_tokens,
        "maxSessionDurationSec": limits.max_session_seconds,
        "maxActiveDurationSec": limits.max_active_seconds,
        "waitBudgetSec": limits.wait_budget_seconds,
        "questionTimeoutSec": version.question_timeout,
        "onQuestionTimeout": version.on_question_timeout,
        "questionExtensions": version.question_extensions,
        "historyRuns": version.history_runs,
    }


def stricter(limits: Limits, workspace: WorkspaceLimits) -> dict[str, Any]:
    """Return the limits that the workspace tightens, by their names in `Limits`."""
    ceilings = {
        "max_tool_calls": workspace.max_tool_calls_ceiling,
        "max_active_seconds": workspace.max_active_seconds,
        "wait_budget_seconds": workspace.wait_budget_seconds,
    }
    own: dict[str, float | None] = {
        "max_tool_calls": limits.max_tool_calls,
        "max_active_seconds": limits.max_active_seconds,
        "wait_budget_seconds": limits.wait_budget_seconds,
    }
    found: dict[str, Any] = {}
    for name, ceiling in ceilings.items():
        mine = own[name]
        if ceiling is not None and (mine is None or ceiling < mine):
            found[name] = ceiling
    return found
