"""What commands from outside say about secret arguments: sealed before it is stored, opened for one person at a time.

What a program seals is kept with its journal (passes.py).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, cast

from sayso.core.answers import Refused
from sayso.core.confiding import SALT, Vault, kept, masks_left, says_secret, sealed_at
from sayso.core.reviewing import call_of
from sayso.core.verdicts import settle
from sayso.model.actors import Actor
from sayso.model.decisions import Answer, Edit, Outcome, Verdict
from sayso.model.errors import Invalid
from sayso.model.ids import RunId
from sayso.model.json import Json
from sayso.model.tasks import ApprovalRequest, FormRequest, UserTask
from sayso.runtime.auditing import write_down
from sayso.runtime.integrity import refuse_changed_question
from sayso.runtime.ports import Transaction

J = TypeVar("J", bound=Json)


def vault_of(stored: dict[str, Json], new_salt: Callable[[], str]) -> Vault:
    """Return the vault of what is kept of a run; a new one has its key among what is to be kept."""
    values = {ref: value for ref, value in stored.items() if ref != SALT}
    if SALT in stored:
        return Vault(str(stored[SALT]), values)
    return Vault(new_salt(), values)


def settled(tx: Transaction, task: UserTask, verdict: Verdict) -> Outcome | Refused:
    """Return what a verdict comes to, with the secrets in it sealed and kept, and masked wherever else they are said.

    Whoever leaves a secret as it was shown, masked, leaves it as it is.

    Raises:
        LedgerConflict: What is kept is not what was sealed.
    """
    schema, vault = _schema(task, verdict), vault_at(tx, task.run_id)
    outcome = settle(task.spec, verdict) if schema is None else _settled(tx, task, verdict, schema, vault)
    return outcome if vault is None or isinstance(outcome, Refused) else _cleaned(vault, outcome)


def said_of(tx: Transaction, run_id: RunId, value: J) -> J:
    """Return what somebody says about a run beside deciding, of the same form, with the secrets of the run masked."""
    vault = None if value is None else vault_at(tx, run_id)
    return value if vault is None else cast("J", vault.cleaned(value))


def _settled(tx: Transaction, task: UserTask, verdict: Verdict, schema: Json, vault: Vault | None) -> Outcome | Refused:
    if vault is None:  # asked by an older version, which sealed nothing
        left = masks_left(schema, _said(verdict))
        return _unsaid(left) if left else settle(task.spec, verdict)
    opened = _map(verdict, lambda given: vault.open(schema, kept(schema, _shown(task), given)))
    left = masks_left(schema, _said(opened))
    if left:
        return _unsaid(left)
    outcome = settle(task.spec, opened)
    if isinstance(outcome, Refused):
        return Refused(vault.clean(outcome.reason))
    sealed = _sealed(vault, schema, outcome)
    tx.confided.keep(task.run_id, vault.take_fresh())
    return sealed


def revealed(tx: Transaction, task: UserTask, place: str, by: Actor, now: datetime) -> Json:
    """Return the secret at a place of a task's arguments, after it was written down that somebody is told it.

    Args:
        tx: The transaction; what is written down is durable before anybody is told.
        task: The task.
        place: A JSON pointer into the arguments.
        by: Who is told.
        now: The time.

    Raises:
        Invalid: There is no secret at that place.
        LedgerConflict: What is kept is not what was sealed, or the question was changed.
    """
    refuse_changed_question(task)
    call = call_of(task.spec.request)
    seal = None if call is None else sealed_at(call).get(place)
    vault = vault_at(tx, task.run_id)
    if call is None or seal is None or vault is None:
        raise Invalid(
            f"Expected the place of a secret argument of task {task.id}, but there is none at {place[:200]!r}.",
            hint="Give its JSON pointer, e.g. /password; places of secrets show dots.",
        )
    value = vault.opened(seal)
    write_down(tx, task.workspace_id, now, by, "task.secret_shown", task.id, {"run": task.run_id, "field": place})
    return value


def _unsaid(left: list[str]) -> Refused:
    return Refused(f"{', '.join(left)}: the mask of a secret is no value of it")


def vault_at(tx: Transaction, run_id: RunId) -> Vault | None:
    """Return the vault of a run; None where it has none."""
    stored = tx.confided.of_run(run_id)
    return vault_of(stored, str) if SALT in stored else None


def _schema(task: UserTask, verdict: Verdict) -> Json:
    """Return what says which part of an answer is secret; None where none is."""
    request, schema = task.spec.request, None
    if isinstance(request, ApprovalRequest) and request.call is not None and isinstance(verdict, Edit):
        schema = request.call.schema
    if isinstance(request, FormRequest) and isinstance(verdict, Answer):
        schema = request.schema
    return schema if says_secret(schema) else None


def _shown(task: UserTask) -> Json:
    request = task.spec.request
    return request.call.arguments if isinstance(request, ApprovalRequest) and request.call is not None else {}


def _said(verdict: Verdict) -> Json:
    match verdict:
        case Edit(content=content):
            return content
        case Answer(values=values):
            return dict(values)
        case _:
            return None


def _map(verdict: Verdict, change: Callable[[Json], Any]) -> Verdict:
    match verdict:
        case Edit(content=content):
            return replace(verdict, content=change(content))
        case Answer(values=values):
            return replace(verdict, values=change(dict(values)))
        case _:
            return verdict


def _cleaned(vault: Vault, outcome: Outcome) -> Outcome:
    """Return an outcome with the secrets masked that were said where none belongs: a note, an answer, another place."""
    parts = {"note": outcome.note, "content": outcome.content, "values": outcome.values}
    return replace(outcome, **{name: vault.cleaned(part) for name, part in parts.items() if part is not None})


def _sealed(vault: Vault, schema: Json, outcome: Outcome) -> Outcome:
    if outcome.edited:
        return replace(outcome, content=vault.seal(schema, outcome.content))
    if outcome.values is not None:
        return replace(outcome, values=vault.seal(schema, dict(outcome.values)))
    return outcome
