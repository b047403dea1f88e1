"""A flaky service fails: a person has it tried again, or goes on without it."""

from sayso import HumanReview, OnError, SqliteDb, Step, StepInput, Workflow

attempts = 0


def call_service(step_input: StepInput) -> str:
    global attempts
    attempts += 1
    if attempts < 3:
        raise TimeoutError(f"no answer (attempt {attempts})")
    return f"rates for {step_input.input}"


def report(step_input: StepInput) -> str:
    return f"report on {step_input.previous_step_content}"


workflow = Workflow(
    "error retry skip",
    steps=[Step("call service", call_service, human_review=HumanReview(on_error=OnError.pause)), report],
    db=SqliteDb("examples.db"),
)

run = workflow.run("today")
while run.is_paused:
    for requirement in run.active_error_requirements:
        print(f"{requirement.step_name}: {requirement.error_message}, retried {requirement.retry_count} times")
        if input("Try again? [y/n] ") == "y":
            requirement.retry()
        else:
            requirement.skip()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
