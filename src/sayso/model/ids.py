"""Identifiers: strings with a readable prefix, told apart by the type checker.

Ids are made by the `Ids` port of the runtime (time-ordered, so that new rows land at the end of an index);
this file only names their types.
"""

from typing import NewType

RunId = NewType("RunId", str)
"""One execution of one program: `run_` and 26 characters."""

SessionId = NewType("SessionId", str)
"""One conversation or case, a tree of runs: `ses_` and 26 characters, or a name the caller chose."""

TaskId = NewType("TaskId", str)
"""One user task: `task_` and 26 characters."""

WorkerId = NewType("WorkerId", str)
"""One process that advances runs: `wrk_` and 26 characters."""

CallId = NewType("CallId", str)
"""One tool call of one run: `call_` and 26 characters, derived from the run and the call's key."""
