"""A schema on the step, as plain dicts: the writer asks for tone and length before it writes."""

from sayso import HumanReview, SqliteDb, Step, StepInput, Workflow

QUESTIONS = {"str": str, "int": int}


def write(step_input: StepInput) -> str:
    wanted = step_input.additional_data["user_input"]
    return f"{wanted['words']} {wanted['tone']} words on {step_input.input}"


review = HumanReview(
    requires_user_input=True,
    user_input_message="How should it sound?",
    user_input_schema=[
        {"name": "tone", "field_type": "str", "description": "formal or casual"},
        {"name": "words", "field_type": "int", "value": 100, "required": False},
    ],
)
workflow = Workflow("input for step", steps=[Step("write", write, human_review=review)], db=SqliteDb("examples.db"))

run = workflow.run("bees")
while run.is_paused:
    for requirement in run.steps_requiring_user_input:
        given = {}
        for field in requirement.user_input_schema:
            text = input(f"{field.name} ({field.description or field.field_type}) [{field.value}]: ")
            if text:
                given[field.name] = QUESTIONS[field.field_type](text)
        requirement.set_user_input(**given)
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
