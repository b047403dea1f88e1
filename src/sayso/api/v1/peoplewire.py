"""People, keys and workspaces in the form that clients see. Secrets are only in the answers that make them.

Every function here is pure.
"""

from datetime import datetime

from sayso.api.v1.taskwire import Plain, at
from sayso.core.roles import TABLE, allows
from sayso.core.secrets import shown
from sayso.model.workspaces import (
    ApiKey,
    Credential,
    Invitation,
    Member,
    Membership,
    Principal,
    Scope,
    Workspace,
    WorkspaceLimits,
)


def principal_json(principal: Principal, places: list[Membership]) -> Plain:
    """Return who asks, what they may do in the active workspace, and where else they are."""
    person, key = principal.person, principal.key
    return {
        "type": "person" if key is None else "api_key",
        "id": principal.id if person is None else person.id,
        "email": None if person is None else person.email,
        "name": key.name if key is not None else None if person is None else person.name,
        "role": principal.role,
        "scopes": None if key is None else [scope_json(scope) for scope in key.scopes],
        "via": principal.via,
        "abilities": [ability for ability in TABLE if allows(principal, ability)],
        "workspace": {"id": principal.workspace.id, "name": principal.workspace.name},
        "workspaces": [membership_json(place) for place in places],
    }


def membership_json(place: Membership) -> Plain:
    """Return a workspace that a person is in."""
    return {"id": place.workspace.id, "name": place.workspace.name, "role": place.role}


def workspace_json(workspace: Workspace) -> Plain:
    """Return a workspace with its switches and limits."""
    settings = workspace.settings
    return {
        "id": workspace.id,
        "name": workspace.name,
        "status": workspace.status,
        "settings": {
            "developersManageSecrets": settings.developers_manage_secrets,
            "operatorsSeeSessions": settings.operators_see_sessions,
            "startersMayDecide": settings.starters_may_decide,
            "limits": _limits(settings.limits),
        },
        "createdAt": at(workspace.created_at),
        "updatedAt": at(workspace.updated_at),
    }


def _limits(limits: WorkspaceLimits) -> Plain:
    return {
        "maxToolCallsCeiling": limits.max_tool_calls_ceiling,
        "maxActiveSeconds": limits.max_active_seconds,
        "waitBudgetSeconds": limits.wait_budget_seconds,
        "maxAgents": limits.max_agents,
    }


def member_json(member: Member) -> Plain:
    """Return a member of the active workspace."""
    person = member.person
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "role": member.role,
        "disabledAt": at(person.disabled_at),
        "createdAt": at(person.created_at),
    }


def invitation_json(invitation: Invitation, now: datetime) -> Plain:
    """Return an invitation, without its secret."""
    expired = invitation.expires_at <= now
    return {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "status": "accepted" if invitation.accepted_at is not None else "expired" if expired else "open",
        "createdBy": invitation.created_by,
        "createdAt": at(invitation.created_at),
        "expiresAt": at(invitation.expires_at),
        "acceptedAt": at(invitation.accepted_at),
    }


def key_json(key: ApiKey, now: datetime) -> Plain:
    """Return an API key, without its secret."""
    expired = key.expires_at is not None and key.expires_at <= now
    return {
        "id": key.id,
        "name": key.name,
        "shown": shown(key),
        "scopes": [scope_json(scope) for scope in key.scopes],
        "status": "revoked" if key.revoked_at is not None else "expired" if expired else "active",
        "createdBy": key.created_by,
        "createdAt": at(key.created_at),
        "expiresAt": at(key.expires_at),
        "revokedAt": at(key.revoked_at),
        "lastUsedAt": at(key.last_used_at),
    }


def scope_json(scope: Scope) -> Plain:
    """Return what a key may reach."""
    return {"agentId": scope.agent_id, "triggerId": scope.trigger_id}


def credential_json(credential: Credential) -> Plain:
    """Return a token or browser session, without its secret."""
    return {
        "id": credential.id,
        "name": credential.name,
        "workspaceId": credential.workspace_id,
        "createdAt": at(credential.created_at),
        "expiresAt": at(credential.expires_at),
        "lastUsedAt": at(credential.seen_at),
    }
