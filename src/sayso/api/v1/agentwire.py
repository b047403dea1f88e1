"""Agents, versions, triggers and operations in the form that clients see: camelCase names, as in the reference.

Every function here is pure.
"""

from sayso.api.v1.taskwire import Plain, at
from sayso.core.triggers import settings_wire
from sayso.model.registry import AgentRecord, Problem, SavedVersion, Trigger, VersionRecord
from sayso.programs.agent.tools import Tool


def agent_json(agent: AgentRecord) -> Plain:
    """Return an agent."""
    block = agent.block
    return {
        "id": agent.id,
        "tenantId": agent.workspace_id,
        "name": agent.name,
        "executionMode": agent.mode,
        "origin": agent.origin,
        "llmProviderId": None,
        "deployedVersionId": agent.deployed_version_id,
        "deployedVersionLabel": agent.deployed_label,
        "deployedLlmModel": agent.deployed_model,
        "blockedUntilReviewed": block is not None,
        "blockedReason": None if block is None else block.reason,
        "blockedBy": None if block is None else block.by,
        "blockedByIncidentId": None,
        "blockedAt": None if block is None else at(block.at),
        "createdAt": at(agent.created_at),
        "updatedAt": at(agent.updated_at),
    }


def version_json(version: VersionRecord) -> Plain:
    """Return a version: every field by its wire name, and around them what the registry says of it."""
    return {
        **version.body,
        "id": version.id,
        "agentId": version.agent_id,
        "status": version.status,
        "digest": version.digest,
        "createdBy": version.created_by,
        "createdAt": at(version.created_at),
        "updatedAt": at(version.updated_at),
    }


def saved_json(saved: SavedVersion) -> Plain:
    """Return a version as it was saved, with what was changed on the way."""
    return {**version_json(saved.version), "warnings": [problem_json(item) for item in saved.warnings]}


def problem_json(problem: Problem) -> Plain:
    """Return one warning."""
    return {"pointer": problem.pointer, "code": problem.code, "message": problem.message}


def trigger_json(trigger: Trigger) -> Plain:
    """Return a trigger."""
    return {
        "id": trigger.id,
        "agentId": trigger.agent_id,
        "type": trigger.kind,
        "kind": trigger.kind,
        "name": trigger.name,
        "active": trigger.active,
        "settings": settings_wire(trigger.settings),
        "lastFiredAt": at(trigger.last_fired_at),
        "createdAt": at(trigger.created_at),
        "updatedAt": at(trigger.updated_at),
    }


def operation_json(tool: Tool) -> Plain:
    """Return an operation: what a model is told of it, what it may do, and whether a person is asked before."""
    return {
        "id": tool.name,
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.schema(),
        "effect": str(tool.effect),
        "requiresApproval": _gate(tool),
        "userInputFields": list(tool.user_input_fields),
        "external": tool.external,
        "digest": tool.digest,
    }


def _gate(tool: Tool) -> str:
    """Return whether calls wait for a person: always, never, or as a condition in code says of each call."""
    if callable(tool.approval):
        return "sometimes"
    return "always" if tool.approval else "never"
