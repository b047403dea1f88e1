"""People, keys and tokens over a file: what the commands print, and what they made works."""

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Coroutine
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from sayso import SqliteDb
from sayso.cli import main
from sayso.model.directoryerrors import Unauthenticated
from sayso.model.workspaces import DEFAULT_WORKSPACE, Principal, Scope


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sayso.db"


@dataclass(frozen=True, slots=True)
class Done:
    """What a command has printed."""

    stdout: str
    stderr: str


def ran(file: Path, *arguments: str, code: int = 0) -> Done:
    """Run the command as the shell would, in this process: starting another takes a second each time."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["sayso", *arguments, "-d", str(file)]),
        mock.patch.dict(os.environ, {"SAYSO_USER": "root"}),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    found = ended.value.code or 0
    assert found == code, (found, out.getvalue(), err.getvalue())
    return Done(out.getvalue(), err.getvalue())


def asked(file: Path, *arguments: str, code: int = 0) -> Any:
    return json.loads(ran(file, *arguments, "--json", code=code).stdout)


def opens(file: Path, door: str, text: str) -> Principal | None:
    """Use a secret in another process than the one that made it."""
    with SqliteDb(file) as db:
        work: Coroutine[Any, Any, Any] = {
            "key": db.directory.authenticate_key,
            "token": db.directory.authenticate_token,
            "link": db.directory.sign_in.by_link,
            "invitation": db.directory.invitations.accept,
        }[door](text)
        try:
            found = asyncio.run(work)
        except Unauthenticated:
            return None
    match door:
        case "link":
            return found.principal
        case "invitation":
            return found.signed_in.principal
        case _:
            return found


def test_a_key_is_made_shown_once_listed_and_revoked(file: Path) -> None:
    made = asked(file, "keys", "create", "billing", "--scope", "agt_1", "--scope", "a:b:trg_2", "--days", "30")
    assert made["scopes"] == [
        {"agentId": "agt_1", "triggerId": None},
        {"agentId": "a:b", "triggerId": "trg_2"},
    ]
    principal = opens(file, "key", made["secret"])
    assert principal is not None
    assert principal.key is not None
    assert principal.key.scopes == (Scope(agent_id="agt_1"), Scope(agent_id="a:b", trigger_id="trg_2"))
    listed = ran(file, "keys", "ls").stdout
    assert made["shown"] in listed
    assert "agt_1 a:b:trg_2" in listed
    assert made["secret"] not in listed
    (plain,) = asked(file, "keys", "ls")["keys"]
    assert "secret" not in plain
    assert plain["last_used_at"] is not None
    assert ran(file, "keys", "revoke", made["key"]).stdout == f"{made['key']}: revoked.\n"
    assert opens(file, "key", made["secret"]) is None
    assert "\trevoked\t" in ran(file, "keys", "ls").stdout


def test_only_the_secret_is_on_standard_output(file: Path) -> None:
    done = ran(file, "keys", "create", "k", "--scope", "agt_1")
    assert done.stdout.startswith("sayso_live_")
    assert opens(file, "key", done.stdout.strip()) is not None
    assert "shown this once" in done.stderr
    assert done.stdout.strip() not in done.stderr


def test_people_are_added_listed_changed_disabled_and_removed(file: Path) -> None:
    added = asked(file, "people", "add", "ana@example.com", "--role", "developer", "--name", "Ana Ruiz")
    assert (added["email"], added["name"], added["role"]) == ("ana@example.com", "Ana Ruiz", "developer")
    ran(file, "people", "add", "bo@example.com", "--role", "owner")
    assert ran(file, "people", "role", "ana@example.com", "operator").stdout == "ana@example.com: operator.\n"
    assert asked(file, "people", "disable", "ana@example.com")["disabled_at"] is not None
    assert asked(file, "people", "enable", "ana@example.com")["disabled_at"] is None
    rows = [line.split("\t")[1:] for line in ran(file, "people", "ls").stdout.splitlines()]
    assert rows == [
        ["ana@example.com", "Ana Ruiz", "operator", "active"],
        ["bo@example.com", "bo", "owner", "active"],
    ]
    ran(file, "people", "remove", "ana@example.com")
    assert [each["email"] for each in asked(file, "people", "ls")["people"]] == ["bo@example.com"]
    assert asked(file, "people", "remove", "bo@example.com", code=4)["error"]["code"] == "last_owner"


def test_an_invitation_is_printed_accepted_or_withdrawn(file: Path) -> None:
    made = asked(file, "people", "invite", "new@example.com", "--role", "auditor", "--days", "1")
    other = asked(file, "people", "invite", "other@example.com", "--role", "operator")
    assert [each["email"] for each in asked(file, "people", "ls")["invitations"]] == [
        "other@example.com",
        "new@example.com",
    ]
    assert "invited until" in ran(file, "people", "ls").stdout
    principal = opens(file, "invitation", made["secret"])
    assert principal is not None
    assert principal.role == "auditor"
    ran(file, "people", "uninvite", other["invitation"])
    assert opens(file, "invitation", other["secret"]) is None
    assert asked(file, "people", "ls")["invitations"] == []
    assert asked(file, "people", "uninvite", other["invitation"], code=3)["error"]["code"] == "invitation_not_found"


def test_a_link_signs_a_member_in_once(file: Path) -> None:
    ran(file, "people", "add", "ana@example.com", "--role", "operator")
    text = ran(file, "people", "link", "ana@example.com").stdout.strip()
    principal = opens(file, "link", text)
    assert principal is not None
    assert principal.id == "ana@example.com"
    assert opens(file, "link", text) is None


def test_a_token_is_made_listed_and_ended(file: Path) -> None:
    ran(file, "people", "add", "ana@example.com", "--role", "operator")
    made = asked(file, "tokens", "create", "ana@example.com", "--name", "laptop", "--days", "7")
    assert opens(file, "token", made["secret"]) is not None
    assert [each["name"] for each in asked(file, "tokens", "ls", "ana@example.com")["tokens"]] == ["laptop"]
    assert ran(file, "tokens", "ls", "ana@example.com").stdout.startswith(f"{made['token']}\tlaptop\t")
    ran(file, "tokens", "revoke", made["token"])
    assert opens(file, "token", made["secret"]) is None
    assert asked(file, "tokens", "revoke", made["token"], code=3)["error"]["code"] == "token_not_found"


def test_what_is_done_here_is_written_down_as_the_machines_user(file: Path) -> None:
    made = asked(file, "keys", "create", "k", "--scope", "agt_1")
    with SqliteDb(file) as db:
        (row,) = asyncio.run(db.runtime.store.read(lambda tx: tx.audit.list(DEFAULT_WORKSPACE, after=0, limit=9)))
    assert (row.action, row.target, row.by.type, row.by.id, row.by.via) == (
        "key.created",
        made["key"],
        "user",
        "root",
        "cli",
    )
    assert made["secret"].encode() not in row.data


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("people", "add", "not-an-address", "--role", "operator"), 1, "invalid"),
        (("people", "role", "nobody@example.com", "admin"), 3, "person_not_found"),
        (("people", "add", "a@example.com", "--role", "operator", "-w", "wsp_none"), 3, "workspace_not_found"),
        (("keys", "revoke", "key_none"), 3, "key_not_found"),
        (("keys", "create", "k", "--scope", ""), 1, "invalid"),
        (("keys", "create", "k", "--scope", "a", "--days", "0"), 1, "invalid"),
        (("tokens", "ls", "nobody@example.com"), 3, "person_not_found"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(file: Path, arguments: tuple[str, ...], code: int, error: str) -> None:
    ran(file, "people", "invite", "x@example.com", "--role", "operator")
    assert asked(file, *arguments, code=code)["error"]["code"] == error


def test_a_role_that_there_is_not_is_a_wrong_use(file: Path) -> None:
    ran(file, "people", "add", "a@example.com", "--role", "emperor", code=2)


def test_a_database_that_is_not_there_is_not_made_by_looking(file: Path) -> None:
    assert asked(file, "people", "ls", code=1)["error"]["code"] == "store_unavailable"
    assert not file.exists()


def test_the_real_command_does_the_same(file: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sayso",
        "people",
        "invite",
        "x@example.com",
        "--role",
        "operator",
        "-d",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert opens(file, "invitation", done.stdout.strip()) is not None


def test_the_commands_of_the_how_to_page_run(file: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "howto" / "people-and-keys.md"
    lines = [
        line.partition("#")[0].split() for line in page.read_text("utf-8").splitlines() if line.startswith("sayso ")
    ]
    made = ""
    for _, *words in lines:
        given = {"AGENT_ID": "agt_1", "AGENT_ID:TRIGGER_ID": "agt_1:trg_1", "KEY_ID": made}
        found = asked(file, *(given.get(word, word) for word in words))
        made = found.get("key", made)
    assert [" ".join(words[:2]) for _, *words in lines] == [
        "people add", "people link", "people invite", "people ls",
        "keys create", "keys create", "keys ls", "keys revoke",
    ]  # fmt: skip
