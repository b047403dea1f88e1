"""Answers of the routes by which people manage agents, each other and the workspace, as they look; see `examples`."""

from sayso.model.json import Json

_AGENT: dict[str, Json] = {
    "id": "agt_01m8",
    "tenantId": "default",
    "name": "refunds",
    "executionMode": "hitl",
    "origin": "data",
    "llmProviderId": None,
    "deployedVersionId": "ver_01m8",
    "deployedVersionLabel": "v1",
    "deployedLlmModel": "openai:gpt-5",
    "blockedUntilReviewed": False,
    "blockedReason": None,
    "blockedBy": None,
    "blockedByIncidentId": None,
    "blockedAt": None,
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "updatedAt": "2026-11-23T12:00:00.000000Z",
}
_VERSION: dict[str, Json] = {
    "versionLabel": "v1",
    "llmModel": "openai:gpt-5",
    "instructions": "Be kind.",
    "description": None,
    "inputSchema": {},
    "outputSchema": {},
    "temperature": 1,
    "topP": None,
    "topK": None,
    "maxIterations": 10,
    "maxTokensPerRun": 400000,
    "maxToolCalls": 32,
    "anomalyControl": False,
    "rules": [],
    "allowedOperationIds": ["pay"],
    "canExecuteSubAgents": False,
    "allowedSubAgentIds": [],
    "subAgentExecutionModel": "sequential",
    "maxSessionTokens": None,
    "maxSessionDurationSec": None,
    "maxActiveDurationSec": None,
    "waitBudgetSec": 604800,
    "questionTimeoutSec": None,
    "onQuestionTimeout": "skip",
    "questionExtensions": 10,
    "historyRuns": 3,
    "id": "ver_01m8",
    "agentId": "agt_01m8",
    "status": "testing",
    "digest": "08cc1fab99f02c63741ceda2170a3e507d24a776bec5010610b7490539ca9e60",
    "createdBy": "ana@example.com",
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "updatedAt": "2026-11-23T12:00:00.000000Z",
}
_TRIGGER: dict[str, Json] = {
    "id": "trg_01m8",
    "agentId": "agt_01m8",
    "type": "api",
    "kind": "api",
    "name": "shop",
    "active": True,
    "settings": {
        "exposeStepTimelineToApi": True,
        "rpmLimit": 0,
        "rpdLimit": 0,
        "maxConcurrentRuns": 0,
        "maxInputTokens": 0,
        "ipWhitelist": [],
        "apiCompletableKinds": [],
    },
    "lastFiredAt": None,
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "updatedAt": "2026-11-23T12:00:00.000000Z",
}
_OPERATION: dict[str, Json] = {
    "id": "pay",
    "name": "pay",
    "description": "Pay.",
    "inputSchema": {
        "additionalProperties": False,
        "properties": {"amount": {"title": "Amount", "type": "number"}},
        "required": ["amount"],
        "title": "pay_arguments",
        "type": "object",
    },
    "effect": "once",
    "requiresApproval": "always",
    "userInputFields": [],
    "external": False,
    "digest": "a84f6e93bbee28c742ffdc80900577ba",
}
_MEMBER: dict[str, Json] = {
    "id": "per_01m8",
    "email": "ana@example.com",
    "name": "Ana",
    "role": "operator",
    "disabledAt": None,
    "createdAt": "2026-11-23T12:00:00.000000Z",
}
_INVITATION: dict[str, Json] = {
    "id": "inv_01m8",
    "email": "bo@example.com",
    "role": "operator",
    "status": "open",
    "createdBy": "ana@example.com",
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "expiresAt": "2026-11-23T12:00:00.000000Z",
    "acceptedAt": None,
}
_KEY: dict[str, Json] = {
    "id": "key_01m8",
    "name": "shop",
    "shown": "sayso_live_01m8_…GElE",
    "scopes": [{"agentId": "agt_01m8", "triggerId": None}],
    "status": "active",
    "createdBy": "ana@example.com",
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "expiresAt": None,
    "revokedAt": None,
    "lastUsedAt": None,
}
_ME: dict[str, Json] = {
    "type": "person",
    "id": "per_01m8",
    "email": "ana@example.com",
    "name": "Ana",
    "role": "operator",
    "scopes": None,
    "via": "cli",
    "abilities": ["see_tasks", "decide_tasks", "see_runs_of_tasks", "see_guard"],
    "workspace": {"id": "default", "name": "Default"},
    "workspaces": [{"id": "default", "name": "Default", "role": "operator"}],
}
_BROWSER: dict[str, Json] = {
    "id": "ses_01m8",
    "name": "browser",
    "workspaceId": "default",
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "expiresAt": "2026-11-23T12:00:00.000000Z",
    "lastUsedAt": "2026-11-23T12:00:00.000000Z",
    "current": True,
}
_TOKEN: dict[str, Json] = {
    "id": "tok_01m8",
    "name": "laptop",
    "workspaceId": "default",
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "expiresAt": "2026-11-23T12:00:00.000000Z",
    "lastUsedAt": "2026-11-23T12:00:00.000000Z",
}
_WORKSPACE: dict[str, Json] = {
    "id": "default",
    "name": "Default",
    "status": "active",
    "settings": {
        "developersManageSecrets": False,
        "operatorsSeeSessions": False,
        "startersMayDecide": True,
        "limits": {"maxToolCallsCeiling": None, "maxActiveSeconds": None, "waitBudgetSeconds": None, "maxAgents": None},
    },
    "createdAt": "2026-11-23T12:00:00.000000Z",
    "updatedAt": "2026-11-23T12:00:00.000000Z",
}
_ROW: dict[str, Json] = {
    "workspace": "default",
    "seq": 1,
    "at": "2026-11-23T12:00:00.000000Z",
    "by": {"type": "user", "id": "ana@example.com", "via": "ui"},
    "action": "agent.blocked",
    "target": "agt_01m8",
    "data": {"reason": "It pays too much."},
    "hash": "90c6d991973956bf8e1aaf09f99006bab34388e9115b9ed54284bd116d0683e8",
    "prevHash": "0000000000000000000000000000000000000000000000000000000000000000",
}
_EVIDENCE: Json = {
    "format": "sayso/evidence/v1",
    "made_at": "2026-11-23T12:00:00+00:00",
    "manifest": {
        "algorithm": "SHA-256 over JSON with sorted keys, without spaces, in UTF-8",
        "parts": {"audit": "05a4183be7030590ca9b87d41c0c42b657a5b00767ffd0011ee867c4922b75f6"},
    },
    "parts": {"audit": {"chain": {"anchor": None, "broken": None, "rows": 0}, "rows": []}},
}
_LINE = '{"workspace": "default", "seq": 1, "action": "agent.blocked", "target": "agt_01m8", ...}\n'


def _listed(item: Json) -> Json:
    return {"items": [item], "total": 1}


MANAGED: dict[str, Json] = {
    "operations": _listed(_OPERATION),
    "agent": _AGENT,
    "agents": _listed(_AGENT),
    "version": _VERSION,
    "saved": {**_VERSION, "warnings": []},
    "versions": _listed(_VERSION),
    "trigger": _TRIGGER,
    "triggers": _listed(_TRIGGER),
    "member": _MEMBER,
    "members": _listed(_MEMBER),
    "accepted": {**_MEMBER, "signedIn": True},
    "disabled": {"id": "per_01m8", "disabledAt": "2026-11-23T12:00:00.000000Z"},
    "enabled": {"id": "per_01m8", "disabledAt": None},
    "ended": {"ended": 2},
    "invitations": _listed(_INVITATION),
    "invited": {**_INVITATION, "secret": "sayso_inv_...", "link": "https://sayso.example/join?once=sayso_inv_..."},
    "keys": _listed(_KEY),
    "made_key": {**_KEY, "key": "sayso_live_01m8_..."},
    "me": _ME,
    "browsers": _listed(_BROWSER),
    "tokens": _listed(_TOKEN),
    "made_token": {**_TOKEN, "token": "sayso_cli_..."},
    "workspace": _WORKSPACE,
    "audit": {"items": [_ROW], "nextAfter": None},
    "verified": {
        "ok": True,
        "rows": 1,
        "anchor": {"seq": 1, "hash": "90c6d991973956bf8e1aaf09f99006bab34388e9115b9ed54284bd116d0683e8"},
        "anchored": False,
        "broken": None,
    },
    "audit_lines": _LINE,
    "evidence": _EVIDENCE,
}
"""By name."""
