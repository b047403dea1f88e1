"""Refunds as the demo knows them: reading a CSV file, and the policy that groups them."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from sayso.model.errors import Invalid

COLUMNS = (
    "refund_id",
    "order_id",
    "customer",
    "email",
    "amount",
    "currency",
    "reason",
    "purchased_on",
    "requested_on",
    "account",
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ACCOUNT = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}")


@dataclass(frozen=True, kw_only=True)
class Refund:
    """One row of the file."""

    refund_id: str
    order_id: str
    customer: str
    email: str
    amount: Decimal
    currency: str
    reason: str
    purchased_on: date
    requested_on: date
    account: str
    """Where the money goes; empty where a person has to enter it."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row that cannot be processed."""

    line: int
    column: str
    message: str
    row: str

    def __str__(self) -> str:
        return f"line {self.line}, column '{self.column}': {self.message}"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A file's rows: the good ones, and why the others are not."""

    refunds: list[Refund]
    problems: list[Problem]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Which refunds are paid without a person, which need one, and which are refused."""

    window: timedelta = timedelta(days=60)
    """Later requests are refused."""
    automatic_up_to: Decimal = Decimal(150)
    """Larger ones need a person."""
    suspicious: tuple[str, ...] = ("never arrived", "unknown charge")
    """Reasons that need a person whatever the amount."""


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What the policy made of a batch."""

    automatic: list[Refund]
    risky: list[Refund]
    incomplete: list[Refund]
    """Good ones without an account."""
    refused: list[tuple[Refund, str]]


def read_csv(path: Path) -> Batch:
    """Read a file; a bad row becomes a problem with its line and column, and none is lost.

    Raises:
        Invalid: The file cannot be read, or lacks a column.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise Invalid(
            f"Expected a UTF-8 CSV file at {path}, but: {exc}.", hint="Give another file with --input."
        ) from exc
    csv.field_size_limit(len(text) + 1)  # a field may be as long as the file: it is one bad row, not a crash
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="(more)", restval="")
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise Invalid(
            f"Expected the columns {', '.join(COLUMNS)} in {path}, but {', '.join(missing)} is missing.",
            hint="Add the columns to the file's first line.",
        )
    return _sorted_out(rows)


def _sorted_out(rows: "csv.DictReader[str]") -> Batch:
    refunds: list[Refund] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for row in rows:
        line = rows.line_num
        found = _read(row)
        if isinstance(found, Refund) and found.refund_id in seen:
            found = ("refund_id", f"'{found.refund_id}' stands already in line {seen[found.refund_id]}")
        if isinstance(found, Refund):
            refunds.append(found)
            seen[found.refund_id] = line
        else:
            column, message = found
            plain = ",".join(str(row.get(name, "")) for name in COLUMNS)
            problems.append(Problem(line=line, column=column, message=message, row=plain))
    return Batch(refunds=refunds, problems=problems)


def _read(row: Mapping[str, str]) -> Refund | tuple[str, str]:  # noqa: C901 - a check per column
    """Return the row's refund, or the column that is wrong with what was expected."""
    if row.get("(more)"):
        return "(more)", f"expected {len(COLUMNS)} values, got more"
    values = {name: (row[name] or "").strip() for name in COLUMNS}
    for name in ("refund_id", "order_id", "customer", "reason"):
        if not values[name]:
            return name, "expected a value, got nothing"
    if not _EMAIL.fullmatch(values["email"]):
        return "email", f"expected an e-mail address, got {values['email']!r}"
    if not re.fullmatch("[A-Z]{3}", values["currency"]):
        return "currency", f"expected three capital letters, got {values['currency']!r}"
    if values["account"] and account_problem(values["account"]):
        return "account", str(account_problem(values["account"]))
    amount = _amount(values["amount"])
    if amount is None:
        return "amount", f"expected a number above 0 with at most two decimals, got {values['amount']!r}"
    dates: dict[str, date] = {}
    for name in ("purchased_on", "requested_on"):
        try:
            dates[name] = date.fromisoformat(values[name])
        except ValueError:
            return name, f"expected a date like 2026-05-31, got {values[name]!r}"
    return Refund(**{**values, **dates, "amount": amount})  # pyright: ignore[reportArgumentType] - checked field by field above


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount > 0 and amount == round(amount, 2) else None


def account_problem(account: str) -> str | None:
    """Return what is wrong with an account number; None when nothing is."""
    if _ACCOUNT.fullmatch(account):
        return None
    return f"expected two letters, two digits and 8 to 30 more characters, got {account!r}"


def grouped(refunds: Iterable[Refund], policy: Policy) -> Groups:
    """Group refunds by the policy."""
    groups = Groups(automatic=[], risky=[], incomplete=[], refused=[])
    for refund in refunds:
        why = _refusal(refund, policy)
        if why is not None:
            groups.refused.append((refund, why))
        elif not refund.account:
            groups.incomplete.append(refund)
        elif refund.amount > policy.automatic_up_to or refund.reason in policy.suspicious:
            groups.risky.append(refund)
        else:
            groups.automatic.append(refund)
    return groups


def _refusal(refund: Refund, policy: Policy) -> str | None:
    if refund.requested_on < refund.purchased_on:
        return "requested before the purchase"
    if refund.requested_on - refund.purchased_on > policy.window:
        return f"requested more than {policy.window.days} days after the purchase"
    return None


def total(refunds: Iterable[Refund]) -> str:
    """Return the sums by currency, e.g. `EUR 1,234.50, USD 20.00`."""
    sums: dict[str, Decimal] = {}
    for refund in refunds:
        sums[refund.currency] = sums.get(refund.currency, Decimal(0)) + refund.amount
    return ", ".join(f"{currency} {amount:,.2f}" for currency, amount in sorted(sums.items())) or "nothing"
