"""A decision, a gated loop and another decision: three pauses of one run."""

from sayso import Condition, HumanReview, Loop, SqliteDb, Step, Workflow


def said(what):
    return lambda step_input: f"{step_input.previous_step_content or step_input.input}, {what}"


def ask(message) -> HumanReview:
    return HumanReview(requires_confirmation=True, confirmation_message=message)


workflow = Workflow(
    "decision tree mixed",
    steps=[
        Condition(
            steps=[Step("deep", said("deep scan"))],
            else_steps=[Step("light", said("light scan"))],
            name="scan",
            human_review=ask("Scan in depth?"),
        ),
        Loop(
            [Step("polish", said("polished"))],
            name="polishing",
            max_iterations=2,
            forward_iteration_output=True,
            human_review=ask("Polish it twice?"),
        ),
        Condition(
            steps=[Step("publish", said("published"))],
            else_steps=[Step("file", said("filed"))],
            name="publishing",
            human_review=ask("Publish it?"),
        ),
        Step("report", said("reported")),
    ],
    db=SqliteDb("examples.db"),
)

run = workflow.run("draft")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
