"""Registered programs, and definitions across deploys: refused where they lost what a run stands on, else recorded."""

import json
from datetime import datetime
from typing import Protocol

from sayso.core.codec import json_bytes
from sayso.core.fingerprint import changes, fingerprint
from sayso.model.errors import DefinitionChanged, ProgramUnknown
from sayso.model.runs import Run
from sayso.programs.context import Program
from sayso.runtime.ports import Store, Transaction
from sayso.runtime.record import Record


class Resolver(Protocol):
    """Makes programs that nobody has registered: those of agents made as data."""

    def find(self, name: str) -> Program | None:
        """Return the program of a name; None when it is none of these."""
        ...


class Programs:
    """The programs that this process can run, by name."""

    def __init__(self) -> None:
        self._programs: dict[str, Program] = {}
        self.resolver: Resolver | None = None
        """Asked for what is not registered."""
        self.fingerprints: dict[str, str] = {}
        """The fingerprint of each definition that was met so far, by name."""

    def register(self, program: Program) -> None:
        """Take in a program; a later one of the same name takes its place."""
        self._programs[program.name] = program
        self.fingerprints[program.name] = fingerprint(program.shape())

    def names(self) -> tuple[str, ...]:
        """Return the names of what is registered."""
        return tuple(self._programs)

    def has(self, program: Program) -> bool:
        """Tell whether this very object is what runs under its name."""
        return self._programs.get(program.name) is program

    def find(self, name: str) -> tuple[Program, str]:
        """Return a program and its fingerprint.

        Raises:
            ProgramUnknown: None is registered under this name.
        """
        found = self._programs.get(name)
        if found is None and self.resolver is not None:
            found = self.resolver.find(name)
            if found is not None and name not in self.fingerprints:
                self.fingerprints[name] = fingerprint(found.shape())
        if found is None:
            raise ProgramUnknown(
                f"Expected a registered program named '{name}', but this process has none.", program=name
            )
        return found, self.fingerprints[name]

    def fingerprint_of(self, name: str) -> str:
        """Return a program's fingerprint, or raise as `find` does."""
        return self.find(name)[1]


async def adopt_definition(
    store: Store, run: Run, record: Record, shape: bytes | None, program: Program, print_: str, now: datetime
) -> None:
    """Let a leased run go on with the definition at hand, and record it where it is another one.

    Raises:
        DefinitionChanged: The definition lost what the run stands on; nothing was changed.
    """
    if run.fingerprint == print_:
        return
    refuse_changes(run, record, shape, program)

    def adopt(tx: Transaction) -> None:
        tx.save_definition(print_, run.program, json_bytes(dict(program.shape())), now=now)
        tx.set_fingerprint(run.id, print_, epoch=run.epoch)

    await store.run(adopt)


def refuse_changes(run: Run, record: Record, shape: bytes | None, program: Program) -> None:
    """Refuse a definition without every step that the run stands on.

    Raises:
        DefinitionChanged: Naming each step that is gone or is something else now.
    """
    stored: dict[str, str] = {} if shape is None else json.loads(shape)
    found = changes(stored, program.shape(), record.used_keys())
    if found:
        raise DefinitionChanged(
            f"Expected the definition of '{run.program}' to still have every step that run {run.id} stands on,"
            f" but {'; '.join(found)}.",
            run_id=run.id,
            changes=found,
        )
