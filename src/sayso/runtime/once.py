"""Doing once what may be asked for several times: the act and its remembered answer are one transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sayso.model.requesterrors import KeyReused
from sayso.model.requests import Answered, Ticket
from sayso.runtime.ports import Transaction

REMEMBERED = timedelta(hours=24)
"""How long an answer is remembered."""

Unit = Callable[[Transaction], tuple[int, bytes]]
"""An act: it returns the HTTP status and the body of its answer."""


def once(unit: Unit, ticket: Ticket | None, now: datetime) -> Callable[[Transaction], Answered]:
    """Return a unit that acts the first time, and afterwards returns what was answered then.

    A refused act is not remembered: it changed nothing, and may be tried again under the same key.

    Args:
        unit: The act.
        ticket: The request; None acts every time.
        now: The time.

    Raises:
        KeyReused: The key came with another request before. (When the unit runs.)
    """

    def run(tx: Transaction) -> Answered:
        found = None if ticket is None else tx.requests.find(ticket)
        if ticket is not None and found is not None and now - found.at < REMEMBERED:
            if found.digest != ticket.digest:
                raise KeyReused(
                    f"Expected the request that first came with Idempotency-Key {ticket.key!r}, but this is another."
                )
            return found
        status, body = unit(tx)
        if ticket is not None:
            tx.requests.remember(ticket, status, body, now)
        return Answered(digest="", status=status, body=body, at=now)

    return run
