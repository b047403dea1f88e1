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
    │   ├── DeadlineFixed        there is no more time to be had for the task
    │   ├── DeadlineMoved        the deadline is not the one that was shown
    │   ├── TaskChanged          the digest is not that of what is stored
    │   ├── TaskUnreadable       this version cannot read what is asked
    │   ├── RunNotPaused         there is nothing to continue
    │   ├── RunExists            the run id is taken
    │   ├── TaskClaimed          another person is on it
    │   ├── TaskNotPending       the task is decided, or its run dropped it
    │   ├── NotWaiting           the run does not wait for what was sent
    │   │   └── RunWaitingForTask
    │   ├── ChangedMeanwhile     somebody saved since the caller read
    │   ├── DuplicateName        another agent or trigger has the name
    │   ├── DuplicateLabel       another version of the agent has the label
    │   ├── VersionDeployed      what is deployed is neither edited nor deleted
    │   ├── AgentIsCode          its versions are written by code
    │   ├── AgentHasOpenSessions
    │   ├── PauseRulesPresent    a Request agent cannot have them
    │   ├── TriggersPresent      a sub-agent cannot have them
    │   ├── ApiTriggerExists     an agent has one at most
    │   ├── TriggerTypeUnsupported this release makes none of this type
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
    │   ├── AddressNotAllowed    the trigger does not let this address in
    │   └── PeopleOnly           only a person, signed in, may decide this
    ├── TooMany                  more than may be, for now
    │   ├── TooManyGuesses       wrong secrets from one address
    │   ├── RateLimited          starts by a trigger
    │   └── ConcurrencyLimited   runs of a trigger at work
    ├── Invalid
    │   ├── BadRequest           the request contradicts itself
    │   │   └── WaitNotRunning   the run does not wait for a time
    │   ├── InputTooLarge        the input is larger than the trigger takes
    │   ├── InvalidInput         the input does not fit the agent's schema
    │   ├── InvalidDecision      the answer does not fit the task; the task stays pending
    │   ├── UnresolvedTasks      continuing without any decision
    │   ├── InvalidCompletion    the fields do not fit the kind of task; it stays pending
    │   │   └── ApprovedRequired an approval without a yes or a no
    │   ├── NotAssignable        nobody of this address may decide the task
    │   ├── KeyReused            an Idempotency-Key came with another request before
    │   ├── InvalidData          carries its problems
    │   │   ├── InvalidAgent
    │   │   ├── InvalidVersion
    │   │   └── InvalidTrigger
    │   ├── UnstorableValue      a value that cannot be stored; names the step and the type
    │   ├── UnreadableValue      a stored value that cannot be restored
    │   ├── SettingRefused       a setting that is unknown or does not fit
    │   └── NotRemote            done at the machine that holds the database, not over a server
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

What the registry refuses (agents, versions, triggers, starting runs of them) is in model/registryerrors.py.

Each leaf has a stable `code`, an HTTP `status`, and a `hint`: the next thing to do. Those that a caller may expect from
a plain Python API are `ValueError`s too. Pauses are not here: they derive from `BaseException` (programs/context.py),
so that no `except Exception` can swallow one.
"""

from datetime import datetime
from typing import ClassVar


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


class DeadlineFixed(Conflict):
    """The task has no deadline, a hard one, or one that was extended as often as it may be."""

    code = "deadline_fixed"
    hint = "Decide the task before its deadline, or leave it to what on_timeout says."


class DeadlineMoved(Conflict):
    """The deadline is no longer the one that was shown: somebody has extended it since."""

    code = "deadline_moved"
    hint = "Look again: there is more time than was shown; extend that, if it is still too little."


class TaskClosed(Conflict):
    """The run ended or dropped the task before it was decided."""

    code = "task_closed"
    hint = "Nothing is left to decide; `sayso runs show` tells how the run ended."


class TaskChanged(Conflict):
    """The decision was made on other bytes than the stored ones."""

    code = "task_changed"
    status = 412
    hint = "Load the task again and decide on what it shows now."


class TaskUnreadable(Conflict):
    """The stored question cannot be read by this version, so nobody can be shown what a decision would mean."""

    code = "task_unreadable"
    status = 409
    hint = "Decide it with the version that asked (it may be newer), or cancel the run."


class RunNotPaused(Conflict):
    """The run has ended or is moving by itself: there is nothing to continue."""

    code = "run_not_paused"


class RunExists(Conflict):
    """The run id given by the caller is taken."""

    code = "run_exists"
    hint = "Continue that run, or start with another run_id."


class NotAllowed(SaysoError, ValueError):
    """Whoever asks is known, but may not do this."""

    code = "not_allowed"
    status = 403
    hint = "Ask somebody whose role allows it."


class Invalid(SaysoError, ValueError):
    """The input does not fit; nothing was changed."""

    code = "invalid"
    status = 422
    hint = "Correct the input and try again; nothing was changed."


class InvalidDecision(Invalid):
    """The decision does not fit the task; the task stays pending."""

    code = "invalid_decision"
    hint = "Correct the answer and send it again; the task is still pending."


class UnresolvedTasks(Invalid):
    """A run was to be continued, but none of its pending tasks is decided."""

    code = "unresolved_tasks"
    hint = "Call confirm(), reject(), edit(), select() or set_user_input() on a requirement first."


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
