"""What a task is about, for listings: its operation, the words it is found by, and what past decisions add up to."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Literal, NamedTuple, get_args

from sayso.core.confiding import masked_arguments
from sayso.core.ledger import canonical
from sayso.model.actors import ActorType
from sayso.model.json import Json
from sayso.model.reviews import Burden, PastDecision
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    ExternalRequest,
    FormRequest,
    TaskRequest,
    TaskSpec,
    UncertainRequest,
)

Outcome = Literal["approved", "edited", "rejected", "timed_out"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What becomes of a task, from the best to the worst."""
_MOST_WORDS = 600
_LONGEST_SUBJECT = 200
_ACCEPTED = frozenset({"approve", "answer", "choose", "retry"})
_REFUSED = frozenset({"reject", "respond", "skip", "cancel"})


def operation_of(spec: TaskSpec) -> str:
    """Return what is asked about: the tool of a call, else the step."""
    call = call_of(spec.request)
    return spec.step_name if call is None else call.tool


def call_of(request: TaskRequest) -> CallShown | None:
    """Return the call that a request is about."""
    match request:
        case (
            ApprovalRequest(call=call)
            | FormRequest(call=call)
            | ExternalRequest(call=call)
            | UncertainRequest(call=call)
        ):
            return call
        case _:
            return None


def subject_of(spec: TaskSpec) -> str | None:
    """Return whom or what a call concerns, as it is compared: the argument's name and value; None where nothing says.

    What is long is compared by its digest.
    """
    call = call_of(spec.request)
    subject = None if call is None else subject_shown(call)
    if call is None or subject is None:
        return None
    told = f"{call.subject}={canonical(subject).decode()}"
    return told if len(told) <= _LONGEST_SUBJECT else f"sha256={hashlib.sha256(told.encode()).hexdigest()}"


def subject_shown(call: CallShown) -> Json:
    """Return whom or what a call concerns, as people see it: a secret within it is masked, and tells nothing apart."""
    seen = masked_arguments(call) if call.subject is not None else None
    return seen.get(call.subject) if call.subject is not None and isinstance(seen, Mapping) else None


def words_of(program: str, spec: TaskSpec) -> str:
    """Return what a task is found by, folded: the sentence, the program, the operation and the step."""
    words = dict.fromkeys([spec.request.message, program, operation_of(spec), spec.step_name])
    return folded(" ".join(words))[:_MOST_WORDS]


def folded(text: str) -> str:
    """Return text in the form in which it is compared."""
    return text.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the last decisions on one operation add up to."""

    decisions: Sequence[PastDecision]
    """Newest first."""

    @property
    def approved(self) -> int:
        """How many let it go ahead as shown."""
        return sum(one.verdict in _ACCEPTED for one in self.decisions)

    @property
    def edited(self) -> int:
        """How many changed it."""
        return sum(one.verdict == "edit" for one in self.decisions)

    @property
    def rejected(self) -> int:
        """How many did not."""
        return sum(one.verdict in _REFUSED for one in self.decisions)

    @property
    def median(self) -> timedelta:
        """How long a decision took, in the middle of them."""
        return middle(one.waited for one in self.decisions)

    @property
    def last_rejection(self) -> PastDecision | None:
        """The newest that did not let it go ahead and says why."""
        return next((one for one in self.decisions if one.verdict in _REFUSED and one.note), None)


class Weighed(NamedTuple):
    """One closed task, as a burden counts it; a page counts thousands, so its times are as they are stored."""

    program: str
    operation: str
    kind: str
    verdict: str
    by_type: ActorType
    by: str
    """Who: a person, a key, or the part of the system that carried a deadline out."""
    decided: int
    """Microseconds since 1970."""
    asked: int

    @property
    def waited(self) -> float:
        """Seconds from the question to the answer."""
        return (self.decided - self.asked) / 1_000_000

    @property
    def outcome(self) -> Outcome:
        """What became of it: a deadline's verdict is no decision of anybody."""
        if self.by_type == "system":
            return "timed_out"
        if self.verdict == "edit":
            return "edited"
        return "approved" if self.verdict in _ACCEPTED else "rejected"


def burdens(weighed: Iterable[Weighed]) -> list[Burden]:
    """Return what each operation has asked of people, the one that asked most first."""
    groups: dict[tuple[str, str, str], list[Weighed]] = {}
    for one in weighed:
        groups.setdefault((one.program, one.operation, one.kind), []).append(one)
    found = [_burden(*group, ones) for group, ones in groups.items()]
    return sorted(found, key=lambda burden: (-burden.asked, burden.program, burden.operation))


def _burden(program: str, operation: str, kind: str, ones: Sequence[Weighed]) -> Burden:
    became = Counter(one.outcome for one in ones)
    return Burden(
        program=program,
        operation=operation,
        kind=kind,
        asked=len(ones),
        approved=became["approved"],
        edited=became["edited"],
        rejected=became["rejected"],
        timed_out=became["timed_out"],
        median=timedelta(seconds=quantile([one.waited for one in ones if one.by_type == "user"], 0.5) or 0),
    )


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value that this share of some values does not exceed, between two of them in proportion."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def middle(spans: Iterable[timedelta]) -> timedelta:
    """Return the median of some durations; nothing where there is none."""
    found = [span.total_seconds() for span in spans]
    return timedelta(seconds=median(found)) if found else timedelta(0)
