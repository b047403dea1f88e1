"""`sayso demo`: a refund desk that stops for people three times, survives being killed, and pays each refund once."""

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sayso.app import logs
from sayso.app.agentruns import RunOutput
from sayso.app.clock import SystemIds
from sayso.app.database import SqliteDb
from sayso.app.settings import Settings, load_settings
from sayso.app.workflow import Workflow
from sayso.cli.demo import agent as agents
from sayso.cli.demo.desk import Desk, build
from sayso.cli.demo.ledger import Ledger
from sayso.cli.demo.pages import Pages
from sayso.cli.demo.refunds import COLUMNS, read_csv
from sayso.cli.demo.session import Decide, Sitting, stamp
from sayso.cli.shared import print_json
from sayso.cli.text import safe
from sayso.model.errors import Invalid
from sayso.model.ids import RunId
from sayso.model.runs import ENDED, Run, RunState

_LEASE_SECONDS = 2.0
_SHIPPED = Path(__file__).parent / "refunds.csv"
_FILES = ("sayso.db", "sayso.db-wal", "sayso.db-shm", "refunds.csv", "ledger.jsonl", "report.md", "demo.json")


class Decision(StrEnum):
    """What `--once` says to every question."""

    approve = "approve"
    reject = "reject"


@dataclass
class _Options:
    folder: Path
    input: Path | None
    decide: Decide
    fresh: bool
    crash: bool
    say: Callable[[str], None]


def demo(
    input_: Annotated[Path | None, typer.Option("--input", help=f"A CSV with {', '.join(COLUMNS)}.")] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo works.")] = Path("sayso-demo"),
    once: Annotated[bool, typer.Option("--once", help="Run to the end without a person; needs --decide.")] = False,
    decide: Annotated[Decision | None, typer.Option(help="What --once says to every question.")] = None,
    crash: Annotated[bool, typer.Option("--crash", help="Die in the middle of the risky payouts (SIGKILL).")] = False,
    terminal: Annotated[bool, typer.Option("--terminal", help="Ask here, and serve no pages.")] = False,
    agent: Annotated[bool, typer.Option("--agent", help="Run the desk's agent on one late case instead.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Move an earlier demo aside and start anew.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document at the end.")] = False,
) -> None:
    """Run the refund desk: it reads a CSV, pays, asks you three times, and goes on after any crash."""
    if once and decide is None:
        raise typer.BadParameter("Expected --decide approve or --decide reject beside --once.")

    def say(text: str) -> None:
        if not json_:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    answer: Decide = None if decide is None else decide.value
    options = _Options(folder=folder, input=input_, decide=answer, fresh=fresh, crash=crash, say=say)
    settings = load_settings()
    if agent:
        _agent(options, settings, json_=json_)
        return
    desk = _prepare(options, once=once)
    with SqliteDb(folder / "sayso.db", lease_seconds=_LEASE_SECONDS) as db:
        if not (once or terminal or json_):
            asyncio.run(_serve(db, desk, settings, options))
            return
        run = asyncio.run(_sit(db, desk, settings, options))
    _finish(run, desk, say, json_=json_, with_ledger=once)
    if run.state != "completed":
        raise typer.Exit(1)


def _agent(options: _Options, settings: Settings, *, json_: bool) -> None:
    """Let the agent work on one late case, in a folder of its own, to its end."""
    folder = options.folder / f"agent-{stamp()}"
    folder.mkdir(parents=True)
    ledger = Ledger(folder / "ledger.jsonl")

    async def sit(db: SqliteDb) -> RunOutput:
        made = agents.build(db, ledger)
        options.say(f"{agents.case()}\nAnother terminal can decide too: sayso tasks ls -d {db.db_file}")
        begun = await made.arun(agents.case(), background=True)
        await Sitting(made, RunId(begun.run_id), settings, options.decide, options.say).to_the_end()
        return await made.aget_run_output(begun.run_id)

    with SqliteDb(folder / "sayso.db", lease_seconds=_LEASE_SECONDS) as db:
        output = asyncio.run(sit(db))
    paid = [payment.amount for payment in ledger.payments()]
    if json_:
        print_json({"run_id": output.run_id, "state": output.status, "content": output.content, "paid": paid})
    else:
        options.say(
            f"\n{output.content}\npayments {', '.join(paid) or 'none'}; the ledger is {folder / 'ledger.jsonl'}"
        )


def _prepare(options: _Options, *, once: bool) -> Desk:
    """Set the folder up, or take up the one that is there."""
    folder = options.folder
    finished = (folder / "report.md").exists()
    if folder.exists() and (options.fresh or (once and finished)):
        aside = folder / f"earlier-{stamp()}"
        aside.mkdir()
        for name in _FILES:
            if (folder / name).exists():
                (folder / name).rename(aside / name)
        options.say(f"The earlier demo is kept in {aside}.")
    desk = Desk(folder, crash=options.crash)
    if not desk.input.exists():
        source = options.input or _SHIPPED
        batch = read_csv(source)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, desk.input)
        options.say(f"{source.name}: {len(batch.refunds)} refunds, {len(batch.problems)} bad rows.")
        for problem in batch.problems:
            options.say(f"  {safe(problem)}")
    elif options.input is not None:
        raise Invalid(
            f"Expected an empty {folder} for another input, but a demo is in it.",
            hint="Give --fresh, or another --dir.",
        )
    return desk


async def _serve(db: SqliteDb, desk: Desk, settings: Settings, options: _Options) -> None:
    """Serve the pages, with the desk and its agent behind them, until Ctrl-C."""
    logs.configure("console", "warning")
    workflow, agent = build(db, desk), agents.build(db, Ledger(options.folder / "case.jsonl"))
    run_id = await _begin(db, workflow, options)
    case = RunId(run_id.replace("run_", "run_c"))
    if await db.runtime.store.read(lambda tx: tx.find_run(case)) is None:
        await agent.arun(agents.case(), run_id=case, background=True)

    def ended(run: Run) -> None:
        _finish(run, desk, options.say, json_=False, with_ledger=False)

    programs = (workflow, agent)
    pages = Pages(db=db, programs=programs, runs=(run_id, case), settings=settings, say=options.say, ended=ended)
    await pages.serve()
    options.say("Stopped; nothing is lost. `sayso demo` goes on.")


async def _sit(db: SqliteDb, desk: Desk, settings: Settings, options: _Options) -> Run:
    workflow = build(db, desk)
    run_id = await _begin(db, workflow, options)
    return await Sitting(workflow, run_id, settings, options.decide, options.say).to_the_end()


async def _begin(db: SqliteDb, workflow: Workflow, options: _Options) -> RunId:
    """Start the desk's run, or take up the one that is there."""
    state = options.folder / "demo.json"
    db.runtime.register(workflow)
    if state.exists():
        run_id = RunId(json.loads(state.read_text("utf-8"))["run_id"])
        resumed = True
        options.say(f"Going on with {run_id} in {options.folder}.")
    else:
        run_id, resumed = RunId(SystemIds().new("run")), False
        state.write_text(json.dumps({"run_id": run_id}), "utf-8")
        options.say(f"Started {run_id}; another terminal can decide too: sayso tasks ls -d {db.db_file}")
    if await db.runtime.store.read(lambda tx: tx.find_run(run_id)) is None:
        await workflow.arun(run_id=run_id, background=True)
        resumed = False
    if resumed:
        await _tell_lease(db, run_id, options.say)
    return run_id


async def _tell_lease(db: SqliteDb, run_id: RunId, say: Callable[[str], None]) -> None:
    """Say what a run of a process that died waits for."""
    run = await db.runtime.load_run(run_id)
    if run.state is RunState.RUNNING and run.ready_at is not None:
        left = max((run.ready_at - db.runtime.clock.now()).total_seconds(), 0)
        say(f"The process that held the run is gone; its lease ends in {left:.1f} seconds ...")


def _finish(run: Run, desk: Desk, say: Callable[[str], None], *, json_: bool, with_ledger: bool) -> None:
    payments, checked = desk.ledger.payments(), desk.ledger.check()
    if json_:
        document: dict[str, Any] = {
            "run_id": run.id,
            "state": run.state,
            **checked,
            "report": str(desk.report),
            "ledger": [payment.__dict__ for payment in payments],
            "bad_rows": [str(problem) for problem in read_csv(desk.input).problems],
        }
        print_json(document)
        return
    if with_ledger:
        say("\nledger")
        for payment in payments:
            say(f"  {safe(payment.refund_id)}  {payment.currency} {payment.amount:>8}  {safe(payment.customer)}")
    say(f"\nThe run {run.state}; the report is {desk.report}.")
    say(f"payments {checked['payments']}, distinct {checked['distinct']}, doubled {checked['doubled']}")
    if run.state in ENDED and not with_ledger:
        say("Start anew with `sayso demo --fresh`.")
