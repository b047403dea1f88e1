"""Spans for those who have set up OpenTelemetry: a wait is two linked spans, and never an open one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sayso import Agent, SqliteDb, tool
from sayso.runtime import tracing
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def run(folder: Path, clock: FakeClock, *, continue_: bool = False) -> None:
    @tool(requires_confirmation=True)
    def pay(account: str) -> str:
        """Pay."""
        return "secret-result"

    db = SqliteDb(folder / "sayso.db", clock=clock, ids=CountingIds(), synchronous="NORMAL")
    agent = Agent(
        "desk", model=ScriptedModel([call("pay", account="secret-account"), "secret-words"]), tools=[pay], db=db
    )
    if not continue_:
        agent.run("secret-input", session_id="ses", run_id="run")
        return
    output = agent.get_run_output("run")
    output.active_requirements[0].confirm()
    agent.continue_run(output)


def test_a_wait_of_two_days_is_two_linked_spans(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    clock = FakeClock()
    run(tmp_path, clock)
    first: Any = {span.name: span for span in spans.get_finished_spans()}
    assert set(first) == {"invoke_agent desk", "chat"}, "the segment has ended, although its run waits"
    clock.advance(2 * 86_400)
    spans.clear()
    run(tmp_path, clock, continue_=True)
    second: Any = {span.name: span for span in spans.get_finished_spans()}
    assert set(second) == {"invoke_agent desk", "execute_tool pay", "chat"}
    link = second["invoke_agent desk"].links[0].context
    assert link.span_id == first["invoke_agent desk"].context.span_id
    assert link.trace_id == first["invoke_agent desk"].context.trace_id
    about = second["invoke_agent desk"].attributes
    assert (about["hitl.wait_seconds"], about["hitl.decision"]) == (172_800, ("approve",))
    assert second["execute_tool pay"].parent.span_id == second["invoke_agent desk"].context.span_id


def test_spans_carry_no_content(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    clock = FakeClock()
    run(tmp_path, clock)
    run(tmp_path, clock, continue_=True)
    assert len(spans.get_finished_spans()) == 5
    assert "secret" not in "".join(span.to_json() for span in spans.get_finished_spans())


def test_nobody_who_has_not_set_it_up_pays_or_finds_anything(tmp_path: Path) -> None:
    assert not tracing.traced()
    run(tmp_path, FakeClock())
    assert b'"trace"' not in (tmp_path / "sayso.db").read_bytes()


@pytest.mark.parametrize("stored", ["", "x", "00-zz-zz-00", "00-0-0-00", "1-2-3-4-5"])
def test_a_broken_context_in_a_journal_is_left_out(stored: str) -> None:
    assert tracing._links(stored) == []
