"""Values while streaming: an answer that does not fit says why, loses nothing, and is asked for again."""

from sayso import SqliteDb, StepInput, UserInputField, Workflow, pause
from sayso.workflow import StepPausedEvent, WorkflowCompletedEvent


@pause(requires_user_input=True, user_input_schema=[UserInputField("city"), UserInputField("days", "int")])
def forecast(step_input: StepInput) -> str:
    asked = step_input.additional_data["user_input"]
    return f"{asked['days']} sunny days in {asked['city']}"


workflow = Workflow("input streaming", steps=[forecast], db=SqliteDb("examples.db"))


def show(events) -> None:
    for event in events:
        match event:
            case StepPausedEvent():
                print("asked for", ", ".join(field["name"] for field in event.user_input_schema))
            case WorkflowCompletedEvent():
                print("completed:", event.content)


show(workflow.run(session_id="desk", stream=True))
run = workflow.get_last_run_output("desk")
while run.is_paused:
    for requirement in run.steps_requiring_user_input:
        days = input("days: ")
        try:
            requirement.set_user_input(city=input("city: "), days=int(days) if days.isdigit() else days)
        except ValueError as error:
            print(error)
            continue
        show(workflow.continue_run(run, stream=True))
        run = workflow.get_last_run_output("desk")
