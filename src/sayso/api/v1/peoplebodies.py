"""What clients send about people, keys and workspaces."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from sayso.api.v1.bodies import Body, Id, Text
from sayso.model.workspaces import Role

Email = Annotated[str, Field(min_length=3, max_length=320)]
Name = Annotated[str, Field(max_length=200)]
Limit = Annotated[int, Field(ge=1, le=1_000_000_000)]


class AddMember(Body):
    """Somebody who is to be in the workspace."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ana@example.com", "role": "operator"}]})
    email: Email
    role: Role
    name: Name | None = None


class ChangeMember(Body):
    """A member's new role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "developer"}]})
    role: Role


class Invite(Body):
    """Somebody who is to be invited."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "bo@example.com", "role": "operator"}]})
    email: Email
    role: Role
    expires_in_hours: Annotated[int, Field(ge=1, le=24 * 30)] | None = Field(None, alias="expiresInHours")


class Accept(Body):
    """An invitation that is taken up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"secret": "sayso_inv_...", "name": "Bo"}]})
    secret: Annotated[str, Field(max_length=200)]
    name: Name | None = None


class KeyScope(Body):
    """What a key may reach: the runs of an agent, or only those that one trigger started."""

    agent_id: Id = Field(alias="agentId")
    trigger_id: Id | None = Field(None, alias="triggerId")


class CreateKey(Body):
    """A new API key."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "shop", "scopes": [{"agentId": "agt_01h2xcejqtf2nbrexx3vqjhp41"}]}]}
    )
    name: Name
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=100)]
    expires_at: Annotated[datetime, Field(strict=False)] | None = Field(None, alias="expiresAt")


class CreateToken(Body):
    """A new token of oneself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "laptop"}]})
    name: Name
    expires_in_days: Annotated[int, Field(ge=1, le=366)] | None = Field(None, alias="expiresInDays")


class SwitchWorkspace(Body):
    """The workspace that is to be active."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"workspaceId": "default"}]})
    workspace_id: Id = Field(alias="workspaceId")


class CreateWorkspace(Body):
    """A new workspace."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Refunds"}]})
    name: Text


class LimitsPatch(Body):
    """Limits that are to be changed; null is none, and what is not named stays as it is."""

    max_tool_calls_ceiling: Limit | None = Field(None, alias="maxToolCallsCeiling")
    max_active_seconds: Annotated[float, Field(gt=0)] | None = Field(None, alias="maxActiveSeconds")
    wait_budget_seconds: Annotated[float, Field(gt=0)] | None = Field(None, alias="waitBudgetSeconds")
    max_agents: Limit | None = Field(None, alias="maxAgents")


class SettingsPatch(Body):
    """Switches and limits that are to be changed; what is not named stays as it is."""

    developers_manage_secrets: bool = Field(default=False, alias="developersManageSecrets")
    operators_see_sessions: bool = Field(default=False, alias="operatorsSeeSessions")
    starters_may_decide: bool = Field(default=True, alias="startersMayDecide")
    limits: LimitsPatch = LimitsPatch.model_validate({})


class ChangeWorkspace(Body):
    """What is to be changed of the active workspace."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"settings": {"limits": {"maxAgents": 20}}}]})
    name: Text | None = None
    settings: SettingsPatch | None = None


def given(body: Body) -> dict[str, Any]:
    """Return the fields of a body that were sent, by their names in Python."""
    return {name: getattr(body, name) for name in body.model_fields_set}
