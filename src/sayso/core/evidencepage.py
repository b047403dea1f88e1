"""An evidence packet as a page that can be read, printed and kept: HTML without scripts, links or requests.

Everything in it comes from data that somebody else may have written, so every piece is escaped, and characters that
hide or turn text around are shown as what they are. The page is for reading; what is checked is the packet itself.
"""

import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sayso.core.contradictions import exact_bytes
from sayso.core.visible import visible
from sayso.model.json import Json

STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #1b1b1b; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1.5em; }
th, td { border: 1px solid #c8c8c8; padding: .3em .5em; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; unicode-bidi: isolate; }
th { background: #f0f0f0; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; }
.bad { color: #9b0000; font-weight: bold; }
"""
"""The page's one style sheet; who serves the page names it in its policy."""
Part = Mapping[str, Any]


def page(packet: Mapping[str, Any]) -> str:
    """Return the page of a packet."""
    parts, manifest = packet["parts"], packet["manifest"]
    session = parts["session"]
    title = f"Evidence of session {_text(session['id'])}"
    about = {
        "made at": packet["made_at"], "workspace": session["workspace"], "status": session["status"],
        "user": session["user"], "used": session["used"], "packet (SHA-256)": manifest["whole"],
    }  # fmt: skip
    rows = {**parts, "audit": parts["audit"]["rows"]}
    body = [
        f"<h1>{title}</h1>",
        _facts(about),
        _findings(parts["findings"]),
        *[_section(heading, columns, map(row, rows[part])) for part, heading, columns, row in _SECTIONS],
        _chain(parts["audit"]["chain"]),
        _section("Manifest", ("part", "SHA-256"), manifest["parts"].items()),
    ]
    return _HEAD.format(title=title, style=STYLE) + "\n".join(body) + "\n</body>\n</html>\n"


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def _run(run: Part) -> Sequence[Json]:
    return run["id"], run["of"], run["version"], run["state"], run["parent"], run["created_at"], run["started_by"]


def _decision(item: Part) -> Sequence[Json]:
    said = {"verdict": item["verdict"], "then": item["action"], **item["answer"]}
    return (
        item["task"],
        said,
        f"{item['name']} ({item['by']['via']})",
        item["at"],
        item["note"],
        item["changed"] or None,
    )


def _task(task: Part) -> Sequence[Json]:
    return task["id"], task["kind"], task["status"], task["shown"], task["digest"]


def _call(call: Part) -> Sequence[Json]:
    arguments = exact_bytes(call["arguments"]).decode("utf-8", "backslashreplace")
    return (
        f"{call['id']} {call['key']}", f"{call['tool']} ({call['effect']})", call["state"], arguments,
        {name: value for name, value in call["gate"].items() if value is not None} or None,
        call["attempts"] or None, call["idempotency_key"],
    )  # fmt: skip


def _step(step: Part) -> Sequence[Json]:
    return step["run"], step["seq"], step["at"], step["kind"], step["key"], step["data"]


def _version(item: Part) -> Sequence[Json]:
    return item["run"], item["of"], item["fingerprint"], item["shape"], item["version"]


def _row(row: Part) -> Sequence[Json]:
    by = f"{row['by']['id']} ({row['by']['type']}, {row['by']['via']})"
    said = row.get("data", row.get("data_base64"))
    return row["seq"], row["at"], by, row["action"], row["target"], said, row["hash"]


_SECTIONS: tuple[tuple[str, str, tuple[str, ...], Callable[[Part], Sequence[Json]]], ...] = (
    ("runs", "Runs", ("run", "of", "version", "state", "parent", "started", "started by"), _run),
    ("decisions", "Decisions", ("task", "what was said", "by", "at", "note", "changed"), _decision),
    ("tasks", "Tasks: what was shown", ("task", "kind", "status", "shown", "digest"), _task),
    ("calls", "Calls", ("call", "tool", "state", "arguments", "gate", "attempts", "idempotency key"), _call),
    ("steps", "Steps", ("run", "number", "at", "kind", "key", "data"), _step),
    ("versions", "Versions", ("run", "of", "fingerprint", "shape", "version"), _version),
    ("audit", "Audit log", ("number", "at", "by", "action", "target", "data", "hash"), _row),
)
"""Each part with its heading, its columns, and how one of its rows is made."""


def _findings(found: Sequence[str]) -> str:
    if not found:
        return "<p>Nothing in this packet contradicts itself.</p>"
    return '<ul class="bad">' + "".join(f"<li>{_text(item)}</li>" for item in found) + "</ul>"


def _chain(chain: Part) -> str:
    state = "It does not hold." if chain["broken"] else "Every row holds."
    anchor = chain["anchor"]
    at = "no row" if anchor is None else f"{anchor['seq']}:{anchor['hash']}"
    return f"<p>{_text(chain['rows'])} rows of the whole audit log hold. {state} Anchor: <code>{_text(at)}</code></p>"


def _section(title: str, headings: Sequence[str], rows: Iterable[Sequence[Json]]) -> str:
    head = "".join(f"<th>{_text(item)}</th>" for item in headings)
    made = ["<tr>" + "".join(f"<td>{_cell(item)}</td>" for item in row) + "</tr>" for row in rows]
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(made)}</tbody></table>" if made else "<p>None.</p>"
    return f"<h2>{_text(title)}</h2>\n{table}"


def _facts(facts: Mapping[str, Json]) -> str:
    rows = [f"<tr><th>{_text(name)}</th><td>{_cell(value)}</td></tr>" for name, value in facts.items()]
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return _text(value)
    return f"<pre>{_text(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"


def _text(value: object) -> str:
    return html.escape(visible(str(value)), quote=True)
