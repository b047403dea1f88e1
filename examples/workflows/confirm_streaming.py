"""The same pause while streaming: the event comes once the question is stored, so the listener may leave."""

from sayso import HumanReview, OnReject, SqliteDb, Step, StepInput, Workflow
from sayso.workflow import StepPausedEvent, WorkflowCancelledEvent, WorkflowCompletedEvent


def fetch(step_input: StepInput) -> str:
    return f"records of {step_input.input}"


def process(step_input: StepInput) -> str:
    return f"processed {step_input.previous_step_content}"


review = HumanReview(requires_confirmation=True, confirmation_message="Process?", on_reject=OnReject.cancel)
workflow = Workflow(
    "confirm streaming", steps=[fetch, Step("process", process, human_review=review)], db=SqliteDb("examples.db")
)


def show(events) -> None:
    for event in events:
        match event:
            case StepPausedEvent():
                print("paused at", event.step_name)
            case WorkflowCompletedEvent():
                print("completed:", event.content)
            case WorkflowCancelledEvent():
                print("cancelled:", event.reason)


show(workflow.run("customers", session_id="desk", stream=True, stream_events=True))
run = workflow.get_session("desk").runs[-1]
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    show(workflow.continue_run(run, stream=True, stream_events=True))
    run = workflow.get_session("desk").runs[-1]
