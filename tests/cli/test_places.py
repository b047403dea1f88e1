"""Every command prints and returns of a server what it prints and returns of a file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.places import Done, Places, ran, refused, same
from tests.service.process import process


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("served")
    with process(folder, synchronous="NORMAL") as served:
        yield Places(folder, served)


@pytest.fixture(scope="module")
def ids(places: Places) -> dict[str, str]:
    """A run that waits, one that is done, one of a workflow; a person, a key and a token."""
    done = places.paused({"question": "\x1b[31mred\u202e?"})
    assert places.server("tasks", "approve", done["task"], "-m", "fine").code == 0
    with places.served.client(token=places.served.who["owner"]) as client:
        assert client.get(f"/v1/runs/{done['run']}?wait=30").json()["status"] == "Completed"
    waiting, flow = places.paused(), places.flow()
    made = places.server("keys", "create", "billing", "--scope", places.served.who["agent"], "--days", "30", "--json")
    return {
        **waiting,
        **{f"done_{name}": value for name, value in done.items()},
        **{f"flow_{name}": value for name, value in flow.items()},
        "tail": waiting["task"][-9:],
        "key": made.json["key"],
    }


READS = [
    "tasks ls", "tasks ls --json", "tasks ls --all --json", "tasks ls --kind approval", "tasks ls --kind route",
    "tasks ls --limit 1 --json", "tasks ls --status completed",
    "tasks ls --status any", "tasks show {task}", "tasks show {task} --json", "tasks show {tail} --json",
    "tasks show {done_task}", "tasks show {done_task} --json", "tasks show {flow_task}",
    "runs ls", "runs ls --json", "runs ls --state waiting --json", "runs ls --workflow flow --json",
    "runs ls --limit 1 --json", "runs show {run}", "runs show {run} --json", "runs show {done_run}",
    "runs show {done_run} --json", "runs show {flow_run} --json",
    "sessions ls", "sessions ls --json", "sessions ls --of desk --json", "sessions ls --status Completed --json",
    "sessions ls --version code --json", "sessions ls --limit 1 --skip 1", "sessions show {session}",
    "sessions show {session} --json", "sessions show {done_session} --json",
    "people ls", "people ls --json", "keys ls", "keys ls --json", "tokens ls operator0@example.com",
    "tokens ls operator0@example.com --json", "people ls -w default", "audit ls", "audit ls --json",
    "audit ls --limit 3 --json", "audit verify", "audit verify --json", "audit export", "audit export --format csv",
    "audit export --action task.* --since 2020-01-01", "audit export --since 2999-01-01",
]  # fmt: skip


@pytest.mark.parametrize("line", READS)
def test_what_is_read_is_the_same(places: Places, ids: dict[str, str], line: str) -> None:
    arguments = line.format(**ids).split()
    same(places.file(*arguments), places.server(*arguments))


NOT_THERE = [
    ("tasks show task_none", 3), ("tasks approve task_none", 3), ("runs show run_none", 3), ("runs cancel run_none", 3),
    ("runs skip-wait run_none", 3), ("sessions show ses_none", 3), ("sessions complete ses_none", 3),
    ("sessions terminate ses_none --yes", 3), ("people role nobody@example.com admin", 3),
    ("people remove nobody@example.com", 3), ("people uninvite inv_none", 3), ("keys revoke key_none", 3),
    ("tokens ls nobody@example.com", 3), ("tokens revoke tok_none", 3), ("audit evidence ses_none", 3),
    ("people ls -w wsp_other", 3), ("tasks ls --cursor nonsense", 1), ("tasks ls --limit 0", 2),
    ("tasks ls --status x", 1), ("tasks assign {task} nobody@example.com", 1),

    ("runs ls --state x", 2),
    ("tasks extend task_none", 3), ("tasks extend {done_task}", 4), ("tasks extend {flow_task}", 4),
    ("tasks retry {task}", 1), ("tasks respond {flow_task} x", 1),
    ("tasks answer {task} a=1", 1), ("tasks choose {task} sms", 1),
    ("tasks edit {task} --content nonsense", 1), ("tasks approve {done_task}", 4), ("runs cancel {done_run}", 1),
    ("runs skip-wait {done_run}", 4), ("sessions complete {done_session}", 4),
    ("people add owner@example.com --role admin", 4), ("people role owner@example.com operator", 4),
    ("people add nonsense --role admin", 1),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code"), NOT_THERE)
def test_refusals_have_the_same_exit_code_and_message(
    places: Places, ids: dict[str, str], line: str, code: int
) -> None:
    arguments = line.format(**ids).split()
    on_file, on_server = places.file(*arguments), places.server(*arguments)
    assert (on_file.code, on_server.code) == (code, code), (on_file, on_server)
    if code not in (2, 3):
        assert on_server.stderr.splitlines()[:1] == on_file.stderr.splitlines()[:1]
    as_json = places.server(*arguments, "--json") if "evidence" not in line else None
    if code != 2 and as_json is not None and "error" in as_json.json:
        assert set(as_json.json["error"]) == {"code", "message", "hint"}


ACTS = [
    ("agent", "tasks extend {task}"), ("agent", "tasks extend {task} --json"),
    ("agent", "tasks approve {task}"), ("agent", "tasks assign {task} owner@example.com"),
    ("agent", "tasks assign {task} owner@example.com --json"), ("agent", "tasks assign {task}"),
    ("agent", "tasks approve {task} -m fine --json"),
    ("agent", "tasks respond {task} why? --json"),
    ("agent", "tasks reject {task} -m no --json"), ("agent", "tasks reject {task} --cancel-run"),
    ("agent", 'tasks edit {task} --content {{"amount":7}} --json'), ("flow", "tasks approve {task} --json"),
    ("flow", "tasks reject {task} -m why --cancel-run --json"), ("agent", "runs cancel {run} -m enough"),
    ("agent", "runs cancel {run} --json"), ("agent", "sessions terminate {session} --yes"),
    ("agent", "sessions terminate {session} --json"), ("flow", "sessions complete {session} --json"),
    ("flow", "sessions complete {session} -m done"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "line"), ACTS)
def test_what_is_done_is_told_the_same(places: Places, of: str, line: str) -> None:
    begin = places.paused if of == "agent" else places.flow
    on_file = places.file(*line.format(**begin()).split())
    on_server = places.server(*line.format(**begin()).split())
    assert on_file.code == 0, on_file
    assert on_server.normal() == on_file.normal()


def test_people_and_keys_come_and_go_the_same(places: Places) -> None:
    for line in (
        "people add {who} --role operator --name {who}", "people role {who} developer --json", "people disable {who}",
        "people enable {who} --json", "people remove {who} --json", "people invite {who} --role auditor --days 2",
        "people invite {who} --role auditor --json", "keys create {who} --scope agt_x:trg_y",
    ):  # fmt: skip
        who = ("ana@example.com", "ann@example.com")
        on_file = places.file(*line.format(who=who[0]).split()).normal()
        on_server = places.server(*line.format(who=who[1]).split()).normal()
        if line.startswith("keys"):  # a server knows which agents there are, and which of its triggers
            refused(on_server, 3, "Expected scopes of agents or workflows")
            continue
        told = Done(on_server.code, on_server.stdout.replace("ann@", "ana@"), on_server.stderr.replace("ann@", "ana@"))
        assert told == on_file, line


def test_what_was_made_at_a_server_works_and_ends(places: Places) -> None:
    made = places.server("keys", "create", "shop", "--scope", places.served.who["agent"], "--json").json
    assert places.server("tasks", "ls", who=made["secret"]).code == 0
    assert places.server("keys", "revoke", made["key"], "--json").json == {"key": made["key"], "revoked": True}
    refused(places.server("tasks", "ls", who=made["secret"]), 1, "sayso tokens create")
    invited = places.server("people", "invite", "cy@example.com", "--role", "operator", "--json").json
    assert invited["secret"].startswith("sayso_inv_")
    assert places.server("people", "uninvite", invited["invitation"]).stdout == f"{invited['invitation']}: revoked.\n"
    token = places.file("tokens", "create", "operator1@example.com", "--json").json
    assert places.server("tasks", "ls", who=token["secret"]).code == 0
    assert places.server("tokens", "revoke", token["token"]).code == 0
    refused(places.server("tasks", "ls", who=token["secret"]), 1, "expired or revoked")


def test_evidence_is_the_same_and_holds(places: Places, ids: dict[str, str], tmp_path: Path) -> None:
    for name, place in (("file", places.file), ("server", places.server)):
        assert place("audit", "evidence", ids["done_session"], "-o", str(tmp_path / name)).code == 0
        assert ran("audit", "check", str(tmp_path / name)).code == 0
    first, second = (json.loads((tmp_path / name).read_text("utf-8"))["parts"] for name in ("file", "server"))
    assert set(first) == set(second)
    assert first["runs"] == second["runs"]


def test_a_deadline_is_extended_until_it_cannot_be(places: Places) -> None:
    """By turns on the file and on the server; cards and `runs show` tell it at both."""
    ids = places.paused()
    for left in range(9, -1, -1):
        place = places.file if left % 2 else places.server
        assert place("tasks", "extend", ids["task"], "--json").json["extensions_left"] == left
    spent = [place("tasks", "extend", ids["task"], "--json") for place in (places.file, places.server)]
    assert [(done.code, done.json["error"]["code"]) for done in spent] == [(4, "deadline_fixed")] * 2
    cards = [place("tasks", "show", ids["task"]) for place in (places.file, places.server)]
    same(*cards)
    assert "it cannot be extended" in cards[0].stdout
    fresh = places.server("tasks", "show", places.paused()["task"]).stdout
    assert "it can be extended 10 times more: sayso tasks extend task_" in fresh
    shown = [place("runs", "show", ids["run"], "--json") for place in (places.file, places.server)]
    said = [[entry["kind"] for entry in done.json["journal"]].count("extended") for done in shown]
    assert said == [10, 10]


def test_two_terminals_decide_and_the_first_wins(places: Places) -> None:
    task, operators = places.paused()["task"], places.served.who["operators"]
    assert places.server("tasks", "approve", task, who=operators[0]).code == 0
    late = places.server("tasks", "reject", task, "--json", who=operators[1])
    assert late.code == 4
    assert "operator0@example.com" in late.json["error"]["message"]


def test_two_terminals_at_the_same_moment(places: Places) -> None:
    """As processes of their own: whoever is answered first has won, and the other is told so."""
    task, operators = places.paused()["task"], places.served.who["operators"]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "sayso", "tasks", verb, task, "--json"],
            env={**os.environ, "SAYSO_URL": places.served.url, "SAYSO_API_KEY": token},
            stdout=subprocess.PIPE, text=True,
        )
        for verb, token in zip(("approve", "reject"), operators, strict=False)
    ]  # fmt: skip
    said = [json.loads(one.communicate(timeout=60)[0]) for one in running]
    assert sorted(one.returncode for one in running) == [0, 4]
    (won,) = [found for found in said if "verdict" in found]
    (lost,) = [found["error"] for found in said if "error" in found]
    assert won["by"] in lost["message"]


def test_an_operator_is_kept_to_what_operators_may(places: Places, ids: dict[str, str]) -> None:
    operator = places.served.who["operators"][2]
    assert places.server("tasks", "ls", who=operator).code == 0
    assert places.server("runs", "show", ids["run"], who=operator).code == 0
    for line in ("runs ls", "people ls", "keys ls", "audit ls", f"runs cancel {ids['run']}", "run desk"):
        refused(places.server(*line.split(), who=operator), 1)


def test_a_key_does_what_its_scopes_say_and_is_told_who_may_more(places: Places, ids: dict[str, str]) -> None:
    key = places.served.who["key"]
    assert places.server("runs", "ls", who=key).code == 0
    refused(places.server("people", "ls", who=key), 1, "a person's token")
    refused(places.server("run", "desk", who=key), 3, "by its id")
    refused(places.server("run", "flow", who=key), 1, "scopes name 'flow'")
    begun = places.server("run", places.served.who["agent"], "--json", who=key)
    assert begun.code == 5
    task = begun.json["waiting_for"][0]["task"]
    refused(places.server("tasks", "approve", task, who=key), 1, "somebody else")  # it started the run itself


def test_runs_are_started_by_name_and_followed(places: Places) -> None:
    begun = places.server("run", "desk", "please", "--json")
    assert begun.code == 5
    assert begun.json["status"] == "PAUSED"
    task = begun.json["waiting_for"][0]["task"]
    other = places.server("run", "flow", "hello", "-s", "mine")
    assert other.code == 5
    assert "sayso tasks approve" in other.stdout
    assert "of the workflow: paused" in other.stderr
    assert places.server("sessions", "show", "mine", "--json").json["run_count"] == 1
    assert places.server("tasks", "approve", task).code == 0


def test_a_run_of_an_agent_starts_in_a_session_that_is_named(places: Places) -> None:
    for count in (1, 2):
        begun = places.server("run", "desk", "please", "--session", "theirs", "--json")
        assert (begun.code, begun.json["session_id"]) == (5, "theirs")
        for one in (places.server, places.file):
            assert one("sessions", "show", "theirs", "--json").json["run_count"] == count


def test_a_run_that_is_decided_meanwhile_is_followed_to_its_end(places: Places) -> None:
    """The run asks, is cancelled from elsewhere, and the listing says so in the same words."""
    one = places.flow()
    assert places.server("runs", "cancel", one["run"]).code == 0
    same(places.file("runs", "show", one["run"], "--json"), places.server("runs", "show", one["run"], "--json"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run nobody", ("no", "agent or workflow 'nobody'")),
        ("run desk.py:agent", ("code of this machine", "--url ''")),
        ("run module:agent", ("code of this machine",)),
        (
            "people link owner@example.com",
            ("at the machine that holds the database", "sayso people link owner@example.com --url '' -d FILE"),
        ),
        (
            "tokens create owner@example.com",
            ("a token makes no tokens", "sayso tokens create owner@example.com --url '' -d FILE"),
        ),
        ("worker x:y", ("works on files alone", "env -u SAYSO_URL")),
        ("serve x:y", ("works on files alone",)),
        ("demo", ("works on files alone",)),
        ("tasks ls -d other.db", ("both are named", "--url ''")),
    ],
)
def test_what_makes_no_sense_at_a_server_is_refused(places: Places, line: str, words: tuple[str, ...]) -> None:
    done = places.server(*line.split())
    refused(done, 3 if "nobody" in line else 1, *words, "Hint: ")


def test_an_option_names_the_server_and_an_empty_one_the_file(places: Places, ids: dict[str, str]) -> None:
    url, key = places.served.url, {"SAYSO_API_KEY": places.served.who["owner"]}
    shown = ran("tasks", "show", ids["task"], "--url", url, env=key)
    assert shown.code == 0
    assert f"sayso tasks approve {ids['task']} --url {url}" in shown.stdout
    file = str(places.folder / "sayso.db")
    elsewhere = {**key, "SAYSO_URL": "http://127.0.0.1:9"}
    assert ran("tasks", "ls", "--url", "", "-d", file, env=elsewhere).code == 0
    assert ran("tasks", "ls", "--url", "", env={**elsewhere, "SAYSO_DATABASE": file}).code == 0
    assert ran("tasks", "ls", env={**key, "SAYSO_URL": url, "SAYSO_DATABASE": "no.db"}).code == 0


def test_the_settings_file_names_the_server_too(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sayso.toml").write_text(f'url = "{places.served.url}"\n')
    (tmp_path / ".env").write_text(f"SAYSO_API_KEY={places.served.who['owner']}\n")
    assert ran("people", "ls").code == 0
    refused(ran("worker", "x:y"), 1, "works on files alone")


def test_nothing_of_the_runtime_is_loaded_to_speak_to_a_server(places: Places) -> None:
    code = "import sys; sys.argv = ['sayso', *sys.argv[1:]]\nfrom sayso.cli import main\n"
    code += "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
    code += "heavy = ('sayso.runtime', 'sayso.stores', 'sayso.app.database', 'sayso.llm', 'sayso.server', 'sqlalchemy',"
    code += " 'pydantic_ai', 'pydantic_settings', 'fastapi', 'uvicorn', 'structlog', 'jsonschema')\n"
    code += "sys.exit(', '.join(name for name in heavy if name in sys.modules) or None)"
    for line in ("tasks ls --json", "runs ls", "people ls", "audit verify", "keys ls", "sessions ls"):
        done = subprocess.run(
            [sys.executable, "-c", code, *line.split()],
            env={**os.environ, "SAYSO_URL": places.served.url, "SAYSO_API_KEY": places.served.who["owner"]},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), line
