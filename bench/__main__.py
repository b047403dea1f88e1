"""The command line: runs the benches by name and prints one table, or one JSON document."""

import argparse
import gc
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bench import agents, deciding, importing, inbox, pages, runs, service, storage, waking
from bench.bare import SYNCHRONOUS
from bench.measure import Figure, Size, say
from sayso.stores.driver import sqlite_module

BENCHES: Mapping[str, Callable[[Size], Iterator[Figure]]] = {
    "ten-steps": runs.ten_steps,
    "ten-sync-steps": runs.ten_sync_steps,
    "start-to-paused": runs.start_to_paused,
    "decide-to-finished": deciding.decide_to_finished,
    "crowd": runs.crowd,
    "bytes-per-step": storage.bytes_per_step,
    "parked": storage.parked,
    "growth": storage.growth,
    "inbox": inbox.first_page,
    "import": importing.import_time,
    "wake": waking.wake,
    "agent-call": agents.gated_call,
    "conversation": agents.conversation,
    "service": service.service,
    "pages": pages.pages,
}
COLUMNS = ("what", "ours", "bare", "ratio", "aim", "met?")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Sayso beside a bare driver.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see that it works; the figures mean little"
    )
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in BENCHES]
    if unknown:
        parser.error(f"Expected names of benches ({', '.join(BENCHES)}), but got: {', '.join(unknown)}.")
    gc.collect()
    gc.freeze()  # as `sayso worker` does at its start
    measured: dict[str, list[Figure]] = {}
    for name in given.names or BENCHES:
        say(f"measuring {name} ...")
        measured[name] = list(BENCHES[name](Size(quick=given.quick)))
    print(_document(measured, quick=given.quick) if given.json else _table(measured, quick=given.quick))
    return 0


def _header(*, quick: bool) -> dict[str, Any]:
    module = sqlite_module()
    return {
        "sqlite": f"{module.sqlite_version} ({module.__name__})",
        "journal_mode": "WAL",
        "synchronous": SYNCHRONOUS,
        "python": platform.python_version(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "quick": quick,
        "method": "medians of repetitions by turns (ours, bare, ours, bare, ...); CPU is that of all threads; bare is"
        " one thread that makes the same commits with the same rows, tables and indexes and checks nothing;"
        " what is loaded at the start is kept from the garbage collector (gc.freeze), as in a worker",
    }


def _document(measured: Mapping[str, list[Figure]], *, quick: bool) -> str:
    figures = [
        {
            "bench": name,
            **asdict(figure),
            "aim": None if figure.aim is None else str(figure.aim),
            "ratio": figure.ratio,
            "met": figure.met,
        }
        for name, found in measured.items()
        for figure in found
    ]
    return json.dumps({**_header(quick=quick), "figures": figures}, indent=2)


def _table(measured: Mapping[str, list[Figure]], *, quick: bool) -> str:
    rows = [COLUMNS, *(_row(figure) for found in measured.values() for figure in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(w) if not place else cell.rjust(w)
            for place, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lines.insert(1, "-" * len(lines[0]))
    header = [f"{name}: {value}" for name, value in _header(quick=quick).items()]
    return "\n".join([*header, "", *lines])


def _row(figure: Figure) -> tuple[str, ...]:
    bare = (
        ""
        if figure.bare is None
        else f"{figure.bare:,.3g} {figure.unit}"
        if figure.bare < 1000
        else f"{figure.bare:,.0f} {figure.unit}"
    )
    ours = f"{figure.ours:,.3g} {figure.unit}" if abs(figure.ours) < 1000 else f"{figure.ours:,.0f} {figure.unit}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    aim = "" if figure.aim is None else str(figure.aim)
    return figure.what, ours, bare, ratio, aim, {None: "", True: "yes", False: "NO"}[figure.met]


if __name__ == "__main__":
    sys.exit(main())
