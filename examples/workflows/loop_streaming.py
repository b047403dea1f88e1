"""A gated loop while streaming, with an event for each pass."""

from sayso import HumanReview, Loop, SqliteDb, Step, StepInput, Workflow


def refine(step_input: StepInput) -> str:
    return f"{step_input.previous_step_content or step_input.input}+"


refining = Loop(
    [Step("refine", refine)],
    name="refining",
    max_iterations=2,
    forward_iteration_output=True,
    human_review=HumanReview(requires_confirmation=True),
)
workflow = Workflow("loop streaming", steps=[refining], db=SqliteDb("examples.db"))


def show(events) -> None:
    for event in events:
        print(event.event, getattr(event, "iteration", None) or "")


show(workflow.run("letter", session_id="desk", stream=True, stream_events=True))
run = workflow.get_last_run_output("desk")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    show(workflow.continue_run(run, stream=True, stream_events=True))
    run = workflow.get_last_run_output("desk")
print(run.status, "-", run.content)
