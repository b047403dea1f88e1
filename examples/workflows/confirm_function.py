"""`@pause` puts the question on the function itself; the workflow's list stays plain."""

from sayso import SqliteDb, StepInput, Workflow, pause


def research(step_input: StepInput) -> str:
    return f"three facts about {step_input.input}"


@pause(name="check", requires_confirmation=True, confirmation_message="The research is done. Write the article?")
def check(step_input: StepInput) -> str:
    return f"checked {step_input.previous_step_content}"


def write(step_input: StepInput) -> str:
    return f"article on {step_input.previous_step_content}"


workflow = Workflow("confirm function", steps=[research, check, write], db=SqliteDb("examples.db"))

run = workflow.run("bees")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.step_name}: {requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
