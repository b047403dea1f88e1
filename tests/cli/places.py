"""The same command on a file and on the server that serves it: run both in this process, and compare."""

import io
import json
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from sayso.cli import main
from tests.service.process import Process

IDS = re.compile(r"\b(task|run|ses|call|key|tok|inv|per|lnk|req)_[0-9a-z]{26}\b")
TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00|Z)?")
SECRETS = re.compile(r"sayso_(live|cli|inv|link)_[\w-]+(…\w+)?")
HEX = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True)
class Done:
    """What a command has printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def normal(self) -> "Done":
        """What is left once ids, times and secrets of one occasion are taken out."""
        return Done(self.code, _normal(self.stdout), _normal(self.stderr))


def _normal(text: str) -> str:
    for form, word in ((SECRETS, "SECRET"), (IDS, r"\1"), (TIMES, "TIME"), (HEX, "HASH")):
        text = form.sub(word, text)
    return text


def ran(*arguments: str, env: dict[str, str] | None = None) -> Done:
    """Run the command as a shell would, in this process: starting another takes a second each time."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    with (
        mock.patch.object(sys, "argv", ["sayso", *arguments]),
        mock.patch.dict(os.environ, {**clean, "SAYSO_USER": "owner@example.com", **(env or {})}, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    assert "Traceback" not in err.getvalue()
    return Done(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True, slots=True)
class Places:
    """A file, and a server that serves it."""

    folder: Path
    served: Process

    def file(self, *arguments: str) -> Done:
        """Run it on the file; cards then say where that is in their commands, which is left out here."""
        option = ("-d", str(self.folder / "sayso.db"))
        done = ran(*arguments, *option)
        return Done(done.code, done.stdout.replace(f" {' '.join(option)}", ""), done.stderr)

    def server(self, *arguments: str, who: str | None = None) -> Done:
        return ran(*arguments, env={"SAYSO_URL": self.served.url, "SAYSO_API_KEY": who or self.served.who["owner"]})

    def paused(self, input_: Any = None) -> dict[str, str]:
        """Start a run of the agent and return its ids once it asks."""
        with self.served.client(token=self.served.who["owner"]) as client:
            path = f"/v1/agents/{self.served.who['agent']}/runs?wait=30"
            begun = client.post(path, json={"input": input_}).json()
        return {"run": begun["runId"], "session": begun["sessionId"], "task": begun["pendingUserTasks"][0]["id"]}

    def flow(self, input_: Any = "hello") -> dict[str, str]:
        """Start a run of the workflow and return its ids once it asks."""
        done = self.server("run", "flow", json.dumps(input_), "--parse", "--json")
        assert done.code == 5, done
        found = done.json
        return {"run": found["run_id"], "session": found["session_id"], "task": found["waiting_for"][0]["task"]}


def same(on_file: Done, on_server: Done) -> None:
    """Expect what a file's command printed of a server's."""
    assert on_server.code == on_file.code, (on_file, on_server)
    if on_file.code == 0:
        assert on_server.stdout == on_file.stdout
        assert on_server.stderr == on_file.stderr


def refused(done: Done, code: int, *words: str) -> None:
    assert done.code == code, done
    for word in words:
        assert word in done.stderr + done.stdout, (word, done)
