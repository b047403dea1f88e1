"""A choice may be a list of steps: a package that is chosen, and runs, as one."""

from sayso import HumanReview, Router, SqliteDb, Step, Steps, Workflow


def said(what):
    return lambda step_input: f"{step_input.previous_step_content or step_input.input}, {what}"


router = Router(
    choices=[
        Step("basic", said("checked")),
        [Step("scan", said("scanned")), Step("sort", said("sorted"))],  # its name: steps_group_1
        Steps("premium", steps=[Step("audit", said("audited")), Step("sign", said("signed"))]),
    ],
    name="package",
    human_review=HumanReview(requires_user_input=True, user_input_message="Which package?"),
)
workflow = Workflow("router nested", steps=[router], db=SqliteDb("examples.db"))

run = workflow.run("papers")
while run.is_paused:
    for requirement in run.steps_requiring_route:
        print(requirement.available_choices)
        requirement.select(input(f"{requirement.user_input_message} "))
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
