"""Running composites: Steps, Condition, Loop, Router and Parallel.

Each function runs the body of one primitive whose gate has been passed. It returns the composite's output, or None when
it was skipped or discarded. The content of a composite is the content of its last output; of Parallel, a dict by
branch.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias, cast

from sayso.core.keys import attempt, iteration, join
from sayso.model.decisions import Outcome
from sayso.model.errors import DefinitionChanged
from sayso.programs.workflow import events, gates
from sayso.programs.workflow.flow import Flow, Interpreter, edit
from sayso.programs.workflow.primitives import Condition, Loop, Node, Parallel, Router, Steps
from sayso.programs.workflow.values import StepOutput

Body: TypeAlias = Callable[[Interpreter, Any, str, Flow, Outcome | None], Awaitable[StepOutput | None]]


async def run_steps(run: Interpreter, node: Steps, path: str, flow: Flow, outcome: Outcome | None) -> StepOutput | None:
    """Run a sequence as one item."""
    del outcome
    kinds = (events.StepsExecutionStartedEvent, events.StepsExecutionCompletedEvent)
    inside = flow.inside(path)
    results = await run.bracketed(node, path, flow, kinds, partial(run.sequence, node.children, path, inside))
    return _output(node, path, results)


async def run_condition(
    run: Interpreter, node: Condition, path: str, flow: Flow, outcome: Outcome | None
) -> StepOutput | None:
    """Take one way: a person's where one was asked, else the evaluator's."""
    if outcome is not None:
        taken = outcome.action == "proceed"
    elif isinstance(node.evaluator, bool):
        taken = node.evaluator
    else:
        taken = await run.leaves.decide(f"{path}:evaluator", node.evaluator, flow.step_input(), flow, bool)
    branch = node.yes if taken else node.no
    kinds = (events.ConditionExecutionStartedEvent, events.ConditionExecutionCompletedEvent)
    body = partial(run.sequence, branch, path, flow.inside(path))
    results = await run.bracketed(node, path, flow, kinds, body, condition_result=taken)
    return _output(node, path, results) if branch else None


async def run_loop(run: Interpreter, node: Loop, path: str, flow: Flow, outcome: Outcome | None) -> StepOutput | None:
    """Run passes until the end condition, a reviewer or the limit ends them."""
    del outcome
    number = 0
    results: list[StepOutput] = []
    run.announce(events.LoopExecutionStartedEvent, node, path, flow)
    inside = flow.inside(path)
    for number in range(1, node.max_iterations + 1):
        here = iteration(path, number)
        run.announce(events.LoopIterationStartedEvent, node, here, flow, iteration=number)
        passed = await run.sequence(node.children, here, inside._replace(outputs=dict(inside.outputs)))
        results += passed
        run.announce(events.LoopIterationCompletedEvent, node, here, flow, iteration=number)
        if any(output.stop for output in passed) or await _ended(run, node, here, passed, flow):
            break
        if number == node.max_iterations:
            break
        content = passed[-1].content if passed else None
        feedback: dict[str, Any] = {}
        if node.review.requires_iteration_review:
            whole = _output(node, here, passed)
            spec = gates.iteration_review(node, content, iteration=number)
            decided = await run.ask(node, f"{here}?review", spec, flow, whole)
            if decided.action == "proceed":
                output = _output(node, path, results)
                edit(output, decided)
                return output
            if decided.action == "skip":
                return None
            feedback = {"rejection_feedback": decided.note, "previous_output": content}
        inside = _next_pass(node, flow.inside(path), content, feedback)
    run.announce(events.LoopExecutionCompletedEvent, node, path, flow, iterations=number)
    return _output(node, path, results)


def _next_pass(node: Loop, inside: Flow, content: Any, feedback: dict[str, Any]) -> Flow:
    forwarded = inside._replace(previous=content) if node.forward_iteration_output else inside
    return forwarded.with_data(**feedback) if feedback else forwarded


async def _ended(run: Interpreter, node: Loop, here: str, passed: list[StepOutput], flow: Flow) -> bool:
    if node.end_condition is None:
        return False
    return await run.leaves.decide(f"{here}:end", node.end_condition, passed, flow, bool)


async def run_router(
    run: Interpreter, node: Router, path: str, flow: Flow, outcome: Outcome | None
) -> StepOutput | None:
    """Run the chosen steps in the chosen order; a review may send back to the choice."""
    del outcome
    round_ = 1
    data: dict[str, Any] = {}
    while True:
        base = attempt(path, round_)
        by_person = node.review.requires_user_input or round_ > 1
        if by_person:
            decided = await run.ask(node, attempt(f"{path}?route", round_), gates.route(node), flow)
            if decided.action == "skip":
                return None
            names = list(decided.choices)
        else:
            selector = cast("Callable[..., Any]", node.selector)
            names = await run.leaves.decide(
                f"{path}:selector", selector, flow.step_input(), flow, partial(_names, node)
            )
        chosen = {child.name: (segment, child) for segment, child in node.children}
        gone = [name for name in names if name not in chosen]
        if gone:
            raise DefinitionChanged(
                f"Expected Router '{node.name}' to still have what was chosen, but {', '.join(gone)} is gone.",
                run_id=run.ctx.run_id,
                changes=[f"'{join(path, name)}' is gone" for name in gone],
            )
        body = partial(run.sequence, [chosen[name] for name in names], base, flow.inside(base).with_data(**data))
        kinds = (events.RouterExecutionStartedEvent, events.RouterExecutionCompletedEvent)
        results = await run.bracketed(node, base, flow, kinds, body, selected_steps=names)
        output = _output(node, base, results)
        reviewed = await run.review(node, base, output, flow, round_=round_)
        if reviewed.action == "proceed":
            return output
        if reviewed.action != "retry":
            return None
        data = {"rejection_feedback": reviewed.note, "previous_output": output.content}
        round_ += 1


def _names(node: Router, selected: Any) -> list[str]:
    """Return the names of what a selector returned: steps, names, or a list of them."""
    items: list[Any] = list(cast("list[Any]", selected)) if isinstance(selected, list | tuple) else [selected]
    names = [
        item.name if isinstance(item, Node) else getattr(item, "__name__", item) for item in items if item is not None
    ]
    known = {child.name for _, child in node.children}
    unknown = [name for name in names if name not in known]
    if len(set(names)) != len(names):
        raise ValueError(f"Expected the selector of Router '{node.name}' to return each step once; got {names}.")
    if unknown or not names:
        raise ValueError(
            f"Expected the selector of Router '{node.name}' to return one of {', '.join(sorted(known))};"
            f" got {selected!r}."
        )
    return names


async def run_parallel(
    run: Interpreter, node: Parallel, path: str, flow: Flow, outcome: Outcome | None
) -> StepOutput | None:
    """Run the branches side by side; each may pause for itself."""
    del outcome

    contents: dict[str, Any] = {}

    async def body() -> list[StepOutput]:
        branches = [
            partial(run.node, child, join(path, segment), flow.inside(path)) for segment, child in node.children
        ]
        outputs = await run.ctx.parallel(branches)
        contents.update(
            {
                name: output.content
                for (name, _), output in zip(node.children, outputs, strict=True)
                if output is not None
            }
        )
        return [output for output in outputs if output is not None]

    kinds = (events.ParallelExecutionStartedEvent, events.ParallelExecutionCompletedEvent)
    results = await run.bracketed(node, path, flow, kinds, body)
    output = _output(node, path, results)
    output.content = contents
    return output


def _output(node: Node, path: str, results: list[StepOutput]) -> StepOutput:
    return StepOutput(
        content=results[-1].content if results else None,
        step_name=node.name,
        step_id=path,
        step_type=node.kind,
        success=all(result.success for result in results),
        stop=any(result.stop for result in results),
        steps=results,
    )


COMPOSITES: Mapping[type[Node], Body] = {
    Steps: run_steps,
    Condition: run_condition,
    Loop: run_loop,
    Router: run_router,
    Parallel: run_parallel,
}
"""How each composite is run."""
