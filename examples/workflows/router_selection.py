"""A person chooses one of several ways."""

from sayso import HumanReview, Router, SqliteDb, Step, Workflow


def said(what):
    return lambda step_input: f"{what} of {step_input.input}"


router = Router(
    choices=[
        Step("quick", said("a quick look")),
        Step("deep", said("a deep look")),
        Step("custom", said("a custom look")),
    ],
    name="analysis",
    human_review=HumanReview(requires_user_input=True, user_input_message="Which analysis?"),
)
workflow = Workflow("router selection", steps=[router], db=SqliteDb("examples.db"))

run = workflow.run("sales")
while run.is_paused:
    for requirement in run.steps_requiring_route:
        choice = input(f"{requirement.user_input_message} {', '.join(requirement.available_choices)}: ")
        try:
            requirement.select(choice)
        except ValueError as error:
            print(error)
            continue
        run = workflow.continue_run(run)
print(run.status, "-", run.content)
