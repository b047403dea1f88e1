"""`@pause` asks for values before the function runs; they arrive in `additional_data["user_input"]`."""

from sayso import SqliteDb, StepInput, UserInputField, Workflow, pause


def load(step_input: StepInput) -> list[float]:
    return [0.2, 0.7, 0.9]


@pause(
    requires_user_input=True,
    user_input_message="How should it be filtered?",
    user_input_schema=[
        UserInputField("threshold", "float", "keep values above"),
        UserInputField("mode", "str", "fast or exact", allowed_values=["fast", "exact"], value="fast", required=False),
    ],
)
def keep(step_input: StepInput) -> str:
    chosen = step_input.additional_data["user_input"]
    kept = [value for value in step_input.previous_step_content if value > chosen["threshold"]]
    return f"{kept}, {chosen['mode']}"


workflow = Workflow("input values", steps=[load, keep], db=SqliteDb("examples.db"))

run = workflow.run()
while run.is_paused:
    for requirement in run.steps_requiring_user_input:
        print(requirement.user_input_message)
        requirement.set_user_input(threshold=float(input("threshold: ")), mode=input("mode: ") or "fast")
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
