"""What the page of one agent shows, read and put together; no rule is made here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sayso.core.reviewing import Weighed
from sayso.core.roles import allows
from sayso.core.versions import unsupported
from sayso.model.registry import AgentId, AgentRecord, Trigger, VersionId, VersionRecord
from sayso.model.registryerrors import VersionNotFound
from sayso.model.sessions import SessionFilter, SessionPage
from sayso.model.tasks import MOST_EXTENSIONS
from sayso.programs.agent.tools import Tool
from sayso.server.service import Asking, Service
from sayso.web.agents.gating import Gated, gated
from sayso.web.burden import BurdenView, burden_view
from sayso.web.fields import Fields
from sayso.web.inputs import InputForm, form_of
from sayso.web.periods import Period, period
from sayso.web.preferring import preferences_of
from sayso.web.rendering import is_part
from sayso.web.wording import lasting

RUNS = 20
"""How many runs a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """One page of an agent's sessions."""

    found: SessionPage
    page: int
    snapshot: bool
    """Whether only those of the selected version are shown."""

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.found.total // RUNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """Everything of one agent."""

    agent: AgentRecord
    versions: Sequence[VersionRecord]
    version: VersionRecord | None
    """The one that is looked at."""
    operations: Sequence[Gated]
    limits: Sequence[tuple[str, str]]
    missing: Sequence[str]
    """What the version relies on that this release does not carry out."""
    triggers: Sequence[Trigger]
    runs: Runs | None
    """None for those who may not see sessions."""
    burden: BurdenView
    waiting: int
    """How many of its runs wait for people."""
    form: InputForm

    @property
    def live(self) -> bool:
        """Whether the selected version is the deployed one."""
        return self.version is not None and self.version.id == self.agent.deployed_version_id

    @property
    def deployed(self) -> VersionRecord | None:
        """The version that is live."""
        return next((one for one in self.versions if one.id == self.agent.deployed_version_id), None)

    @property
    def back(self) -> bool:
        """Whether deploying the selected version goes back to an older one."""
        deployed = self.deployed
        return deployed is not None and self.version is not None and self.version.created_at < deployed.created_at

    @property
    def deployable(self) -> bool:
        """Whether the selected version may go live: of code, the newest alone."""
        if self.version is None or self.live:
            return False
        newest = max(version.updated_at for version in self.versions)
        return self.agent.origin == "data" or self.version.updated_at == newest


async def agent_view(
    asked: Asking, agent_id: str, *, version_id: str, page: int, snapshot: bool, sent: Fields | None
) -> AgentView:
    """Read what the page of an agent shows.

    Args:
        asked: Who looks.
        agent_id: The agent.
        version_id: The version that is looked at; the live one by default.
        page: Which page of its runs.
        snapshot: Whether only runs of that version are wanted.
        sent: What was written in a form of the page that was refused.

    Raises:
        AgentNotFound: There is none of this id in the workspace.
        VersionNotFound: It has no such version.
    """
    agent = await asked.agent(agent_id)
    service, workspace = asked.service, asked.principal.workspace.id
    versions = await service.registry.list_versions(workspace, agent.id)
    version = _selected(agent, versions, version_id)
    body: Mapping[str, Any] = {} if version is None else version.body
    month = period("30d", asked.now, preferences_of(asked.request).zone)
    decided = await decided_of(asked, agent.program, month)
    waiting = await service.measures.runs_waiting(workspace)
    return AgentView(
        agent=agent,
        versions=versions,
        version=version,
        operations=_operations(service, agent, body),
        limits=limits_of(body) if body else (),
        missing=unsupported(body),
        triggers=await service.registry.list_triggers(workspace, AgentId(agent.id)),
        runs=await runs_of(asked, agent, version, page=page, snapshot=snapshot),
        burden=burden_view(decided, month),
        waiting=waiting.get(agent.program, 0),
        form=form_of(body.get("inputSchema"), sent),
    )


async def decided_of(asked: Asking, program: str, month: Period) -> Sequence[Weighed]:
    """Return the decisions of a period; none where only the part of the page that lives is fetched anew."""
    if is_part(asked.request):
        return ()
    return await asked.service.measures.decided(asked.principal.workspace.id, since=month.since, program=program)


async def runs_of(
    asked: Asking, agent: AgentRecord, version: VersionRecord | None, *, page: int, snapshot: bool
) -> Runs | None:
    """Return one page of an agent's sessions; None for those who may not see them."""
    if not allows(asked.principal, "see_sessions"):
        return None
    only = version.id if snapshot and version is not None else None
    wanted = SessionFilter(program=agent.program, version_id=only)
    found = await asked.service.sessions.page(wanted, asked.reach, limit=RUNS, skip=(page - 1) * RUNS)
    return Runs(found=found, page=page, snapshot=snapshot)


def tools_of(service: Service, agent: AgentRecord) -> Mapping[str, Tool]:
    """Return the operations that an agent's versions can name, as this process has loaded them."""
    if agent.origin == "data":
        return service.operations
    loaded = service.loaded.get(agent.program)
    return {} if loaded is None else loaded.tools


def limits_of(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the limits of a version in words; what sets no limit is left out."""
    spans = ("maxSessionDurationSec", "maxActiveDurationSec", "waitBudgetSec", "questionTimeoutSec")
    found: list[tuple[str, str]] = []
    for name, said in _LIMITS.items():
        value = body.get(name)
        if value is not None:
            found.append((said, lasting(float(value)) if name in spans else f"{value:,}"))
    if body.get("questionTimeoutSec") is not None:
        found.append(("Extensions of that time", str(body.get("questionExtensions", MOST_EXTENSIONS) or "none")))
        found.append(("When nobody answers a question", _UNANSWERED.get(str(body["onQuestionTimeout"]), "?")))
    return found


_LIMITS = {
    "maxIterations": "Model turns in a run",
    "maxToolCalls": "Tool calls in a run",
    "maxTokensPerRun": "Tokens in a run",
    "maxSessionTokens": "Tokens in a session",
    "maxSessionDurationSec": "Time of a run, waiting included",
    "maxActiveDurationSec": "Time at work in a session",
    "waitBudgetSec": "Waits for a time, together",
    "questionTimeoutSec": "A question to people waits for",
    "historyRuns": "Earlier runs told to the model",
}
_UNANSWERED = {
    "skip": "the model is told so",
    "reject": "the model is told so, as a rejection",
    "cancel": "the run is cancelled",
}


def _operations(service: Service, agent: AgentRecord, body: Mapping[str, Any]) -> list[Gated]:
    tools = tools_of(service, agent)
    names = cast("Sequence[str]", body.get("allowedOperationIds", ()))
    return [gated(name, tools.get(name), agent.mode) for name in names]


def _selected(agent: AgentRecord, versions: Sequence[VersionRecord], version_id: str) -> VersionRecord | None:
    """Return the version that is looked at: the named one, else the live one, else the newest.

    Raises:
        VersionNotFound: The named one does not exist.
    """
    wanted = version_id or agent.deployed_version_id
    found = next((version for version in versions if version.id == wanted), None)
    if found is None and version_id:
        raise VersionNotFound(f"Expected a version {VersionId(version_id)} of '{agent.name}', but there is none.")
    return found or (versions[0] if versions else None)
