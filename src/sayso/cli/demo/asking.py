"""Asking on the terminal, while the same question can be decided elsewhere.

One thread reads lines; a question takes the lines that come while it is open. When the task is decided elsewhere
first, the question is dropped and its decider named.
"""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable

from sayso.cli.cards import card
from sayso.cli.text import safe
from sayso.core.forms import parse, problems
from sayso.core.ledger import HAPPENED, NOT_HAPPENED, STOP
from sayso.model.decisions import Answer, Approve, Choose, Edit, Reject, Verdict
from sayso.model.errors import Invalid
from sayso.model.tasks import (
    ApprovalRequest,
    FormRequest,
    OutputReviewRequest,
    TaskStatus,
    TextRequest,
    UncertainRequest,
    UserTask,
)

Say = Callable[[str], None]
Line = Callable[[str], Awaitable[str]]


class EndOfInput(Exception):
    """Standard input has ended."""


class Lines:
    """Lines of standard input, read by one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._started = False

    async def ask(self, prompt: str) -> str:
        """Print a prompt and return the next line.

        Raises:
            EndOfInput: There is none.
        """
        if not self._started:
            self._started = True
            threading.Thread(target=self._read, name="sayso-stdin", daemon=True).start()
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = await self._queue.get()
        if line is None:
            self._queue.put_nowait(None)
            raise EndOfInput
        return line.strip()

    def _read(self) -> None:
        for line in sys.stdin:
            self._put(line)
        self._put(None)

    def _put(self, line: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, line)
        except RuntimeError:  # the program has ended
            return


async def ask(task: UserTask, line: Line, say: Say, *, at: str = "") -> Verdict:
    """Ask one question until there is an answer that fits.

    Raises:
        EndOfInput: Nobody is at this terminal.
    """
    _show(card(task, TaskStatus.PENDING, at=at), say)
    match task.spec.request:
        case ApprovalRequest():
            return await _approval(line, say)
        case FormRequest() as request:
            return await _form(request, line, say)
        case OutputReviewRequest() as request:
            return await _review(request, line, say)
        case TextRequest():
            return await _text(line, say)
        case UncertainRequest():
            return await _what_happened(line, say)
        case other:
            raise Invalid(
                f"Expected a question of the demo, but task {task.id} is of kind '{other.kind}'.",
                hint=f"Decide it with: sayso tasks show {task.id}",
            )


def _show(text: str, say: Say) -> None:
    """Show a card: set off by a line and a bold question in a terminal, plain elsewhere."""
    if not sys.stdout.isatty():
        say(f"\n{text}\n")
        return
    from rich.console import Console  # Lazy: only terminals need it.
    from rich.text import Text

    question, _, rest = text.partition("\n")
    console = Console()
    console.print()
    console.rule("a person is needed", style="yellow")
    console.print(Text(question, style="bold"))
    console.print(Text(rest), soft_wrap=True)
    console.print()


async def _approval(line: Line, say: Say) -> Verdict:
    while True:
        said = (await line("Go ahead? [y/n] ")).lower()
        if said in {"y", "yes"}:
            return Approve()
        if said in {"n", "no"}:
            return Reject(note=await line("Why not? ") or None)
        say("Please answer y or n.")


async def _form(request: FormRequest, line: Line, say: Say) -> Verdict:
    values: dict[str, object] = {}
    for field in request.fields:
        while True:
            text = await line(f"{safe(field.description or field.name)} (or 'none' to go on without): ")
            if text.lower() == "none":
                return Reject(note="not known")
            found = problems([field], {field.name: parse(field, text)})
            if not found:
                values[field.name] = parse(field, text)
                break
            say("; ".join(found))
    return Answer(values=values)  # pyright: ignore[reportArgumentType] - parsed as JSON values


async def _what_happened(line: Line, say: Say) -> Verdict:
    while True:
        said = await line(f"{HAPPENED}, {NOT_HAPPENED} or {STOP}? ")
        if said in {HAPPENED, NOT_HAPPENED, STOP}:
            return Choose(choices=(said,))
        say("Please answer with one of the three words.")


async def _text(line: Line, say: Say) -> Verdict:
    while True:
        said = await line("Your answer (or 'none' to decline): ")
        if said.lower() == "none":
            return Reject(note="not known")
        if said:
            return Answer(values={"value": said})
        say("Please answer something.")


async def _review(request: OutputReviewRequest, line: Line, say: Say) -> Verdict:
    while True:
        said = (await line("[a]ccept, [e]dit, or [r]eject with a reason? ")).lower()
        if said in {"a", "accept"}:
            return Approve()
        if said in {"r", "reject"}:
            return Reject(note=await line("What should change? ") or None)
        if said in {"e", "edit"}:
            say("Type the new text; a single dot ends it.")
            lines: list[str] = []
            while (text := await line("> ")) != ".":
                lines.append(text)
            return Edit(content="\n".join(lines) or request.output)
        say("Please answer a, e or r.")
