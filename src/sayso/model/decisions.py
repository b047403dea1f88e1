"""Decisions: what a person (or a deadline) answered.

A verdict is what was said; a `Decision` is the verdict as recorded, with its author and with the action that
the run takes. The action is settled when the decision is made, from the policies that were shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sayso.model.actors import Actor
from sayso.model.ids import RunId, TaskId
from sayso.model.json import Json
from sayso.model.tasks import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Go ahead as shown."""

    verdict: Literal["approve"] = "approve"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Do not go ahead; what follows is the task's `on_reject`, or the end of the run with `cancel_run`."""

    verdict: Literal["reject"] = "reject"
    note: str | None = None
    cancel_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Go ahead with this content in place of the one shown (the codec's JSON form)."""

    verdict: Literal["edit"] = "edit"
    content: Json
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """These are the values asked for, by field name."""

    verdict: Literal["answer"] = "answer"
    values: Mapping[str, Json]
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """Take this way, or these ways in this order."""

    verdict: Literal["choose"] = "choose"
    choices: tuple[str, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try the failed step again."""

    verdict: Literal["retry"] = "retry"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Go on without the step."""

    verdict: Literal["skip"] = "skip"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End the run (what a deadline with on_timeout='cancel' says)."""

    verdict: Literal["cancel"] = "cancel"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """Do not run the call: this is told to the agent in the place of its result."""

    verdict: Literal["respond"] = "respond"
    value: Json
    note: str | None = None


Verdict: TypeAlias = Approve | Reject | Edit | Answer | Respond | Choose | Retry | Skip | Cancel
"""Everything that can be said to a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run takes from a decided task: what to do next, and the values that came with it."""

    action: Action
    verdict: str
    note: str | None = None
    content: Json = None
    """The edited content, in the codec's JSON form."""
    edited: bool = False
    values: Mapping[str, Json] | None = None
    choices: tuple[str, ...] = ()
    reason: str | None = None
    """Why the action differs from the verdict, e.g. a used-up number of retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One recorded decision."""

    task_id: TaskId
    run_id: RunId
    key: str
    outcome: Outcome
    by: Actor
    at: datetime
    digest: str
    """The digest of what was shown."""
    bound: str
    """The digest of what was shown and what was said."""
    metadata: Json = None
    """What whoever decided has attached, for itself."""
    summary: str | None = None
    """What was answered, in one line."""
