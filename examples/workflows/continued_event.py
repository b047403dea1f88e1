"""Every event by name: StepPaused, and behind the decision StepContinued before StepStarted."""

from sayso import HumanReview, SqliteDb, Step, StepInput, Workflow


def fetch(step_input: StepInput) -> str:
    return f"records of {step_input.input}"


def process(step_input: StepInput) -> str:
    return f"processed {step_input.previous_step_content}"


review = HumanReview(requires_confirmation=True)
workflow = Workflow(
    "continued event", steps=[fetch, Step("process", process, human_review=review)], db=SqliteDb("examples.db")
)

for event in workflow.run("customers", session_id="desk", stream=True, stream_events=True):
    print(event.event, event.step_name or "")
run = workflow.get_last_run_output("desk")
run.steps_requiring_confirmation[0].confirm()
for event in workflow.continue_run(run, stream=True, stream_events=True):
    print(event.event, event.step_name or "")
