"""Where a client may go from an answer: links from what it holds to the operations that take it, in OpenAPI.

A list has none: an empty one holds nothing that a link could name, and clients that follow links call that a fault.
"""

from collections.abc import Mapping
from typing import Any

Links = Mapping[str, Any]


def _links(parameters: Mapping[str, str], *operations: str) -> dict[str, Any]:
    """Return links to some operations, whose parameters are found at pointers into the answer."""
    given = {name: f"$response.body#/{pointer}" for name, pointer in parameters.items()}
    return {operation: {"operationId": operation, "parameters": given} for operation in operations}


_OF_RUNS = (
    "get_run", "get_conversation", "list_run_tasks", "get_journal", "list_calls", "send_message", "skip_agent_wait",
    "cancel_run",
)  # fmt: skip
_OF_SESSIONS = ("get_session", "terminate_session", "complete_session", "get_evidence")
_OF_TASKS = ("get_task", "complete_task", "extend_task", "claim_task", "assign_task", "release_task")
_OF_AGENTS = (
    "get_agent", "edit_agent", "delete_agent", "block_agent", "unblock_agent", "retract_agent", "list_versions",
    "create_version", "list_triggers", "create_trigger", "list_agent_sessions", "start_run",
)  # fmt: skip
_OF_VERSIONS = ("get_version", "edit_version", "delete_version", "deploy_version", "clone_version", "start_test_run")
_OF_TRIGGERS = ("get_trigger", "edit_trigger", "delete_trigger")
_OF_PEOPLE = (
    "change_member", "disable_person", "enable_person", "end_sign_ins", "list_tokens_of_member", "remove_member",
)  # fmt: skip

RUN_LINKS: Links = {
    **_links({"runId": "runId"}, *_OF_RUNS),
    **_links({"sessionId": "sessionId"}, *_OF_SESSIONS),
}
"""From what tells of a run."""
TASK_LINKS: Links = {
    **_links({"runId": "runId"}, "get_run", "get_conversation", "list_run_tasks"),
    **_links({"taskId": "id"}, *_OF_TASKS),
}
"""From one task."""
SESSION_LINKS: Links = {
    **_links({"sessionId": "id"}, *_OF_SESSIONS),
    **_links({"runId": "rootRunId"}, "get_run", "get_conversation"),
}
AGENT_LINKS: Links = _links({"agentId": "id"}, *_OF_AGENTS)
VERSION_LINKS: Links = {
    **_links({"agentId": "agentId", "versionId": "id"}, *_OF_VERSIONS),
    **_links({"agentId": "agentId"}, "get_agent"),
}
TRIGGER_LINKS: Links = _links({"agentId": "agentId", "triggerId": "id"}, *_OF_TRIGGERS)
PERSON_LINKS: Links = _links({"personId": "id"}, *_OF_PEOPLE)
