"""The demo's payment system: an append-only file, one line per payment, synced before it counts.

It honours an idempotency key, as a real payment provider does: a payment whose key is in the file is not made
again. A line that a crash has torn is no payment.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sayso.cli.demo.refunds import Refund


@dataclass(frozen=True, kw_only=True)
class Payment:
    """One line of the ledger."""

    key: str
    refund_id: str
    customer: str
    account: str
    amount: str
    currency: str


class Ledger:
    """Pays by appending to a file.

    Args:
        path: The file, created when missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def pay(self, refund: Refund, account: str, key: str) -> bool:
        """Make a payment, durably; False when the key has paid already."""
        if any(payment.key == key for payment in self.payments()):
            return False
        payment = Payment(
            key=key,
            refund_id=refund.refund_id,
            customer=refund.customer,
            account=account,
            amount=str(refund.amount),
            currency=refund.currency,
        )
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            torn = os.fstat(handle).st_size > 0 and os.pread(handle, 1, os.fstat(handle).st_size - 1) != b"\n"
            line = json.dumps(asdict(payment), ensure_ascii=False) + "\n"
            os.write(handle, (("\n" if torn else "") + line).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        return True

    def payments(self) -> list[Payment]:
        """Return every payment, in order."""
        if not self._path.exists():
            return []
        found = [_payment(line) for line in self._path.read_text("utf-8", "replace").splitlines()]
        return [payment for payment in found if payment is not None]

    def check(self) -> dict[str, int]:
        """Count payments, distinct refunds, and refunds that were paid more than once."""
        paid = [payment.refund_id for payment in self.payments()]
        return {"payments": len(paid), "distinct": len(set(paid)), "doubled": len(paid) - len(set(paid))}


def _payment(line: str) -> Payment | None:
    try:
        plain: Any = json.loads(line)
        return Payment(**plain)
    except (ValueError, TypeError):
        return None
