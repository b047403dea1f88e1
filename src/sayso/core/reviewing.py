"""What a task is about, for listings: its operation, the words it is found by, and what past decisions add up to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sayso.model.reviews import Burden, PastDecision
from sayso.model.tasks import ApprovalRequest, ExternalRequest, FormRequest, TaskSpec, UncertainRequest

_MOST_WORDS = 600
_ACCEPTED = frozenset({"approve", "answer", "choose", "retry"})
_REFUSED = frozenset({"reject", "skip", "cancel"})


def operation_of(spec: TaskSpec) -> str:
    """Return what is asked about: the tool of a call, else the step."""
    match spec.request:
        case ApprovalRequest(call=call) | FormRequest(call=call) if call is not None:
            return call.tool
        case ExternalRequest(call=call) | UncertainRequest(call=call):
            return call.tool
        case _:
            return spec.step_name


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One closed task, as a burden counts it."""

    program: str
    operation: str
    kind: str
    verdict: str
    by_person: bool
    at: datetime
    waited: timedelta


def burdens(weighed: Iterable[Weighed]) -> list[Burden]:
    """Return what each operation has asked of people, the one that asked most first."""
    groups: dict[tuple[str, str, str], list[Weighed]] = {}
    for one in weighed:
        groups.setdefault((one.program, one.operation, one.kind), []).append(one)
    found = [_burden(*group, ones) for group, ones in groups.items()]
    return sorted(found, key=lambda burden: (-burden.asked, burden.program, burden.operation))


def _burden(program: str, operation: str, kind: str, ones: Sequence[Weighed]) -> Burden:
    by_people = [one for one in ones if one.by_person]
    return Burden(
        program=program,
        operation=operation,
        kind=kind,
        asked=len(ones),
        approved=sum(one.verdict in _ACCEPTED for one in by_people),
        edited=sum(one.verdict == "edit" for one in by_people),
        rejected=sum(one.verdict in _REFUSED for one in by_people),
        timed_out=len(ones) - len(by_people),
        median=middle(one.waited for one in by_people),
    )


def middle(spans: Iterable[timedelta]) -> timedelta:
    """Return the median of some durations; nothing where there is none."""
    found = [span.total_seconds() for span in spans]
    return timedelta(seconds=median(found)) if found else timedelta(0)
