"""From what was said to what the run does: one table for people, deadlines, keys and policies.

    verdict    approval   form       output_review       route     error
    approve    proceed    proceed*   proceed             -         -
    reject     on_reject  on_reject  on_reject (retry**) on_reject -
    edit       -          -          proceed + content   -         -
    answer     -          proceed    -                   -         -
    choose     -          -          -                   proceed   -
    retry      -          -          -                   -         retry
    skip       -          -          -                   -         skip
    cancel     cancel, for every kind: what a deadline with on_timeout='cancel' says

    The kinds that agents ask with (core/answers.py):

    verdict    approval of a call   text, number   multi_option    external   uncertain   message
    approve    proceed              -              -               -          -           -
    edit       proceed + arguments  -              -               -          -           -
    respond    skip + value         -              -               -          -           -
    answer     -                    proceed        proceed (other) proceed    -           proceed
    choose     -                    -              proceed         -          proceed     -
    reject     on_reject            on_reject      on_reject       on_reject  -           -

    *  when every field can be answered by its default
    ** `cancel` once max_retries rejections are used up

An answer that does not fit is a `Refused`, the task stays pending, and the door raises `InvalidDecision`.
"""

from typing import assert_never

from sayso.core import answers, forms
from sayso.core.answers import Refused
from sayso.model.decisions import Answer, Approve, Cancel, Choose, Edit, Outcome, Reject, Respond, Retry, Skip, Verdict
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    ErrorRequest,
    ExternalRequest,
    FormRequest,
    MessageRequest,
    NumberRequest,
    OptionsRequest,
    OutputReviewRequest,
    RouteRequest,
    TaskSpec,
    TextRequest,
    UncertainRequest,
    UnreadableRequest,
)

UNREADABLE = "the question cannot be read by this version"


def settle(spec: TaskSpec, verdict: Verdict) -> Outcome | Refused:
    """Return what the run does after this verdict, or why the verdict does not fit the task."""
    if isinstance(spec.request, UnreadableRequest):
        return Refused(UNREADABLE)
    match verdict:
        case Reject(cancel_run=True):
            return Outcome(action="cancel", verdict="reject", note=verdict.note)
        case Cancel():
            return Outcome(action="cancel", verdict="cancel", note=verdict.note)
        case Reject():
            return _rejected(spec, verdict)
        case Approve() | Edit() | Answer() | Respond() | Choose() | Retry() | Skip():
            return _accepted(spec, verdict)
        case _:
            assert_never(verdict)


def settle_timeout(spec: TaskSpec) -> Outcome:
    """Return what the run does when the task's deadline passes undecided; a question that nobody can read ends it."""
    if isinstance(spec.request, UnreadableRequest):
        return Outcome(action="cancel", verdict="cancel", note=UNREADABLE)
    note = "nobody decided before the deadline"
    outcome: Outcome | Refused
    match spec.on_timeout:
        case "approve":
            outcome = _approved_by_time(spec, note)
        case "reject":
            outcome = settle(spec, Reject(note=note)) if not isinstance(spec.request, ErrorRequest) else _fail(note)
        case "skip":
            return Outcome(action="skip", verdict="skip", note=note)
        case "cancel":
            return Outcome(action="cancel", verdict="cancel", note=note)
        case _:
            assert_never(spec.on_timeout)
    # A policy that does not fit its task ends the run rather than letting anything through.
    return Outcome(action="cancel", verdict="cancel", note=outcome.reason) if isinstance(outcome, Refused) else outcome


def _approved_by_time(spec: TaskSpec, note: str) -> Outcome | Refused:
    if isinstance(spec.request, ErrorRequest):
        return _accepted(spec, Retry(note=note))
    return _accepted(spec, Approve(note=note))


def _fail(note: str) -> Outcome:
    return Outcome(action="fail", verdict="reject", note=note)


def _rejected(spec: TaskSpec, verdict: Reject) -> Outcome | Refused:
    request = spec.request
    if isinstance(request, ErrorRequest):
        return Refused("a failed step is retried or skipped, not rejected")
    if isinstance(request, UncertainRequest | MessageRequest):
        return Refused(f"a task of kind '{request.kind}' cannot be rejected ({_TAKES[request.kind]})")
    limit = request.max_retries if isinstance(request, OutputReviewRequest) and request.iteration is None else 0
    if (
        spec.on_reject == "retry"
        and isinstance(request, OutputReviewRequest)
        and limit
        and request.retry_count >= limit
    ):
        reason = f"Max retries ({limit}) reached for step '{spec.step_name}'"
        return Outcome(action="cancel", verdict="reject", note=verdict.note, reason=reason)
    return Outcome(action=spec.on_reject, verdict="reject", note=verdict.note)


def _accepted(  # noqa: C901 - the table above, a row per kind
    spec: TaskSpec, verdict: Approve | Edit | Answer | Respond | Choose | Retry | Skip
) -> Outcome | Refused:
    match spec.request, verdict:
        case (ApprovalRequest() | OutputReviewRequest(), Approve()):
            return Outcome(action="proceed", verdict="approve", note=verdict.note)
        case (FormRequest() as request, Approve()):
            return _form(request, Answer(values={}, note=verdict.note), said="approve")
        case (FormRequest() as request, Answer()):
            return _form(request, verdict, said="answer")
        case (ApprovalRequest(call=CallShown() as call), Edit()):
            return answers.edited_call(call, verdict)
        case (ApprovalRequest(call=CallShown()), Respond()):
            return answers.in_its_place(verdict)
        case (TextRequest() | NumberRequest() | OptionsRequest() | ExternalRequest() | MessageRequest(), Answer()):
            return answers.answered(spec.request, verdict)
        case (OptionsRequest() | UncertainRequest(), Choose()):
            return answers.chosen(spec.request, verdict)
        case (OutputReviewRequest(), Edit()):
            return Outcome(action="proceed", verdict="edit", note=verdict.note, content=verdict.content, edited=True)
        case (RouteRequest() as request, Choose()):
            return _route(request, verdict)
        case (ErrorRequest() as request, Retry()):
            return _retry(request, spec, verdict)
        case (ErrorRequest(), Skip()):
            return Outcome(action="skip", verdict="skip", note=verdict.note)
        case _:
            return Refused(
                f"a task of kind '{spec.request.kind}' does not take '{verdict.verdict}' ({_TAKES[spec.request.kind]})"
            )


_TAKES = {
    "approval": "expected approve or reject",
    "form": "expected answer or reject",
    "output_review": "expected approve, edit or reject",
    "route": "expected choose or reject",
    "error": "expected retry or skip",
    "text": "expected answer or reject",
    "number": "expected answer or reject",
    "multi_option": "expected choose or reject",
    "external": "expected answer or reject",
    "uncertain": "expected choose: happened, not_happened or stop",
    "message": "expected answer",
}


def _form(request: FormRequest, verdict: Answer, *, said: str) -> Outcome | Refused:
    if request.schema is not None:
        return answers.by_schema(request.schema, verdict, said=said)
    found = forms.problems(request.fields, verdict.values)
    if found:
        return Refused("User input validation failed:\n  - " + "\n  - ".join(found))
    values = forms.complete(request.fields, verdict.values)
    return Outcome(action="proceed", verdict=said, note=verdict.note, values=values)


def _route(request: RouteRequest, verdict: Choose) -> Outcome | Refused:
    unknown = [choice for choice in verdict.choices if choice not in request.choices]
    if unknown:
        return Refused(f"unknown route {', '.join(map(repr, unknown))} (expected one of {', '.join(request.choices)})")
    if not verdict.choices:
        return Refused(f"no route chosen (expected one of {', '.join(request.choices)})")
    if len(set(verdict.choices)) != len(verdict.choices):
        return Refused("the same route chosen twice")
    if len(verdict.choices) > 1 and not request.multiple:
        return Refused(f"{len(verdict.choices)} routes chosen, but only one may be")
    return Outcome(action="proceed", verdict="choose", note=verdict.note, choices=verdict.choices)


def _retry(request: ErrorRequest, spec: TaskSpec, verdict: Retry) -> Outcome | Refused:
    if request.max_retries and request.retry_count >= request.max_retries:
        return Refused(
            f"step '{spec.step_name}' was already retried {request.retry_count} times,"
            " which is its limit (expected skip)"
        )
    return Outcome(action="retry", verdict="retry", note=verdict.note)
