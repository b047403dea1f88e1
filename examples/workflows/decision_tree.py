"""Two decisions one after the other: four ways through the tree."""

from sayso import Condition, HumanReview, SqliteDb, Step, Workflow


def gather(step_input) -> str:
    return f"case {step_input.input}"


def said(what):
    return lambda step_input: f"{step_input.previous_step_content}, {what}"


def decision(name, message, yes, no) -> Condition:
    return Condition(
        steps=[Step(yes, said(yes))],
        else_steps=[Step(no, said(no))],
        name=name,
        human_review=HumanReview(requires_confirmation=True, confirmation_message=message),
    )


workflow = Workflow(
    "decision tree",
    steps=[
        gather,
        decision("urgency", "Is it urgent?", "express", "regular"),
        decision("payment", "Pay it back?", "refund", "voucher"),
        Step("report", lambda step_input: f"report: {step_input.previous_step_content}"),
    ],
    db=SqliteDb("examples.db"),
)

run = workflow.run(4711)
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
