"""Answers as they look, for OpenAPI: taken from real ones, with shorter ids."""

from sayso.api.v1.managedexamples import MANAGED
from sayso.model.json import Json

_STARTED: dict[str, Json] = {
    "sessionId": "ses_01m8",
    "runId": "run_01m8",
    "status": "Running",
    "totalTokensUsed": 0,
    "output": None,
    "agentId": "agt_01m8",
    "triggerId": None,
}
_RUN: dict[str, Json] = {
    "runId": "run_01m8",
    "sessionId": "ses_01m8",
    "status": "WaitingForHITL",
    "output": None,
    "totalTokensUsed": 15,
    "pendingUserTasks": [
        {"id": "task_01m8", "kind": "approval", "summary": "Pay 5.0", "apiCompletable": True, "dueAt": None}
    ],
}
_TASK: dict[str, Json] = {
    "id": "task_01m8",
    "kind": "approval",
    "status": "Pending",
    "summary": "Pay 5.0",
    "runId": "run_01m8",
    "sessionId": "ses_01m8",
    "agentId": "desk",
    "key": "turn#1/call:1?approval",
    "digest": "837cd69b383ef317dd1c5a1054ffa883bbcd345239bce1dfc077ac70988d1f92",
    "request": {
        "kind": "approval",
        "message": "Pay 5.0",
        "call": {
            "tool": "pay",
            "arguments": {"amount": 5.0},
            "effect": "once",
            "digest": "3a1ab0552c3145a24368bfd3621b7457",
            "schema": {
                "additionalProperties": False,
                "properties": {"amount": {"title": "Amount", "type": "number"}},
                "required": ["amount"],
                "title": "pay_arguments",
                "type": "object",
            },
            "why": "it requires approval",
        },
    },
    "stepName": "desk",
    "onReject": "skip",
    "onTimeout": None,
    "apiCompletable": True,
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "dueAt": None,
    "claimedBy": "ana@example.com",
    "claimedUntil": "2026-11-23T12:15:00.000000Z",
    "outcome": None,
}
_LISTED: dict[str, Json] = {
    "id": "ses_01m8",
    "tenantId": "default",
    "agentId": "desk",
    "agentVersionId": "ver_01m8",
    "versionLabel": "code",
    "triggerType": "api",
    "triggeredBy": "key_01m8",
    "triggerId": None,
    "status": "Completed",
    "totalTokensUsed": 30,
    "cost": None,
    "rootRunId": "run_01m8",
    "runCount": 1,
    "startedAt": "2026-11-23T12:00:00.000000Z",
    "updatedAt": "2026-11-23T12:00:00.000000Z",
}
_SEEN: dict[str, Json] = {
    **_LISTED,
    "error": None,
    "output": "All paid.",
    "finishedAt": "2026-11-23T12:00:00.000000Z",
    "entryRunId": "run_01m8",
    "userId": None,
    "input": {"question": "Refund order 4711?"},
}
_SESSION: dict[str, Json] = {
    **_SEEN,
    "startContext": {
        "version": "code",
        "userInput": {"question": "Refund order 4711?"},
        "llmModel": "scripted",
        "instructions": "",
        "temperature": None,
        "topP": None,
        "topK": None,
        "maxIterations": 10,
        "maxToolCalls": 32,
        "maxTokensPerRun": 400000,
        "maxSessionTokens": None,
        "maxSessionDurationSec": None,
        "maxActiveDurationSec": None,
        "agentExecutionMode": "hitl",
        "rootAgentExecutionMode": "hitl",
        "canExecuteSubAgents": False,
        "subAgentExecutionModel": "sequential",
        "maxDepth": 0,
    },
}
_CONVERSATION: dict[str, Json] = {
    "session": _SEEN,
    "runs": [
        {
            "id": "run_01m8",
            "sessionId": "ses_01m8",
            "agentId": "desk",
            "agentVersionId": "ver_01m8",
            "agentName": "desk",
            "versionLabel": "code",
            "llmModel": "scripted",
            "parentRunId": None,
            "depth": 0,
            "status": "Completed",
            "totalTokensUsed": 30,
            "cost": None,
            "activeSeconds": 0.017522,
            "output": "All paid.",
            "error": None,
            "input": {"question": "Refund order 4711?"},
            "triggerType": "api",
            "triggerId": None,
            "triggeredBy": "key_01m8",
            "startedAt": "2026-11-23T12:00:00.000000Z",
            "finishedAt": "2026-11-23T12:00:00.000000Z",
        }
    ],
    "items": [
        {
            "runId": "run_01m8",
            "id": "run_01m8:2.0",
            "sequence": 2,
            "type": "llm_request_prepared",
            "content": {
                "event_id": "run_01m8:2",
                "sequence": 2,
                "step_kind": "llm_request_prepared",
                "run_id": "run_01m8",
                "session_id": "ses_01m8",
                "tenant_id": "default",
                "agent_id": "desk",
                "agent_version_id": "ver_01m8",
                "iteration": 1,
                "key": "turn#1/model",
                "model": "scripted",
            },
            "tokensUsed": None,
            "error": None,
            "startedAt": "2026-11-23T12:00:00.000000Z",
            "finishedAt": "2026-11-23T12:00:00.000000Z",
            "ordinal": 2,
        }
    ],
}
_WORKFLOW: dict[str, Json] = {
    "id": "flow",
    "name": "flow",
    "description": None,
    "steps": {"first": "Step", "second": "Step", "second?confirm": "approval"},
}

EXAMPLES: dict[str, Json] = {
    **MANAGED,
    "started": _STARTED,
    "run": _RUN,
    "moved": {"status": "Running"},
    "conversation": _CONVERSATION,
    "stream": 'id: 3\ndata: {"kind": "run", "subject": "engine.run.started"}\n\n',
    "task": _TASK,
    "run_tasks": {"items": [_TASK], "total": 1},
    "tasks": {"items": [_TASK], "nextCursor": None},
    "session": _SESSION,
    "sessions": {"items": [_LISTED], "total": 1},
    "terminated": {"status": "Failed", "endedRunIds": ["run_01m8"]},
    "completed": {"status": "Completed", "endedRunIds": ["run_01m8"]},
    "workflows": {"items": [_WORKFLOW], "total": 1},
}
"""By name."""
