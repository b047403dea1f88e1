"""Runs as rows, journals and the call ledger in the form that clients see.

Every function here is pure. Unlike a timeline, a journal is told as it is stored, marks of Python types included.
"""

from sayso.api.v1.taskwire import Plain, at
from sayso.core.codec import plain_of
from sayso.core.confiding import SEALED, masked
from sayso.model.calls import StoredCall
from sayso.model.journal import Entry
from sayso.model.registry import Names
from sayso.model.runs import Run


def row_json(run: Run, names: Names) -> Plain:
    """Return a run's row: where it stands in the store, and what its models have used."""
    return {
        "id": run.id,
        "sessionId": run.session_id,
        "parentRunId": run.parent_id,
        "agentId": names.agent(run.program),
        "program": run.program,
        "agentVersionId": run.origin.version_id,
        "versionLabel": run.origin.version,
        "state": str(run.state),
        "problem": run.problem,
        "fingerprint": run.fingerprint,
        "epoch": run.epoch,
        "seq": run.seq,
        "inputTokens": run.usage.input_tokens,
        "outputTokens": run.usage.output_tokens,
        "cost": run.usage.cost,
        "activeSeconds": run.active.total_seconds(),
        "triggerType": run.origin.trigger_type,
        "triggerId": run.origin.trigger_id,
        "triggeredBy": run.origin.started_by,
        "startedAt": at(run.created_at),
        "updatedAt": at(run.updated_at),
        "readyAt": at(run.ready_at),
    }


def entry_json(entry: Entry) -> Plain:
    """Return one entry of a journal."""
    return {
        "seq": entry.seq,
        "at": at(entry.at),
        "kind": str(entry.kind),
        "key": entry.key,
        "data": plain_of(entry.data),
    }


def call_json(call: StoredCall) -> Plain:
    """Return one tool call as the ledger has it, with its secrets masked."""
    plain = plain_of(call.arguments)
    return {
        "id": call.id,
        "runId": call.run_id,
        "key": call.key,
        "tool": call.tool,
        "toolDigest": call.tool_digest,
        "effect": str(call.effect),
        "arguments": masked(plain) if SEALED in call.arguments else plain,
        "digest": call.digest,
        "idempotencyKey": call.idempotency_key,
        "state": str(call.state),
        "attempts": call.attempt,
        "createdAt": at(call.created_at),
        "updatedAt": at(call.updated_at),
        "firstSentAt": at(call.first_sent_at),
    }
