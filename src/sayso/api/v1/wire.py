"""Runs, sessions, timelines and tasks in the form that clients see: camelCase names, statuses as single words.

Every function here is pure. What is redacted is left out here and nowhere else.
"""

from datetime import datetime

from sayso.api.v1.taskwire import Plain, at, pending_json
from sayso.core.readable import readable
from sayso.core.timeline import ID_KEYS, Item, output_of
from sayso.model.json import Json
from sayso.model.registry import Names
from sayso.model.runs import Run
from sayso.model.sessions import ListedSession
from sayso.runtime.sessions import RunParts, Whole
from sayso.runtime.standing import (
    depths_of,
    ended_at,
    input_of,
    merged,
    pending_of,
    root_of,
    run_status,
    session_status,
    version_of,
)

# -- runs ---------------------------------------------------------------------------------------------------------


def run_json(parts: RunParts, now: datetime, *, exposed: bool) -> Plain:
    """Return a run as it is polled: status, output, error, and where tasks may be seen what it waits for."""
    output, error = output_of(parts.run, parts.entries)
    found: Plain = {
        "runId": parts.run.id,
        "sessionId": parts.run.session_id,
        "status": str(run_status(parts, now)),
        "output": readable(output),
        "totalTokensUsed": parts.run.usage.total_tokens,
    }
    if error is not None:
        found["error"] = error
    if parts.run.problem is not None:
        found["problem"] = parts.run.problem
    listed = [task for task in pending_of(parts, now) if task.spec.request.kind != "message"]
    if listed and exposed:
        found["pendingUserTasks"] = [pending_json(task, parts.by_keys) for task in listed]
    return found


def started_json(run: Run, *, agent_id: str | None) -> Plain:
    """Return a run that has just been created."""
    return {
        "sessionId": run.session_id,
        "runId": run.id,
        "status": "Running",
        "totalTokensUsed": 0,
        "output": None,
        "agentId": agent_id,
        "triggerId": run.origin.trigger_id,
    }


# -- sessions -----------------------------------------------------------------------------------------------------


def conversation(whole: Whole, now: datetime, names: Names, *, slim: bool, exposed: bool) -> Plain:
    """Return a session with its runs and the merged timeline.

    Args:
        whole: The session.
        now: The time.
        names: What programs and triggers are called.
        slim: Whether the ids that every item repeats are left out of the contents.
        exposed: Whether steps may be seen; otherwise only that and how the root ended.
    """
    items = merged(whole)
    kept = items if exposed else [item for item in items if _is_end(item, whole)]
    return {
        "session": session_json(whole, now, names, exposed=exposed),
        "runs": [_run_row(parts, whole, now, names, exposed=exposed) for parts in whole.runs],
        "items": [item_json(item, ordinal, names, slim=slim) for ordinal, item in enumerate(kept, 1)],
    }


def _is_end(item: Item, whole: Whole) -> bool:
    return item.type == "SessionCompleted" or (item.type == "RunCompleted" and item.run_id == whole.session.root_run_id)


def item_json(item: Item, ordinal: int | None, names: Names, *, slim: bool = False) -> Plain:
    """Return one item of a timeline."""
    content = {name: readable(value) for name, value in item.content.items() if not (slim and name in ID_KEYS)}
    if "agent_id" in content:
        content["agent_id"] = names.agent(str(content["agent_id"]))
    found: Plain = {
        "runId": item.run_id,
        "id": item.id,
        "sequence": item.sequence,
        "type": item.type,
        "content": content,
        "tokensUsed": item.tokens,
        "error": item.error,
        "startedAt": at(item.started_at),
        "finishedAt": at(item.finished_at),
    }
    return found if ordinal is None else {**found, "ordinal": ordinal}


def session_json(whole: Whole, now: datetime, names: Names, *, exposed: bool = True) -> Plain:
    """Return a session."""
    listed = whole.session
    root = root_of(whole)
    version = version_of(root)
    found: Plain = {
        **listed_json(listed, names, root),
        "llmModel": None if version is None else version.model,
        "status": str(session_status(whole, now)),
        "entryRunId": root.run.id,
        "input": input_of(root) if exposed else None,
        "startContext": _start_context(root) if exposed else None,
    }
    return found


def listed_json(listed: ListedSession, names: Names, ended: RunParts | None) -> Plain:
    """Return a session as a list shows it.

    Args:
        listed: The session.
        names: What its program, version and trigger are called.
        ended: Its newest root run, with the end of its journal at least; None while it goes on.
    """
    origin = listed.origin
    output, error = (None, None) if ended is None else output_of(ended.run, ended.entries)
    return {
        "id": listed.id,
        "tenantId": origin.workspace_id,
        "agentId": names.agent(listed.program),
        "program": listed.program,
        "agentVersionId": origin.version_id,
        "versionLabel": origin.version,
        "llmModel": names.models.get(origin.version_id or ""),
        "triggerType": origin.trigger_type,
        "triggeredBy": origin.started_by,
        "triggerId": origin.trigger_id,
        "triggerName": names.triggers.get(origin.trigger_id or ""),
        "status": str(listed.status),
        "totalTokensUsed": listed.usage.total_tokens,
        "inputTokens": listed.usage.input_tokens,
        "outputTokens": listed.usage.output_tokens,
        "cost": listed.usage.cost,
        "userId": listed.user_id,
        "rootRunId": listed.root_run_id,
        "runCount": listed.runs,
        "startedAt": at(listed.started_at),
        "updatedAt": at(listed.updated_at),
        "finishedAt": None if ended is None else at(ended_at(ended)),
        "output": readable(output),
        "error": error,
    }


def _run_row(parts: RunParts, whole: Whole, now: datetime, names: Names, *, exposed: bool) -> Plain:
    run = parts.run
    output, error = output_of(run, parts.entries)
    version = version_of(parts)
    return {
        "id": run.id,
        "sessionId": run.session_id,
        "agentId": names.agent(run.program),
        "agentVersionId": run.origin.version_id,
        "agentName": run.program if version is None else version.name,
        "versionLabel": run.origin.version,
        "llmModel": None if version is None else version.model,
        "parentRunId": run.parent_id,
        "depth": depths_of(whole)[run.id],
        "status": str(run_status(parts, now)),
        "totalTokensUsed": run.usage.total_tokens,
        "cost": run.usage.cost,
        "activeSeconds": run.active.total_seconds(),
        "output": readable(output) if exposed else None,
        "error": error if exposed else None,
        "input": input_of(parts) if exposed else None,
        "triggerType": run.origin.trigger_type,
        "triggerId": run.origin.trigger_id,
        "triggerName": names.triggers.get(run.origin.trigger_id or ""),
        "triggeredBy": run.origin.started_by,
        "startedAt": at(run.created_at),
        "finishedAt": at(ended_at(parts)),
    }


def _start_context(parts: RunParts) -> Json:
    """Return the configuration that the run was started with, by the names of the management API."""
    version = version_of(parts)
    if version is None:
        return None
    limits = version.limits
    return {
        "version": version.label,
        "userInput": input_of(parts),
        "llmModel": version.model,
        "instructions": version.instructions,
        "temperature": version.temperature,
        "topP": version.top_p,
        "topK": version.top_k,
        "maxIterations": limits.max_iterations,
        "maxToolCalls": limits.max_tool_calls,
        "maxTokensPerRun": limits.max_tokens_per_run,
        "maxSessionTokens": limits.max_session_tokens,
        "maxSessionDurationSec": limits.max_session_seconds,
        "maxActiveDurationSec": limits.max_active_seconds,
        "agentExecutionMode": version.mode,
        "rootAgentExecutionMode": version.mode,
        "canExecuteSubAgents": False,
        "subAgentExecutionModel": "sequential",
        "maxDepth": 0,
    }
