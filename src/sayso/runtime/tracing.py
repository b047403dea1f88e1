"""Spans of what runs do, for whoever has set up OpenTelemetry; without an SDK nothing here costs anything.

A wait of days is not one open span. The span of a segment ends when its run comes to rest, and what the run then waits
for carries that span's context in the journal; the segment that goes on links to it, whichever process it is in.
Content is never an attribute: names, ids and numbers are. The names follow the GenAI conventions (`invoke_agent`,
`invoke_workflow`, `chat`, `execute_tool`); what they do not have yet is under `hitl.`.
"""

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any

from sayso.model.runs import Run
from sayso.runtime.record import Record

_NAME = "sayso"
_NOTHING: AbstractContextManager[None] = nullcontext()


def traced() -> bool:
    """Tell whether anybody has set up OpenTelemetry in this process."""
    if "opentelemetry.trace" not in sys.modules:
        return False
    from opentelemetry import trace  # Lazy: only where somebody else has loaded it.

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def segment(run: Run, record: Record, *, agent: bool, now: datetime) -> AbstractContextManager[None]:
    """Return the span of one segment of a run: from its claim until it rests; linked to the segment before."""
    return _segment(run, record, agent, now) if traced() else _NOTHING


@contextmanager
def _segment(run: Run, record: Record, agent: bool, now: datetime) -> Generator[None]:

    operation = "invoke_agent" if agent else "invoke_workflow"
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.conversation.id": run.session_id,
        "gen_ai.agent.name" if agent else "gen_ai.workflow.name": run.program,
        "hitl.run.id": run.id,
        "hitl.workspace.id": run.origin.workspace_id,
        "hitl.segment.epoch": run.epoch,
    }
    if record.rested_at is not None:
        attributes["hitl.wait_seconds"] = max((now - record.rested_at).total_seconds(), 0.0)
    if record.fresh & record.decisions.keys():
        attributes["hitl.decision"] = sorted(
            record.decisions[key].verdict for key in record.fresh & record.decisions.keys()
        )
    with _open(f"{operation} {run.program}", attributes, _links(record.trace)) as span:
        yield
        span.set_attribute("hitl.run.waits", bool(record.open_tasks()))


def _links(traceparent: str | None) -> list[Any]:
    """Return a link to the span that a journal names; one that cannot be read is left out."""
    if traceparent is None:
        return []
    from opentelemetry import trace

    try:
        _, trace_id, span_id, flags = traceparent.split("-")
        context = trace.SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(int(flags, 16))
        )
    except ValueError:
        return []
    return [trace.Link(context)] if context.is_valid else []


def current() -> str | None:
    """Return the context of the span that is open, in W3C form; None where there is none."""
    if not traced():
        return None
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def effect(name: str, attributes: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Return the span of one effect: a step, a model's answer, an attempt at a tool call."""
    return _span(name, dict(attributes)) if traced() else _NOTHING


def step(key: str) -> AbstractContextManager[None]:
    """Return the span of a step, by its key."""
    if not traced():
        return _NOTHING
    if key.endswith("/model"):
        return _span("chat", {"gen_ai.operation.name": "chat", "hitl.step.key": key})
    return _span(f"step {key}", {"hitl.step.key": key})


@contextmanager
def _span(name: str, attributes: dict[str, Any]) -> Generator[None]:
    with _open(name, attributes):
        yield


@contextmanager
def _open(name: str, attributes: dict[str, Any], links: Sequence[Any] = ()) -> Generator[Any]:
    """Open a span that tells of a failure only its type: what an exception says may hold anything."""
    from opentelemetry import trace

    with trace.get_tracer(_NAME).start_as_current_span(
        name, links=links, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as exc:
            span.set_status(trace.Status(trace.StatusCode.ERROR, type(exc).__name__))
            raise
