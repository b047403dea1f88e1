"""The chosen way's output is reviewed: approve it, take another way, or cancel the run."""

from sayso import HumanReview, OnReject, Router, SqliteDb, Step, Workflow


def said(what):
    return lambda step_input: f"{what} about {step_input.input}"


router = Router(
    choices=[Step("poem", said("a poem")), Step("essay", said("an essay"))],
    selector=lambda step_input: "poem",
    name="style",
    human_review=HumanReview(requires_output_review=True, on_reject=OnReject.retry),
)
workflow = Workflow("router review", steps=[router], db=SqliteDb("examples.db"))

run = workflow.run("rain")
while run.is_paused:
    for requirement in run.steps_requiring_output_review:
        print(requirement.step_output.content)
        match input("[a]pprove, another [w]ay, [c]ancel: "):
            case "a":
                requirement.confirm()
            case "c":
                requirement.on_reject = "cancel"
                requirement.reject()
            case _:
                requirement.reject()
    for requirement in run.steps_requiring_route:
        requirement.select(input(f"{requirement.user_input_message}: "))
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
