"""Async functions and the async methods: one implementation, the same pauses."""

import asyncio

from sayso import SqliteDb, StepInput, Workflow, pause


async def fetch(step_input: StepInput) -> str:
    await asyncio.sleep(0.01)
    return f"records of {step_input.input}"


@pause(requires_confirmation=True, confirmation_message="Delete them?")
async def delete(step_input: StepInput) -> str:
    await asyncio.sleep(0.01)
    return f"deleted {step_input.previous_step_content}"


async def main() -> None:
    workflow = Workflow("confirm async", steps=[fetch, delete], db=SqliteDb("examples.db"))
    run = await workflow.arun("old accounts")
    while run.is_paused:
        for requirement in run.steps_requiring_confirmation:
            if await asyncio.to_thread(input, f"{requirement.confirmation_message} [y/n] ") == "y":
                requirement.confirm()
            else:
                requirement.reject()
        run = await workflow.acontinue_run(run)
    print(run.status, "-", run.content)


asyncio.run(main())
