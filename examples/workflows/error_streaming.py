"""A failure while streaming: a StepErrorEvent tells that the run waits for retry or skip."""

from sayso import HumanReview, OnError, SqliteDb, Step, StepInput, Workflow
from sayso.workflow import StepErrorEvent, WorkflowCompletedEvent

attempts = 0


def call_service(step_input: StepInput) -> str:
    global attempts
    attempts += 1
    if attempts < 2:
        raise TimeoutError("no answer")
    return f"rates for {step_input.input}"


workflow = Workflow(
    "error streaming",
    steps=[Step("call service", call_service, human_review=HumanReview(on_error=OnError.pause))],
    db=SqliteDb("examples.db"),
)


def show(events) -> None:
    for event in events:
        match event:
            case StepErrorEvent():
                print(f"{event.step_name} failed: {event.error}")
            case WorkflowCompletedEvent():
                print("completed:", event.content)


show(workflow.run("today", session_id="desk", stream=True))
run = workflow.get_last_run_output("desk")
while run.is_paused:
    for requirement in run.active_error_requirements:
        if input("Try again? [y/n] ") == "y":
            requirement.retry()
        else:
            requirement.skip()
    show(workflow.continue_run(run, stream=True))
    run = workflow.get_last_run_output("desk")
