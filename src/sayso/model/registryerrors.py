"""What the registry refuses: the part of the error tree (model/errors.py) about agents, versions and triggers."""

from collections.abc import Sequence

from sayso.model.errors import Conflict, Invalid, NotFound
from sayso.model.registry import Problem


class AgentNotFound(NotFound):
    """No agent of this workspace has this id."""

    code = "agent_not_found"
    hint = "Check the id; agents of other workspaces are not seen."


class VersionNotFound(NotFound):
    """No version of this agent has this id."""

    code = "version_not_found"
    hint = "List the agent's versions."


class TriggerNotFound(NotFound):
    """No trigger of this agent has this id."""

    code = "trigger_not_found"
    hint = "List the agent's triggers."


class ChangedMeanwhile(Conflict):
    """Somebody has saved since the caller read; nothing was overwritten."""

    code = "changed_meanwhile"
    hint = "Read it again, and save on top of what it is now."


class DuplicateName(Conflict):
    """Another one has this name."""

    code = "duplicate_name"
    hint = "Choose another name."


class DuplicateLabel(Conflict):
    """Another version of the agent has this label."""

    code = "duplicate_label"
    hint = "Choose another versionLabel."


class VersionDeployed(Conflict):
    """What is deployed is neither edited nor deleted."""

    code = "version_deployed"
    hint = "Clone the version and edit the copy, or retract the deployment first."


class AgentIsCode(Conflict):
    """The agent is loaded from code, which alone writes its name, mode and versions."""

    code = "agent_is_code"
    hint = "Change the module that defines it, and load it again; blocking works here too."


class AgentHasOpenSessions(Conflict):
    """Runs of the agent have not ended."""

    code = "agent_has_open_sessions"
    hint = "Mark its sessions complete or terminate them first."


class PauseRulesPresent(Conflict):
    """A version has a rule that pauses, and a Request agent has nobody to pause for."""

    code = "pause_rules_present"
    hint = "Take the rules out of the named versions, or delete these."


class TriggersPresent(Conflict):
    """The agent has triggers, and a sub-agent is started by its parents alone."""

    code = "triggers_present"
    hint = "Delete the triggers first."


class TriggerTypeUnsupported(Conflict):
    """This release makes no triggers of this type."""

    code = "trigger_type_unsupported"
    hint = "Make a trigger of type 'api', and start runs by it from what keeps the schedule or receives the event."


class ApiTriggerExists(Conflict):
    """The agent has its API trigger already."""

    code = "api_trigger_exists"
    hint = "An agent has one API trigger at most: change that one with PATCH, or delete it first."


class NotStartable(Conflict):
    """No run of the agent starts now."""

    code = "not_startable"


class NoDeployedVersion(NotStartable):
    """Nothing of the agent is deployed."""

    code = "no_deployed_version"
    hint = "Deploy a version, or test-run one."


class AgentBlocked(NotStartable):
    """The agent is blocked until somebody has reviewed it; what runs goes on."""

    code = "agent_blocked"
    hint = "Unblock it, with a note, once its reason is settled."


class TriggerInactive(NotStartable):
    """The trigger is switched off."""

    code = "trigger_inactive"
    hint = "Activate the trigger."


class SubAgentNotStartable(NotStartable):
    """A sub-agent is started by its parents alone, and has no triggers; a test run works."""

    code = "sub_agent_not_startable"
    hint = "Start the parent, or change the agent's mode."


class WorkspaceSuspended(NotStartable):
    """In a suspended workspace no run starts; what runs goes on, and people may still decide."""

    code = "workspace_suspended"
    hint = "Ask an owner to make the workspace active again."


class WorkspaceLimited(Conflict):
    """The workspace has as many as it may have."""

    code = "workspace_limited"
    hint = "Delete what is not needed, or have the limit raised."


class NotSupportedYet(Conflict):
    """The version relies, for its safety, on something that this release does not carry out: it is not run without."""

    code = "not_supported_yet"
    hint = "Switch the named settings off; saving them is allowed."


class InvalidData(Invalid):
    """What was to be saved does not fit; each problem has a pointer and a code."""

    code = "invalid_data"

    def __init__(self, message: str, *, problems: Sequence[Problem]) -> None:
        super().__init__(f"{message}: {'; '.join(map(str, problems))}.", problems=tuple(problems))
        self.problems = tuple(problems)


class InvalidAgent(InvalidData):
    """The agent does not fit; each problem has a pointer and a code."""

    code = "invalid_agent"
    hint = "Mend what the problems point at; nothing was saved."


class InvalidVersion(InvalidData):
    """The version does not fit; each problem has a pointer and a code."""

    code = "invalid_version"
    hint = "Mend what the problems point at; nothing was saved."


class InvalidTrigger(InvalidData):
    """The trigger does not fit; each problem has a pointer and a code."""

    code = "invalid_trigger"
    hint = "Mend what the problems point at; nothing was saved."


class InvalidInput(Invalid):
    """The input does not fit the version's input schema; no run was started."""

    code = "input_schema_violation"
    hint = "Send an input that fits the inputSchema of the version."
