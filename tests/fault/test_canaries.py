"""Secrets that pass through everything a process does are nowhere in what it leaves behind (T85, as far as it goes).

A child process takes two canaries to each place: one that it knows as a secret, and one that it does not. Afterwards
every file it left is searched for both, in every form. The second one shows that the place is looked at at all.
"""

import asyncio
import base64
import json
import os
import random
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog

from sayso import Agent, HumanReview, OnError, SqliteDb, Step, StepFailed, ToolContext, ToolError, Workflow, tool
from sayso.app.secrets import log_scrubber
from sayso.core.evidence import packet_bytes
from sayso.core.evidencepage import page
from sayso.model.actors import Actor
from sayso.model.decisions import Approve
from sayso.model.errors import Invalid, LeaseLost
from sayso.model.ids import RunId, SessionId
from sayso.model.messages import AssistantMessage, Proposal
from sayso.programs.context import ChildSpec
from sayso.runtime.evidence import evidence
from sayso.stores.driver import sqlite_module
from sayso.testing import ScriptedModel, call

ROOT = Path(__file__).parents[2]
ANA = Actor(type="user", id="ana", via="cli")
PLACES = (
    "agent input", "workflow input key", "session state", "run dependencies", "instructions", "second input",
    "model text", "free argument", "gated argument", "unknown tool", "broken arguments", "model error", "model retry",
    "model raw", "final answer", "result", "result base64", "result hex", "result percent", "result json",
    "result bytes", "result key", "result dataclass", "result uuid", "result number", "tool error", "lost call",
    "unstorable", "changed state", "environment", "predicate", "default argument", "approve note", "reject note",
    "edited argument", "form value", "external result", "asked text", "cancel reason", "complete note", "late outcome",
    "step output", "step error", "reviewed", "edited output", "failing run", "choice question", "problem", "log",
    "late start", "child input", "program output", "program error", "direct note", "emitted",
)  # fmt: skip
FAILURES = ("tool error", "lost call", "step error")
"""Failures whose text has the form of a credential: there, it is concealed although nobody has told of it."""


@dataclass(frozen=True)
class Held:
    """A result with a type of its own."""

    token: object


def canary(place: str, *, secret: bool) -> str:
    """Return the canary of a place: of one of several shapes, unlike every other one."""
    number = PLACES.index(place)
    chance = random.Random(f"{place} {secret}")
    word = "".join(chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789", k=20))
    if place == "result uuid":
        return str(UUID(int=chance.getrandbits(128)))
    if place == "result number":
        return str(chance.randrange(10**14, 10**15))
    shapes = ("{}", "sk-{}", "sayso_live_{}", "p/{}+=", '{}"quoted\\', "{} é☃", "<{}&>", "{}_-.~")
    shape = "{}" if place in FAILURES and not secret else shapes[number % len(shapes)]
    return shape.format(word)


def both(place: str) -> str:
    """Return a text with both canaries of a place."""
    return f"[{canary(place, secret=True)}] [{canary(place, secret=False)}]"


def each(place: str, change: Callable[[str], Any]) -> list[Any]:
    """Return both canaries of a place, each changed."""
    return [change(canary(place, secret=True)), change(canary(place, secret=False))]


# -- the child ---------------------------------------------------------------------------------------------


@tool
def look(what: str) -> Any:
    """Return what a place is to bring, in its form."""
    forms: dict[str, Callable[[], Any]] = {
        "result": lambda: both("result"),
        "result base64": lambda: each("result base64", lambda text: base64.b64encode(b"xy" + text.encode()).decode()),
        "result hex": lambda: each("result hex", lambda text: text.encode().hex()),
        "result percent": lambda: each("result percent", lambda text: urllib.parse.quote(text, safe="")),
        "result json": lambda: json.dumps({"body": json.dumps({"token": both("result json")})}),
        "result bytes": lambda: both("result bytes").encode(),
        "result key": lambda: {canary("result key", secret=True): 1, canary("result key", secret=False): 2},
        "result dataclass": lambda: Held(token=(both("result dataclass"), {both("result dataclass")})),
        "result uuid": lambda: each("result uuid", UUID),
        "result number": lambda: each("result number", int),
        "environment": lambda: {name: os.environ[name] for name in ("SOME_API_KEY", "SOME_DECOY")},
    }
    return forms[what]()


@tool
def say(text: str) -> str:
    """Say it."""
    return "said"


@tool
def refuse() -> str:
    """Refuse."""
    raise ToolError(both("tool error"))


@tool
def lose() -> str:
    """Lose the connection."""
    raise ConnectionResetError(both("lost call"))


class Odd:
    """What cannot be stored."""

    def __repr__(self) -> str:
        return both("unstorable")


@tool
def odd() -> Any:
    """Return what cannot be stored."""
    return Odd()


@tool
def remember(ctx: ToolContext) -> str:
    """Change the session's state."""
    ctx.session_state["seen"] = both("changed state")
    return "kept"


def _broken(arguments: dict[str, Any]) -> bool:
    raise RuntimeError(both("predicate"))


@tool(requires_confirmation=_broken)
def doubtful() -> str:
    """Ask, since the predicate fails."""
    return "done"


@tool(requires_confirmation=True)
def pay(to: str, token: str = both("default argument")) -> str:
    """Pay."""
    return "paid"


@tool(requires_user_input=True, user_input_fields=["name"])
def ask_name(name: str) -> str:
    """Ask a person."""
    return "asked"


@tool(external_execution=True)
def outside() -> str:
    """Have it done outside."""
    raise AssertionError


TOOLS = [look, say, refuse, lose, odd, remember, doubtful, pay, ask_name, outside]


def answer(item: Any) -> None:
    match item.kind:
        case "uncertain":
            item.it_did_not_happen("no")
        case "form":
            item.provide_user_input({"name": both("form value")})
        case "external":
            item.set_external_execution_result(both("external result"))
        case "text":
            item.answer(both("asked text"))
        case "multi_option":
            item.choose("a")
        case _ if item.tool_execution.tool_name == "doubtful":
            item.reject(both("reject note"))
        case _ if item.tool_execution.tool_args["to"] == "edit":
            item.edit({"to": both("edited argument"), "token": "t"}, note="edited")
        case _:
            item.confirm(both("approve note"))


def agents(db: SqliteDb) -> None:
    reads = [name for name in PLACES if name.startswith("result")]
    turns: list[Any] = [
        [both("model text"), *[call("look", what=name) for name in [*reads, "environment"]]],
        [call("say", text=both("free argument")), call("pay", to=both("gated argument")), call("pay", to="edit")],
        [call("unknown", text=both("unknown tool")),
         Proposal(id="x", tool="say", arguments=None, raw="{" + both("broken arguments"))],
        [call("refuse"), call("lose"), call("odd"), call("remember"), call("doubtful"), call("ask_name"),
         call("outside")],
        [call("ask_human_text", question="?"), call("ask_human_choice", question=both("choice question"),
                                                    options=[{"id": "a", "label": "A"}])],
        AssistantMessage(text="", calls=(Proposal(id="y", tool="remember", arguments={}),),
                         raw={"provider": both("model raw")}, retries=(both("model retry"),)),
        both("final answer"),
    ]  # fmt: skip
    agent = Agent(
        "desk", model=ScriptedModel(turns), tools=TOOLS, db=db, instructions=both("instructions"), max_tool_calls=99
    )
    output = agent.run(
        both("agent input"), run_id="run_1", session_id="ses_1", session_state={"given": both("session state")},
        dependencies={"given": both("run dependencies")},
    )  # fmt: skip
    while output.is_paused:
        for item in output.active_requirements:
            answer(item)
        output = agent.continue_run(output)
    assert output.status == "COMPLETED", output.error
    assert canary("final answer", secret=True) not in output.content
    assert output.content == agent.get_run_output("run_1").content, "what is told now is what is told later"
    agent.run(both("second input"), run_id="run_2", session_id="ses_1")  # pauses again

    asyncio.run(db.runtime.cancel(RunId("run_2"), by=ANA, reason=both("cancel reason")))

    @tool
    def slow() -> str:
        """Take so long that another worker has the run when it is done."""
        other = sqlite_module().connect(str(db.db_file), isolation_level=None)
        other.execute("UPDATE runs SET epoch = epoch + 1 WHERE run_id = 'run_slow'")
        other.close()
        return both("late outcome")

    with pytest.raises(LeaseLost):
        Agent("slow", model=ScriptedModel([call("slow"), "x"]), tools=[slow], db=db).run("x", run_id="run_slow")

    def fails(_: Any) -> Any:
        raise RuntimeError(both("model error"))

    with pytest.raises(StepFailed) as failed:
        Agent("failing", model=ScriptedModel(fails), db=db).run("x", session_id="ses_1")
    assert canary("model error", secret=True) not in str(failed.value)


def workflows(db: SqliteDb) -> None:
    def fail(place: str) -> Any:
        def step(_: Any) -> Any:
            raise ValueError(both(place))

        return step

    gate, review = HumanReview(requires_confirmation=True), HumanReview(requires_output_review=True)
    flow = Workflow("flow", db=db, steps=[
        Step("out", lambda _: {"text": both("step output")}),
        Step("draft", lambda _: both("reviewed"), human_review=review),
        Step("flaky", fail("step error"), human_review=HumanReview(on_error=OnError.pause)),
    ])  # fmt: skip
    output = flow.run({both("workflow input key"): 1}, session_id="ses_1")
    output.active_step_requirements[0].edit(both("edited output"))
    output = flow.continue_run(output)
    output.active_error_requirements[0].skip()
    flow.continue_run(output)
    waiting = Workflow("waiting", db=db, steps=[Step("pay", lambda _: "x", human_review=gate)]).run(
        "x", session_id="ses_1"
    )
    asyncio.run(db.runtime.complete(RunId(waiting.run_id), by=ANA, note=both("complete note")))
    with pytest.raises(StepFailed) as failed:
        Workflow("failing", db=db, steps=[Step("bad", fail("failing run"))]).run("x", session_id="ses_1")
    assert canary("failing run", secret=True) not in str(failed.value)
    broken = Workflow("broken", db=db, steps=[Step("pay", lambda _: "x", human_review=gate)])
    broken.execution = _refused  # type: ignore[method-assign]
    with pytest.raises(Invalid):
        broken.run("x", session_id="ses_1")


class Custom:
    """A program without steps: it starts a child, or ends with what its input says."""

    name = "custom"

    def shape(self) -> dict[str, str]:
        return {"child": "child", "note": "event"}

    def execution(self) -> "Custom":
        return self

    async def run(self, ctx: Any, started: dict[str, Any]) -> Any:
        match started["input"]:
            case "child":
                await ctx.spawn("child", ChildSpec(program="custom", input=both("child input")))
            case "fail":
                raise ValueError(both("program error"))
            case "emit":
                await ctx.emit("note", both("emitted"))
        return both("program output")


def programs(db: SqliteDb) -> None:
    runtime = db.runtime
    runtime.register(Custom())

    async def work() -> None:
        for what in ("child", "fail", "emit", "end"):
            claimed = await runtime.start("custom", {"input": what}, session_id=SessionId("ses_1"))
            rest = await runtime.advance(claimed.run.id, held=claimed)
            assert rest is not None
            assert canary("program output", secret=True) not in str(rest.output)
        for run_id in await runtime.ready_runs(limit=9):
            await runtime.advance(run_id)
        gate = HumanReview(requires_confirmation=True)
        flow = Workflow("direct", db=db, steps=[Step("pay", lambda _: "x", human_review=gate)])
        (item,) = (await flow.arun("x", session_id="ses_1")).step_requirements
        await runtime.decide(item.id, Approve(note=both("direct note")), digest=str(item.digest), by=ANA)

    asyncio.run(work())


def _refused() -> Any:
    raise Invalid(both("problem"))


def run(folder: Path) -> None:
    """Take every canary to its place, and leave files behind."""
    known = [canary(place, secret=True) for place in PLACES if place not in {"environment", "late start"}]
    with SqliteDb(folder / "run.db", secrets=known) as db:
        structlog.configure(processors=[*structlog.get_config()["processors"], log_scrubber(db.secrets)])
        agents(db)
        workflows(db)
        programs(db)
        db.secrets.add(canary("late start", secret=True))
        Workflow("late", db=db, steps=[Step("out", lambda i: i.input)]).run(both("late start"), session_id="ses_1")
        log = structlog.get_logger("test")
        log.warning("something failed", error=both("log"), header="Authorization: Bearer never-registered-1")
        packet = asyncio.run(evidence(db.runtime, SessionId("ses_1")))
        (folder / "packet.json").write_bytes(packet_bytes(packet))
        (folder / "packet.html").write_text(page(packet), "utf-8")
        connection = sqlite_module().connect(folder / "run.db")
        connection.execute("VACUUM INTO ?", (str(folder / "backup.db"),))
        connection.close()
        for suffix in ("", "-wal"):  # as they are while the process lives
            (folder / f"live{suffix}").write_bytes((folder / f"run.db{suffix}").read_bytes())
    for arguments in (["audit", "export"], ["audit", "export", "--format", "csv"], ["runs", "show", "run_1"]):
        command = [sys.executable, "-m", "sayso", *arguments, "-d", str(folder / "run.db")]
        sys.stdout.write(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


# -- the search --------------------------------------------------------------------------------------------


def written(text: str) -> Iterator[bytes]:
    """Yield a text in every form; made here, and not by what is tested."""
    data = text.encode()
    yield from (data, data.hex().encode(), data.hex().upper().encode())
    yield urllib.parse.quote(text, safe="").encode()
    yield urllib.parse.quote(text, safe="").lower().encode()
    yield urllib.parse.quote_plus(text).encode()
    for ascii_ in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_)[1:-1]
        yield from (once.encode(), json.dumps(once, ensure_ascii=ascii_)[1:-1].encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            yield encode(b"?" * offset + data + b"?" * (-(offset + len(data)) % 3))[4:-4]


def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "SOME_API_KEY": canary("environment", secret=True),
        "SOME_DECOY": canary("environment", secret=False),
    }
    command = [sys.executable, "-m", "tests.fault.test_canaries", str(tmp_path)]
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=110, check=False
        )
    assert done.returncode == 0, (tmp_path / "log").read_text("utf-8", "replace")[-4000:]
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"run.db", "live", "live-wal", "backup.db", "log", "packet.json", "packet.html"} <= files.keys()
    hits = [
        (place, name)
        for place in PLACES
        for name, data in files.items()
        if any(form in data for form in written(canary(place, secret=True)))
    ]
    looked_at = {
        place
        for place in PLACES
        if any(form in data for data in files.values() for form in written(canary(place, secret=False)))
    }
    figures = {"canaries": len(PLACES), "files": len(files), "hits": len(hits), "decoys found": len(looked_at)}
    print("\ncanaries:", json.dumps(figures))
    assert not hits
    assert looked_at == set(PLACES), f"never stored: {set(PLACES) - looked_at}"
    assert len(PLACES) >= 40
    assert b"never-registered-1" not in files["log"]
    assert b"[secret]" in files["live-wal"] + files["live"]


@pytest.mark.parametrize("place", PLACES)
def test_the_search_finds_what_is_there(place: str) -> None:
    text = canary(place, secret=True)
    for data in (
        base64.b64encode(b"ab" + text.encode() + b"c"),
        json.dumps([text]).encode(),
        text.encode().hex().encode(),
    ):
        assert any(form in data for form in written(text))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
