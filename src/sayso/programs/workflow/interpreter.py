"""Running a tree: one recursive interpreter, the same for the first pass and for every replay.

Around every primitive, at any depth, in this order: the error policy, the gate (confirmation or input), the body,
the review. What a person decided arrives as an `Outcome` whose action was settled when it was decided, so nothing
here asks what a verdict means.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sayso.core.codec import from_json
from sayso.core.keys import attempt, join
from sayso.model.decisions import Outcome
from sayso.model.errors import StepFailed
from sayso.model.tasks import TaskSpec
from sayso.programs.context import Announce, Context, Produced, RunCancelled
from sayso.programs.workflow import events, gates
from sayso.programs.workflow.composites import COMPOSITES
from sayso.programs.workflow.flow import Flow, Pause, edit
from sayso.programs.workflow.leaves import Leaves
from sayso.programs.workflow.primitives import Nested, Node, Step
from sayso.programs.workflow.review import OnError
from sayso.programs.workflow.values import StepOutput


class WorkflowExecution:
    """One pass over a workflow's tree.

    Args:
        definition: The workflow.
    """

    def __init__(self, definition: Nested) -> None:
        self.definition = definition
        self.results: list[StepOutput] = []
        """Outputs of the workflow's own list, as far as the pass has come."""
        self.pauses: dict[str, Pause] = {}
        """The questions of this pass, by journal key."""
        self.granted: set[str] = set()
        """Failed executions that a person has said to try again."""
        self.session_state: dict[str, Any] = {}

    async def run(self, ctx: Context, started: dict[str, Any]) -> Any:
        """Run the tree from the beginning; return the content of its last output.

        Raises:
            StepFailed: A step failed and its policy is to fail.
        """
        self.ctx = ctx
        self.session_state = dict(started.get("state") or {})
        self.leaves = Leaves(self, ctx, started)
        flow = Flow(input=started.get("input"), outputs={}, additional=dict(started.get("additional_data") or {}))
        await self.sequence(self.definition.nodes, "", flow, self.results)
        if not self.results:
            return None
        last = self.results[-1]
        return Produced(last.content, self.leaves.source_of(last))

    # -- lists -------------------------------------------------------------------------------------------

    async def sequence(
        self, nodes: Sequence[tuple[str, Node]], path: str, flow: Flow, results: list[StepOutput] | None = None
    ) -> list[StepOutput]:
        """Run items one after the other, each with the output of the one before; a skipped one leaves no output."""
        results = [] if results is None else results
        for name, node in nodes:
            output = await self.node(node, join(path, name), flow)
            if output is None:
                continue
            results.append(output)
            flow = flow.after(output)
            if output.stop:
                break
        return results

    async def node(self, node: Node, path: str, flow: Flow) -> StepOutput | None:
        """Run one primitive under its error policy; None when it was skipped."""
        retries = 0
        while True:
            try:
                return await self._gated(node, path, flow)
            except StepFailed as failure:
                if node.on_error is OnError.fail:
                    raise
                if node.on_error is OnError.skip:
                    return self._failed(node, path, failure)
                outcome = await self.ask(
                    node,
                    f"{attempt(f'{path}?error', retries + 1)}",
                    gates.error(node, failure, retry_count=retries),
                    flow,
                )
                if outcome.action == "fail":
                    raise
                if outcome.action != "retry":
                    return self._failed(node, path, failure)
                self.granted.add(failure.key)
                retries += 1

    async def _gated(self, node: Node, path: str, flow: Flow) -> StepOutput | None:
        outcome, values = None, {}
        if isinstance(node, Step) and node.review.requires_user_input:
            outcome = await self.ask(node, f"{path}?input", gates.user_input(node), flow)
            values = {"user_input": from_json(dict(outcome.values or {}))}
        elif node.review.requires_confirmation:
            outcome = await self.ask(node, f"{path}?confirm", gates.confirmation(node), flow)
        if outcome is not None and outcome.action == "skip":
            return None
        if outcome is not None and outcome.action == "proceed":
            self.announce(events.StepContinuedEvent, node, path, flow)
        if isinstance(node, Step):
            if node.agent is not None:
                return await self.leaves.agent(node, node.agent, path, flow, values)
            if node.workflow is None:
                return await self.leaves.step(node, path, flow, values)
            return await self.leaves.workflow(node, node.workflow, path, flow, values)
        return await COMPOSITES[type(node)](self, node, path, flow, outcome)

    def _failed(self, node: Node, path: str, failure: StepFailed) -> StepOutput:
        return StepOutput(
            content=None,
            step_name=node.name,
            step_id=path,
            step_type=node.kind,
            success=False,
            error=failure.error_message,
        )

    # -- people ------------------------------------------------------------------------------------------

    async def ask(self, node: Node, key: str, spec: TaskSpec, flow: Flow, output: StepOutput | None = None) -> Outcome:
        """Ask a person, or take the answer that is there.

        Raises:
            Suspended: Nobody has answered yet.
            RunCancelled: The answer ends the run.
        """
        self.pauses[key] = Pause(flow.step_input(), output)
        path = key.partition("?")[0]
        outcome = await self.ctx.ask(
            key, spec, Announce(lambda task: (gates.pause_event(task, output, **self.about(node, path, flow)),))
        )
        if outcome.action == "cancel":
            raise RunCancelled(_cancel_reason(node, outcome))
        return outcome

    async def review(self, node: Node, key: str, output: StepOutput, flow: Flow, *, round_: int) -> Outcome:
        """Have an output reviewed where the primitive asks for it; a person's edit becomes its content."""
        if not node.review.requires_output_review:
            return _UNREVIEWED
        wanted, problem = await self._wants_review(node, key, output, flow)
        if not wanted:
            return _UNREVIEWED
        spec = gates.output_review(node, output.content, retry_count=round_ - 1, problem=problem)
        outcome = await self.ask(node, f"{key}?review", spec, flow, output)
        return edit(output, outcome)

    async def _wants_review(self, node: Node, key: str, output: StepOutput, flow: Flow) -> tuple[bool, str | None]:
        """Fail closed: a predicate that raises, or says anything but True or False, asks for the review."""
        condition = node.review.requires_output_review
        if isinstance(condition, bool):
            return condition, None
        try:
            wanted = await self.leaves.decide(f"{key}:review-if", condition, output, flow, _yes_or_no)
        except StepFailed as failure:
            return True, f"The condition for this review failed with {failure.error_type}: {failure.error_message}"
        if isinstance(wanted, bool):
            return wanted, None
        return True, f"The condition for this review returned {wanted} instead of True or False"

    # -- events ------------------------------------------------------------------------------------------

    def announce(self, kind: type[events.BaseWorkflowRunEvent], node: Node, path: str, flow: Flow, **more: Any) -> None:
        """Tell the listeners, if there are any."""
        if self.ctx.listening:
            self.ctx.announce(kind(**self.about(node, path, flow), **more))

    def about(self, node: Node, path: str, flow: Flow) -> dict[str, Any]:
        """Return the fields that every event of a primitive has."""
        return {"step_id": path, "step_name": node.name, "parent_step_id": flow.parent, "nested_depth": flow.depth}

    async def bracketed(
        self,
        node: Node,
        path: str,
        flow: Flow,
        kinds: tuple[type[events.BaseWorkflowRunEvent], type[events.BaseWorkflowRunEvent]],
        body: Callable[[], Awaitable[list[StepOutput]]],
        **more: Any,
    ) -> list[StepOutput]:
        """Run a body between its started and completed events."""
        self.announce(kinds[0], node, path, flow, **more)
        results = await body()
        self.announce(kinds[1], node, path, flow)
        return results


def _yes_or_no(said: Any) -> bool | str:
    """Return a predicate's answer; anything but True or False as text, which asks for the review."""
    return said if isinstance(said, bool) else repr(said)


_UNREVIEWED = Outcome(action="proceed", verdict="approve")


def _cancel_reason(node: Node, outcome: Outcome) -> str:
    if outcome.reason is not None:
        return outcome.reason
    if outcome.verdict == "cancel":
        return f"Workflow cancelled: {outcome.note or 'cancelled'} (step '{node.name}')"
    return f"Workflow cancelled: Step '{node.name}' was rejected"
