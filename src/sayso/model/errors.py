"""The error tree: every refusal of Sayso, named after a fact.

    SaysoError
    ├── NotFound
    │   ├── RunNotFound
    │   ├── TaskNotFound
    │   ├── SessionNotFound
    │   ├── WorkflowNotFound
    │   ├── AgentNotFound
    │   ├── VersionNotFound
    │   ├── TriggerNotFound
    │   ├── WorkspaceNotFound
    │   ├── PersonNotFound
    │   ├── InvitationNotFound
    │   ├── TokenNotFound
    │   └── KeyNotFound
    ├── Conflict
    │   ├── AlreadyDecided       someone was faster; carries their decision
    │   ├── TaskExpired          the deadline passed before the decision
    │   ├── TaskClosed           the run ended and dropped the task
    │   ├── TaskChanged          the digest is not that of what is stored
    │   ├── RunNotPaused         there is nothing to continue
    │   ├── RunExists            the run id is taken
    │   ├── TaskClaimed          another person is on it
    │   ├── NotWaiting           the run does not wait for what was sent
    │   ├── ChangedMeanwhile     somebody saved since the caller read
    │   ├── DuplicateName        another agent or trigger has the name
    │   ├── DuplicateLabel       another version of the agent has the label
    │   ├── VersionDeployed      what is deployed is neither edited nor deleted
    │   ├── AgentIsCode          its versions are written by code
    │   ├── AgentHasOpenSessions
    │   ├── PauseRulesPresent    a Request agent cannot have them
    │   ├── TriggersPresent      a sub-agent cannot have them
    │   ├── ApiTriggerExists     an agent has one at most
    │   ├── NotStartable         why no run of an agent starts
    │   │   ├── NoDeployedVersion
    │   │   ├── AgentBlocked
    │   │   ├── TriggerInactive
    │   │   ├── SubAgentNotStartable
    │   │   └── WorkspaceSuspended
    │   ├── WorkspaceLimited     the workspace may have no more of it
    │   ├── NotSupportedYet      the version relies on what this release does not do
    │   ├── AlreadyMember        the person is in the workspace
    │   └── LastOwner            nobody would be left to own the workspace
    ├── NotAllowed               known, but not allowed
    │   ├── Forbidden            names the ability that is missing
    │   ├── OutOfScope           the key's scopes do not reach it
    │   ├── OwnRun               whoever started a run may not decide its tasks
    │   └── PeopleOnly           only a person, signed in, may decide this
    ├── Invalid
    │   ├── BadRequest           the request contradicts itself
    │   │   └── WaitNotRunning   the run does not wait for a time
    │   ├── InvalidInput         the input does not fit the agent's schema
    │   ├── InvalidDecision      the answer does not fit the task; the task stays pending
    │   ├── UnresolvedTasks      continuing without any decision
    │   ├── InvalidCompletion    the fields do not fit the kind of task; it stays pending
    │   │   └── ApprovedRequired an approval without a yes or a no
    │   ├── KeyReused            an Idempotency-Key came with another request before
    │   ├── InvalidData          carries its problems
    │   │   ├── InvalidAgent
    │   │   ├── InvalidVersion
    │   │   └── InvalidTrigger
    │   ├── UnstorableValue      a value that cannot be stored; names the step and the type
    │   ├── UnreadableValue      a stored value that cannot be restored
    │   └── SettingRefused       a setting that is unknown or does not fit
    ├── Unauthenticated          nothing proves who this is; never says why
    ├── NotInvited               an identity that is proven, but has no place here
    ├── SignInRefused            the answer of the identity provider does not hold
    ├── IdentityProviderDown     the identity provider cannot be reached
    ├── DefinitionChanged        the code lost a step that the run stands on
    ├── ProgramUnknown           no registered program has this name
    ├── StepFailed               a step raised, and its policy is to fail
    ├── JournalCorrupt           a journal contradicts itself
    ├── LedgerConflict           a stored row is not what was shown or approved; nothing was executed
    ├── LeaseLost                another worker has taken the run; nothing done here counts
    ├── RequestRefused           the request itself is refused, whatever it asks for
    │   ├── InvalidJson          the body is not one plain JSON value
    │   ├── InvalidRequest       the body or a parameter does not have the form that the route takes
    │   ├── UnsupportedMediaType the body is not called JSON
    │   ├── BodyTooLarge         the body is above the limit
    │   ├── BodyTooSlow          the body did not arrive in time
    │   ├── HeadTooLarge         too many or too long headers, path or query
    │   ├── HostRefused          the request was sent to another name
    │   ├── CrossSite            a page of another site sent it
    │   ├── MethodOverridden     it says to be another method than it is
    │   ├── RouteUnknown         there is nothing at this path
    │   ├── MethodNotAllowed     there is something, but not for this method
    │   └── MetricsHidden        the figures are for this machine, or for those who have the token
    ├── Unexpected               a mistake of ours; the log tells more
    ├── NotReady                 the service cannot take work now
    ├── AddressTaken             another process listens there
    ├── AddressUnprotected       others could reach it, and nobody would have to sign in
    └── StoreError
        ├── StoreUnavailable     the database cannot be opened, is full, or stays locked
        ├── StoreTooNew          the file was written by a newer Sayso
        └── UnsafeSqlite         this SQLite may corrupt a WAL file with several writers

Each leaf has a stable `code`, an HTTP `status`, and a `hint`: the next thing to do. Those that a caller may expect from
a plain Python API are `ValueError`s too. Pauses are not here: they derive from `BaseException` (programs/context.py),
so that no `except Exception` can swallow one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sayso.model.registry import Problem


class SaysoError(Exception):
    """Base of every error that Sayso raises on purpose.

    Args:
        message: What was expected and what came instead.
        hint: The next thing to do, where it differs from the class's own hint.
        facts: Ids and values, kept as attributes in `facts` for machines.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    hint: str = "See docs/reference/errors.md."

    def __init__(self, message: str, *, hint: str | None = None, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} Hint: {self.hint}"


class NotFound(SaysoError, ValueError):
    """Nothing with this id exists in the store."""

    code = "not_found"
    status = 404
    hint = "Check the id and that the same database is open."


class RunNotFound(NotFound):
    """No run has this id."""

    code = "run_not_found"


class TaskNotFound(NotFound):
    """No user task has this id."""

    code = "task_not_found"
    hint = "List what is pending with `sayso tasks ls`."


class SessionNotFound(NotFound):
    """No session has this id."""

    code = "session_not_found"


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


class WorkflowNotFound(NotFound):
    """This server has no workflow of this name."""

    code = "workflow_not_found"
    hint = "List the workflows; name them when the server is started."


class Conflict(SaysoError, ValueError):
    """The state has moved on since the caller looked."""

    code = "conflict"
    status = 409
    hint = "Read the current state and decide again."


class AlreadyDecided(Conflict):
    """Someone was faster; the first valid decision counts."""

    code = "already_decided"
    hint = "Nothing is left to do; `sayso tasks show` tells who decided what."

    def __init__(self, task_id: str, *, by: str, at: datetime, verdict: str) -> None:
        super().__init__(
            f"Expected to decide task {task_id}, but {by} already decided it ({verdict}) at {at.isoformat()}.",
            task_id=task_id,
            by=by,
            at=at,
            verdict=verdict,
        )
        self.task_id = task_id
        self.by = by
        self.at = at
        self.verdict = verdict


class TaskExpired(Conflict):
    """The deadline passed before the decision arrived."""

    code = "task_expired"
    status = 410
    hint = "The task's on_timeout is carried out instead; start again if the outcome is not wanted."


class TaskClosed(Conflict):
    """The run ended or dropped the task before it was decided."""

    code = "task_closed"
    hint = "Nothing is left to decide; `sayso runs show` tells how the run ended."


class TaskChanged(Conflict):
    """The decision was made on other bytes than the stored ones."""

    code = "task_changed"
    status = 412
    hint = "Load the task again and decide on what it shows now."


class RunNotPaused(Conflict):
    """The run has ended or is moving by itself: there is nothing to continue."""

    code = "run_not_paused"


class RunExists(Conflict):
    """The run id given by the caller is taken."""

    code = "run_exists"
    hint = "Continue that run, or start with another run_id."


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


class ApiTriggerExists(Conflict):
    """The agent has its API trigger already."""

    code = "api_trigger_exists"
    hint = "Edit that one, or delete it first."


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


class TaskClaimed(Conflict):
    """Another person has said to be on this task, and still is."""

    code = "user_task_claimed"
    hint = "Wait until the claim ends, ask for its release, or let an admin decide."


class NotWaiting(Conflict):
    """The run does not wait for what was sent."""

    code = "run_not_waiting"
    hint = "Read the run: it says what it waits for."


class NotAllowed(SaysoError, ValueError):
    """Whoever asks is known, but may not do this."""

    code = "not_allowed"
    status = 403
    hint = "Ask somebody whose role allows it."


class OutOfScope(NotAllowed):
    """The key's scopes do not reach this."""

    code = "forbidden_scope"
    hint = "Use a key with the agent (and trigger) among its scopes."


class OwnRun(NotAllowed):
    """Whoever started a run may not decide its tasks."""

    code = "own_run"
    hint = "Let somebody else decide; a key never decides what a run that it started asks."


class PeopleOnly(NotAllowed):
    """Only a person who is signed in may decide this."""

    code = "user_task_dashboard_only"
    hint = "Sign in and decide it there, or on the command line."


class Invalid(SaysoError, ValueError):
    """The input does not fit; nothing was changed."""

    code = "invalid"
    status = 422
    hint = "Correct the input and try again; nothing was changed."


class BadRequest(Invalid):
    """The request contradicts itself, or asks for what cannot be."""

    code = "bad_request"
    status = 400


class WaitNotRunning(BadRequest):
    """The run does not wait for a time."""

    code = "run_not_waiting_for_timer"
    hint = "Read the run: it says what it waits for."


class InvalidDecision(Invalid):
    """The decision does not fit the task; the task stays pending."""

    code = "invalid_decision"
    hint = "Correct the answer and send it again; the task is still pending."


class InvalidCompletion(Invalid):
    """The fields do not fit the kind of task; it stays pending."""

    code = "invalid_completion"
    hint = "Send the field that this kind of task takes; the task is still pending."


class ApprovedRequired(InvalidCompletion):
    """An approval needs an explicit yes or no."""

    code = "approved_required"
    hint = "Send approved: true or approved: false."


class KeyReused(Invalid):
    """An Idempotency-Key came with another request before."""

    code = "idempotency_key_reuse"
    hint = "Use a new key for a new request; repeat a request unchanged."


class UnresolvedTasks(Invalid):
    """A run was to be continued, but none of its pending tasks is decided."""

    code = "unresolved_tasks"
    hint = "Call confirm(), reject(), edit(), select() or set_user_input() on a requirement first."


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


class UnstorableValue(SaysoError, TypeError):
    """A step produced a value that cannot be stored with its type."""

    code = "unstorable_value"
    status = 422
    hint = (
        "Return JSON types, pydantic models, dataclasses, enums, datetime, Decimal, UUID, bytes, set or tuple,"
        " defined at the top level of a module."
    )


class UnreadableValue(SaysoError):
    """A stored value cannot be restored by this code."""

    code = "unreadable_value"
    hint = "Import the module that defines the type before the run is resumed, or restore the type."


class DefinitionChanged(SaysoError, ValueError):
    """The definition lost or changed a step that the run stands on; the run stays as it is."""

    code = "definition_changed"
    status = 409
    hint = "Restore the named steps (or deploy the old definition) and continue, or cancel the run."


class ProgramUnknown(SaysoError, ValueError):
    """No program of this name is registered in this process."""

    code = "program_unknown"
    status = 404
    hint = "Load the module that defines it: `sayso worker module:workflow`."


class StepFailed(SaysoError):
    """A step raised and its policy is to fail; the run ends in ERROR."""

    code = "step_failed"
    hint = "Set on_error='pause' or 'skip' on the step, or mend the cause and start again."

    def __init__(self, key: str, *, error_type: str, error_message: str, run_id: str | None = None) -> None:
        super().__init__(f"Step '{key}' failed with {error_type}: {error_message}.", key=key)
        self.key = key
        self.error_type = error_type
        self.error_message = error_message
        self.run_id = run_id


class JournalCorrupt(SaysoError):
    """A run's journal contradicts itself; the run is left alone."""

    code = "journal_corrupt"
    hint = "Restore the database from a backup; please report how it came about."


class LedgerConflict(SaysoError):
    """A stored row is not what was shown or approved; nothing was executed, and the run is left alone."""

    code = "integrity_violation"
    status = 409
    hint = "Look at the call with: sayso runs show; somebody changed the database by hand, or two workers disagree."


class LeaseLost(SaysoError):
    """Another worker has taken the run; nothing done here counts."""

    code = "lease_lost"
    status = 409
    hint = "Nothing to do: the worker that holds the run goes on with it."


class StoreError(SaysoError):
    """The database refused."""

    code = "store_error"
    status = 503


class StoreUnavailable(StoreError):
    """The database cannot be opened, is full, or stays locked."""

    code = "store_unavailable"
    hint = "Check the path, its permissions and the free space; nothing was written."


class StoreTooNew(StoreError):
    """The file was written by a newer version of Sayso."""

    code = "store_too_new"
    hint = "Upgrade Sayso, or restore the backup that the upgrade made."


class UnsafeSqlite(StoreError):
    """This SQLite library may corrupt a WAL file when several connections write."""

    code = "unsafe_sqlite"
    hint = (
        "Install the wheel `pysqlite3`: pip install 'pysqlite3>=0.6.1';"
        " where it has none, use a Python linked with SQLite 3.51.3 or later."
    )


class Unauthenticated(SaysoError):
    """Nothing proves who this is; an unknown, ended, expired or malformed secret all read the same."""

    code = "unauthenticated"
    status = 401
    hint = "Sign in again, or send a key or token that is in force."

    def __init__(self) -> None:
        super().__init__("Expected proof of who you are, but there is none that counts.")


class Forbidden(NotAllowed):
    """Who this is may not do it."""

    code = "forbidden"
    status = 403
    hint = "Ask somebody who may: docs/reference/roles.md has the table."

    def __init__(self, ability: str, *, who: str, hint: str | None = None) -> None:
        super().__init__(
            f"Expected somebody with the ability {ability}, but {who} does not have it.", hint=hint, ability=ability
        )
        self.ability = ability


class NotInvited(SaysoError):
    """The identity is proven, but nobody has given it a place here."""

    code = "not_invited"
    status = 403
    hint = "Ask an owner or admin for an invitation to the e-mail address that your identity provider has verified."


class SignInRefused(SaysoError):
    """The answer of the identity provider does not hold; nobody was signed in."""

    code = "sign_in_refused"
    status = 401
    hint = "Begin the sign-in again; when that does not help, check the settings of OIDC and the provider's."


class IdentityProviderDown(SaysoError):
    """The identity provider cannot be reached, or does not answer as one."""

    code = "identity_provider_down"
    status = 503
    hint = "Try again in a moment; check that this machine reaches the issuer of the OIDC settings."


class WorkspaceNotFound(NotFound):
    """There is no such workspace, or this person is not in it."""

    code = "workspace_not_found"
    hint = "Check the id, and that you are a member of it."


class PersonNotFound(NotFound):
    """Nobody in this workspace has this id or address."""

    code = "person_not_found"
    hint = "List who is there with `sayso people ls`."


class InvitationNotFound(NotFound):
    """No invitation of this workspace has this id."""

    code = "invitation_not_found"
    hint = "It was revoked, or belongs to another workspace."


class TokenNotFound(NotFound):
    """No token in force has this id."""

    code = "token_not_found"
    hint = "List them with `sayso tokens ls`."


class KeyNotFound(NotFound):
    """No API key of this workspace has this id."""

    code = "key_not_found"
    hint = "List them with `sayso keys ls`."


class AlreadyMember(Conflict):
    """The person is in the workspace."""

    code = "already_member"
    hint = "Change the role instead."


class LastOwner(Conflict):
    """Nobody would be left to own the workspace."""

    code = "last_owner"
    hint = "Make somebody else an owner first."


class RequestRefused(SaysoError):
    """The request itself is refused, whatever it asks for; nothing was changed."""

    code = "request_refused"
    status = 400
    hint = "Correct the request and send it again; nothing was changed."


class InvalidJson(RequestRefused):
    """The body is not one plain JSON value."""

    code = "invalid_json"
    hint = "Send one JSON value in UTF-8: every key once, no NaN, no lone surrogates, nothing behind it."


class InvalidRequest(RequestRefused):
    """The body or a parameter does not have the form that the route takes."""

    code = "invalid_request"
    status = 422
    hint = "`details` tells which fields; their forms are in /openapi.json."


class UnsupportedMediaType(RequestRefused):
    """The body is not called JSON."""

    code = "unsupported_media_type"
    status = 415
    hint = "Send it with the header Content-Type: application/json."


class BodyTooLarge(RequestRefused):
    """The body is above the limit."""

    code = "body_too_large"
    status = 413
    hint = "Send less; the limit is the setting body_limit_bytes."


class BodyTooSlow(RequestRefused):
    """The request did not arrive in time."""

    code = "body_too_slow"
    status = 408
    hint = "Send it again; the time is the setting receive_deadline_seconds."


class HeadTooLarge(RequestRefused):
    """The headers, the path or the query are too many or too long."""

    code = "head_too_large"
    status = 431
    hint = "Send fewer or shorter headers and parameters."


class HostRefused(RequestRefused):
    """The request was sent to a name that is not this service's."""

    code = "host_refused"
    status = 421
    hint = "Call the service by its own name, or add that name to the setting allowed_hosts."


class CrossSite(RequestRefused):
    """A page of another site sent a request that changes something."""

    code = "cross_site"
    status = 403
    hint = "Use the service's own pages, or its API from a program."


class MethodOverridden(RequestRefused):
    """The request says to be another method than it is."""

    code = "method_overridden"
    hint = "Send the method itself, without X-HTTP-Method-Override."


class RouteUnknown(RequestRefused):
    """There is nothing at this path."""

    code = "route_unknown"
    status = 404
    hint = "The paths are in /openapi.json."


class MethodNotAllowed(RequestRefused):
    """There is something at this path, but not for this method."""

    code = "method_not_allowed"
    status = 405
    hint = "The header Allow names the methods of this path."


class MetricsHidden(RequestRefused):
    """The figures are for this machine, or for those who have the token."""

    code = "metrics_hidden"
    status = 403
    hint = "Send Authorization: Bearer and the setting metrics_token; without one, ask from the same machine."


class Unexpected(SaysoError):
    """Something went wrong that should not have; the log tells more under the request id."""

    code = "unexpected"
    hint = "Look for the request id in the log of the service; please report what you find."


class NotReady(SaysoError):
    """The service cannot take work now."""

    code = "not_ready"
    status = 503
    hint = "Try again in a moment; the log of the service tells what is missing."


class SettingRefused(Invalid):
    """A setting is unknown or does not fit."""

    code = "setting_refused"
    hint = "See docs/reference/settings.md; `sayso config` shows what is in force."


class AddressTaken(SaysoError):
    """Another process listens at this address, or it is not this machine's."""

    code = "address_taken"
    hint = "Choose another port with --port, or 0 for any that is free."


class AddressUnprotected(SaysoError):
    """Others could reach the service, and nobody would have to sign in."""

    code = "address_unprotected"
    hint = "Stay on 127.0.0.1, or set oidc.issuer, oidc.client_id and oidc.client_secret."
