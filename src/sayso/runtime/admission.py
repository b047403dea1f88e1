"""What a trigger lets in: an address, a size of input, and how many starts in a minute, in a day, and at once.

The counts are of the rows themselves, in the transaction of the start, so that several processes keep one limit.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sayso.model.registry import Trigger
from sayso.model.requesterrors import AddressNotAllowed, ConcurrencyLimited, InputTooLarge, RateLimited
from sayso.runtime.ports import Transaction

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A start as it arrives."""

    address: str
    input_bytes: int


def refuse_arrival(trigger: Trigger, arrival: Arrival) -> None:
    """Refuse what can be refused without counting.

    Raises:
        AddressNotAllowed: The trigger has a list of addresses, and this one is not on it.
        InputTooLarge: The input is estimated at more tokens than the trigger takes.
    """
    settings = trigger.settings
    if settings.ip_whitelist and not any(_within(arrival.address, network) for network in settings.ip_whitelist):
        raise AddressNotAllowed("Expected an address that the trigger lets in, but this one is not on its list.")
    tokens = -(-arrival.input_bytes // _BYTES_PER_TOKEN)
    if settings.max_input_tokens and tokens > settings.max_input_tokens:
        raise InputTooLarge(
            f"Expected an input of at most {settings.max_input_tokens} tokens, but it is estimated at {tokens}."
        )


def _within(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def counting(trigger: Trigger, now: datetime) -> Callable[[Transaction], None]:
    """Return the check that refuses a start beyond the trigger's counts.

    Raises:
        RateLimited: It has started as many in the last minute, or day; the error says after how many seconds the next
            one is let through.
        ConcurrencyLimited: As many of its runs are at work; those that wait for people do not count.
    """
    settings = trigger.settings

    def check(tx: Transaction) -> None:
        used_up: list[tuple[int, int, str]] = []
        for most, span, name in ((settings.rpm_limit, _MINUTE, "minute"), (settings.rpd_limit, _DAY, "day")):
            last = tx.started_before(trigger.id, since=now - span, beyond=most - 1) if most else None
            if most and last is not None:
                used_up.append((seconds_until(last + span, now), most, name))
        if used_up:
            wait, most, name = max(used_up)
            raise RateLimited(
                f"Expected at most {most} starts a {name} by trigger '{trigger.name}', but they are used up.",
                retry_after=wait,
                limit=most,
            )
        most = settings.max_concurrent_runs
        if most and tx.at_work(trigger.id) >= most:
            raise ConcurrencyLimited(
                f"Expected fewer than {most} runs of trigger '{trigger.name}' at work, but there are as many.",
                retry_after=1,
            )

    return check


def headers_of(trigger: Trigger | None, tx: Transaction, now: datetime) -> dict[str, str]:
    """Return what a client is told of its limit, by the names of the RateLimit headers; nothing where it has none.

    `RateLimit-Reset` says when the next of the starts that are counted is counted no more.
    """
    if trigger is None or not trigger.settings.rpm_limit:
        return {}
    most = trigger.settings.rpm_limit
    since = now - _MINUTE
    used = tx.started_since(trigger.id, since=since)
    first = tx.started_before(trigger.id, since=since, beyond=min(used, most) - 1) if used else None
    reset = 0 if first is None else seconds_until(first + _MINUTE, now)
    left = max(most - used, 0)
    return {"RateLimit-Limit": str(most), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(reset)}


def seconds_until(then: datetime, now: datetime) -> int:
    """Return the whole seconds after which a time has come, and none too few."""
    return max(ceil((then - now) / timedelta(seconds=1)), 0)
