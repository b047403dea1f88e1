"""A person chooses several ways, which run in the chosen order, each with the output of the one before."""

from sayso import HumanReview, Router, SqliteDb, Step, Workflow


def said(what):
    return lambda step_input: f"{step_input.previous_step_content or step_input.input}, {what}"


router = Router(
    choices=[Step("clean", said("cleaned")), Step("merge", said("merged")), Step("rank", said("ranked"))],
    name="processing",
    human_review=HumanReview(requires_user_input=True, allow_multiple_selections=True),
)
workflow = Workflow("router multiple", steps=[router], db=SqliteDb("examples.db"))

run = workflow.run("data")
while run.is_paused:
    for requirement in run.steps_requiring_route:
        answer = input(f"{requirement.user_input_message} (several with commas): ")
        requirement.select_multiple([choice.strip() for choice in answer.split(",")])
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
