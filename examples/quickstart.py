"""A refund that waits for a person: run it, and it stops before the money leaves."""

from sayso import HumanReview, SqliteDb, Step, StepInput, Workflow


def compute(step_input: StepInput) -> float:
    return round(step_input.input * 0.9, 2)


def pay(step_input: StepInput) -> str:
    return f"paid {step_input.previous_step_content}"


gate = HumanReview(requires_confirmation=True, confirmation_message="Pay it out?", timeout=86400, on_timeout="cancel")
refunds = Workflow("refunds", steps=[compute, Step("pay", pay, human_review=gate)], db=SqliteDb("refunds.db"))

run = refunds.run(120.0)
print(run.status, "-", run.step_requirements[-1].confirmation_message)
run.step_requirements[-1].confirm()
print(refunds.continue_run(run).content)
