"""The refund desk as a workflow: read, check, pay, ask people three times, report."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sayso.app.database import SqliteDb
from sayso.app.workflow import Workflow
from sayso.cli.demo.ledger import Ledger
from sayso.cli.demo.refunds import Batch, Groups, Policy, Refund, account_problem, grouped, read_csv, total
from sayso.programs.workflow.primitives import Step
from sayso.programs.workflow.review import HumanReview, OnReject, UserInputField
from sayso.programs.workflow.values import RunContext, StepInput

NAME = "refund desk"
POLICY = Policy()


@dataclass
class Desk:
    """Where the desk works; handed to the steps as a dependency."""

    folder: Path
    crash: bool = False
    """Whether to die in the middle of the risky payouts."""

    @property
    def input(self) -> Path:
        """The file of refunds."""
        return self.folder / "refunds.csv"

    @property
    def report(self) -> Path:
        """The report that the last step writes."""
        return self.folder / "report.md"

    @property
    def ledger(self) -> Ledger:
        """The payments."""
        return Ledger(self.folder / "ledger.jsonl")


def build(db: SqliteDb, desk: Desk) -> Workflow:
    """Return the desk's workflow; its questions name the numbers of the file that it will read.

    Raises:
        Invalid: The file cannot be read.
    """
    groups = grouped(read_csv(desk.input).refunds, POLICY)
    steps = [Step("read", read), Step("check", check), Step("pay automatic", pay_automatic)]
    if groups.risky:
        steps.append(Step("pay risky", pay_risky, human_review=_confirm(groups.risky)))
    if groups.incomplete:
        steps += [
            Step("accounts", take_accounts, human_review=_accounts(groups.incomplete)),
            Step("pay completed", pay_completed),
        ]
    steps += [Step("letter", letter, human_review=_letter()), Step("report", report)]
    return Workflow(NAME, db=db, steps=steps, dependencies={"desk": desk})


def _confirm(risky: Sequence[Refund]) -> HumanReview:
    return HumanReview(
        requires_confirmation=True,
        confirmation_message=f"Pay {len(risky)} risky refunds, {total(risky)} in total?",
        on_reject=OnReject.skip,
    )


def _accounts(incomplete: Sequence[Refund]) -> HumanReview:
    fields = [
        UserInputField(
            _field(refund), "str", description=f"account of {refund.customer} for {refund.currency} {refund.amount}"
        )
        for refund in incomplete
    ]
    return HumanReview(
        requires_user_input=True,
        user_input_message=f"Enter the missing account of {len(incomplete)} refund(s)",
        user_input_schema=fields,
        on_reject=OnReject.skip,
    )


def _letter() -> HumanReview:
    return HumanReview(
        requires_output_review=True,
        output_review_message="Send this summary letter?",
        on_reject=OnReject.retry,
        max_retries=0,
    )


def read(step_input: StepInput, run_context: RunContext) -> Batch:
    """Read the file."""
    return read_csv(_desk(run_context).input)


def check(step_input: StepInput) -> Groups:
    """Check every refund against the policy."""
    return grouped(step_input.get_step_content("read").refunds, POLICY)


def pay_automatic(step_input: StepInput, run_context: RunContext) -> int:
    """Pay what needs nobody."""
    return _pay(step_input.get_step_content("check").automatic, {}, run_context)


def pay_risky(step_input: StepInput, run_context: RunContext) -> int:
    """Pay what a person has confirmed."""
    risky = step_input.get_step_content("check").risky
    return _pay(risky, {}, run_context, die_after=(len(risky) + 1) // 2 if _desk(run_context).crash else None)


def take_accounts(step_input: StepInput) -> dict[str, str]:
    """Take the accounts that a person entered, by refund."""
    given = step_input.additional_data["user_input"]
    accounts: dict[str, str] = {}
    for refund in step_input.get_step_content("check").incomplete:
        account = given[_field(refund)].replace(" ", "").upper()
        if account_problem(account) is None:
            accounts[refund.refund_id] = account
    return accounts


def pay_completed(step_input: StepInput, run_context: RunContext) -> int:
    """Pay the refunds whose account is known now."""
    accounts: dict[str, str] = step_input.get_step_content("accounts") or {}
    complete = [refund for refund in step_input.get_step_content("check").incomplete if refund.refund_id in accounts]
    return _pay(complete, accounts, run_context)


def letter(step_input: StepInput, run_context: RunContext) -> str:
    """Draft the summary letter; a reviewer's feedback becomes a paragraph of the next draft."""
    groups: Groups = step_input.get_step_content("check")
    checked = _desk(run_context).ledger.check()
    lines = [
        "Dear finance team,",
        "",
        f"today the refund desk paid {checked['payments']} refunds.",
        f"{len(groups.refused)} requests were refused by the policy.",
    ]
    feedback = step_input.additional_data.get("rejection_feedback")
    if feedback:
        lines += ["", f"You asked us to consider: {feedback}"]
    return "\n".join([*lines, "", "Yours sincerely, the refund desk"])


def report(step_input: StepInput, run_context: RunContext) -> str:
    """Write the report: the letter, what was paid and refused, and the rows that could not be read."""
    desk = _desk(run_context)
    batch: Batch = step_input.get_step_content("read")
    groups: Groups = step_input.get_step_content("check")
    paid = {payment.refund_id for payment in desk.ledger.payments()}
    unpaid = [refund for refund in [*groups.risky, *groups.incomplete] if refund.refund_id not in paid]
    lines = ["# Refund report", "", step_input.get_step_content("letter") or "(no letter)", "", "## Paid", ""]
    lines += [f"- {payment.refund_id}: {payment.currency} {payment.amount}" for payment in desk.ledger.payments()]
    lines += ["", "## Refused by the policy", ""]
    lines += [f"- {refund.refund_id}: {why}" for refund, why in groups.refused]
    lines += ["", "## Not paid: rejected, or no account", ""]
    lines += [f"- {refund.refund_id}: {refund.currency} {refund.amount}" for refund in unpaid]
    lines += ["", "## Not processed: bad rows", "", *[f"- {problem}" for problem in batch.problems]]
    partial = desk.report.with_suffix(".tmp")
    partial.write_text("\n".join(lines) + "\n", "utf-8")
    partial.replace(desk.report)
    return str(desk.report)


def _pay(refunds: Sequence[Refund], accounts: dict[str, str], run: RunContext, die_after: int | None = None) -> int:
    """Pay each refund once: the key is the same however often this step has to be executed."""
    ledger = _desk(run).ledger
    for number, refund in enumerate(refunds, 1):
        ledger.pay(refund, accounts.get(refund.refund_id, refund.account), f"{run.idempotency_key}:{refund.refund_id}")
        if number == die_after:
            _die(number, len(refunds))
    return len(refunds)


def _die(number: int, count: int) -> None:
    """End this process at the worst moment: a payment is made, and nothing of it is journaled."""
    sys.stdout.write(
        f"\nSIGKILL now: payment {number} of {count} is in the ledger, and nothing of this step is in the journal.\n"
        "Run `sayso demo` again (without --crash, in the same directory): it goes on, and pays nothing twice.\n"
    )
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def _field(refund: Refund) -> str:
    return "account_" + "".join(char if char.isalnum() else "_" for char in refund.refund_id)


def _desk(run_context: RunContext) -> Desk:
    return run_context.dependencies["desk"]
