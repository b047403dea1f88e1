"""Approve, send back with feedback (at most twice), or cancel the run from the review itself."""

from sayso import HumanReview, OnReject, SqliteDb, Step, StepInput, Workflow


def draft(step_input: StepInput) -> str:
    feedback = step_input.additional_data.get("rejection_feedback")
    return f"draft of {step_input.input}" + (f", {feedback}" if feedback else "")


def publish(step_input: StepInput) -> str:
    return f"published: {step_input.previous_step_content}"


review = HumanReview(requires_output_review=True, on_reject=OnReject.retry, max_retries=2)
workflow = Workflow(
    "output full cycle", steps=[Step("draft", draft, human_review=review), publish], db=SqliteDb("examples.db")
)

run = workflow.run("the post")
while run.is_paused:
    for requirement in run.steps_requiring_output_review:
        print(f"{requirement.step_output.content} (sent back {requirement.retry_count} of {requirement.max_retries})")
        match input("[a]pprove, [c]ancel, or feedback: "):
            case "a":
                requirement.confirm()
            case "c":
                requirement.on_reject = "cancel"
                requirement.reject()
            case feedback:
                requirement.reject(feedback=feedback)
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
