"""What clients send about agents, versions and triggers. What a version may be is said in core/versions.py alone."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from sayso.api.v1.bodies import Body, Id, Text
from sayso.model.agents import AgentMode

Note = Annotated[str, Field(min_length=1, max_length=2000)]


class CreateAgent(Body):
    """A new agent, with nothing deployed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "refunds", "executionMode": "hitl"}]})
    name: Text
    """Unique in the workspace."""
    execution_mode: AgentMode = Field("hitl", alias="executionMode")


class EditAgent(Body):
    """What is to be changed of an agent; what is not named stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "refunds-eu"}]})
    name: Text | None = None
    execution_mode: AgentMode | None = Field(None, alias="executionMode")


class BlockAgent(Body):
    """Why no run of an agent is to start."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "It refunds what was never paid."}]})
    reason: Note
    note: Note | None = None


class UnblockAgent(Body):
    """Why runs of an agent may start again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "The amounts are checked now."}]})
    note: Note


class VersionFields(RootModel[dict[str, Any]]):
    """Fields of a version, by their names: the table of docs/reference/registry.md."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"versionLabel": "v1", "llmModel": "openai:gpt-5", "instructions": "Be kind."}]}
    )


class Deploy(Body):
    """What whoever deploys has seen."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})
    digest: Text | None = None
    """The version's digest; one that has changed meanwhile is refused."""


class Rollback(Body):
    """The older version to be deployed again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"versionId": "ver_01h2xcejqtf2nbrexx3vqjhp41"}]})
    version_id: Id = Field(alias="versionId")


class Clone(Body):
    """What the copy is called."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"versionLabel": "v2"}]})
    version_label: Text = Field(alias="versionLabel")


class CreateTrigger(Body):
    """A new trigger; this release makes those of type `api`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "shop", "settings": {"rpmLimit": 60}}]})
    type: Literal["api", "scheduled", "event"] = "api"
    name: Text
    active: bool = True
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    """By their names: the table of docs/reference/registry.md."""


class EditTrigger(Body):
    """What is to be changed of a trigger; settings that are not named stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})
    name: Text | None = None
    active: bool | None = None
    settings: dict[str, Any] | None = None
