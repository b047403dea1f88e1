"""The parts of a card as pure functions: typed fields, differences, risk, figures, hidden and look-alike text."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from sayso.core.risks import risk_of
from sayso.model.errors import Invalid
from sayso.model.tasks import ApprovalRequest, CallShown, OutputReviewRequest, TextRequest, UncertainRequest
from sayso.web.controls import Unread, controls_of, read_all
from sayso.web.differing import changes
from sayso.web.fields import Fields
from sayso.web.lookalikes import skeleton, twins, warnings
from sayso.web.review.beside import snoozed_until
from sayso.web.review.scale import figure_of
from sayso.web.review.showing import rows_of
from sayso.web.wording import seen


def fields(**sent: str) -> Fields:
    return Fields({f"a:{name}": [text] for name, text in sent.items()})


def through(values: dict[str, Any], schema: Any = None, **sent: str) -> dict[str, Any]:
    """Show values as fields, send them back with changes, and return what is read."""
    controls = controls_of(schema, values, "a:")
    shown = {control.label: control.text for control in controls}
    nulls = {f"null:a:{control.label}": ["on"] for control in controls if control.null and control.label not in sent}
    return read_all(controls, Fields({**{f"a:{name}": [text] for name, text in {**shown, **sent}.items()}, **nulls}))


VALUES: dict[str, Any] = {
    "text": "a\nb\n", "blank": "", "odd": "x\u202ey\r\n\u00a0", "whole": 12345678901234567890, "real": 5.0,
    "small": 1e-300, "yes": True, "no": None, "list": [1, 1.0, "1", None], "object": {"a": {"b": []}},
    "json": "[1]", "marked": '<b>&"',
}  # fmt: skip


def test_what_is_sent_back_as_it_was_is_the_very_value() -> None:
    found = through(VALUES)
    assert json.dumps(found) == json.dumps(VALUES)


def test_what_is_edited_is_of_the_type_that_it_was() -> None:
    found = through(
        VALUES, text="c", whole="7", real="1.50", yes="false", list='["x"]', odd='"z\\u200b"', json="{}", no='"now"'
    )
    edited = ["c", 7, 1.5, False, ["x"], "z\u200b", "{}", "now"]
    assert [found[name] for name in ("text", "whole", "real", "yes", "list", "odd", "json", "no")] == edited
    assert [type(found[name]) for name in ("whole", "real", "yes")] == [int, float, bool]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("whole", "1.0"), ("whole", ""), ("whole", "\uff11\uff12"), ("real", "NaN"), ("real", "1,5"), ("real", "1e999"),
        ("yes", "True"), ("list", "{"), ("list", '{"a":1,"a":2}'), ("list", "NaN"), ("odd", '"\\ud800"'),
    ],
)  # fmt: skip
def test_what_is_not_of_its_type_is_refused(name: str, text: str) -> None:
    with pytest.raises(Unread) as refused:
        through(VALUES, **{name: text})
    assert set(refused.value.errors) == {f"a:{name}"}


def test_a_schema_says_what_is_asked_for() -> None:
    schema = {
        "type": "object",
        "properties": {
            "size": {"enum": ["S", 40]},
            "who": {"$ref": "#/$defs/Who"},
            "maybe": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
            "extra": {"type": "string"},
        },
        "required": ["size"],
        "$defs": {"Who": {"type": "string", "maxLength": 5, "description": "A name"}},
    }
    size, who, maybe, extra = controls_of(schema, {}, "a:")
    assert (size.look, size.choices, size.required) == ("choice", (('"S"', "S"), ("40", "40")), True)
    assert (who.look, who.hint, who.about) == ("text", "at most 5 characters", "A name")
    assert (maybe.look, maybe.nullable, maybe.hint) == ("whole", True, "at least 1")
    assert extra.shown is None
    assert read_all((size, who, maybe, extra), fields(size="40", who="", maybe="3", extra="")) == {
        "size": 40,
        "maybe": 3,
    }
    with pytest.raises(Unread):
        read_all((size,), fields(size="41"))


def test_a_change_is_told_place_by_place_and_line_by_line() -> None:
    was = {"a/b": 1, "t": "one\ntwo\nthree", "gone": [1], "same": True}
    now = {"a/b": 1.0, "t": "one\n2\nthree", "new": None, "same": True}
    found = {change.at: change for change in changes(was, now)}
    assert set(found) == {"a/b", "t", "gone", "new"}
    assert (found["a/b"].was, found["a/b"].now) == ("1", "1.0")
    assert found["t"].lines == (("same", "one"), ("was", "two"), ("now", "2"), ("same", "three"))
    assert (found["gone"].now, found["new"].was) == (None, None)


def call_shown(effect: str = "once", schema: Any = None, **arguments: Any) -> CallShown:
    return CallShown(tool="t", arguments=arguments, effect=effect, schema=schema)


@pytest.mark.parametrize(
    ("request_", "level"),
    [
        (ApprovalRequest(message="m", call=call_shown("read")), "low"),
        (ApprovalRequest(message="m", call=call_shown("keyed")), "medium"),
        (ApprovalRequest(message="m", call=call_shown("once")), "high"),
        (ApprovalRequest(message="m", call=call_shown("made up")), "high"),
        (ApprovalRequest(message="m", call=call_shown("once", {"x-risk": "low"})), "low"),
        (ApprovalRequest(message="m", call=call_shown("read", {"properties": {"a": {"x-risk": "high"}}})), "high"),
        (ApprovalRequest(message="m", call=call_shown("once", {"x-risk": "none at all"})), "high"),
        (ApprovalRequest(message="m"), "medium"),
        (OutputReviewRequest(message="m"), "medium"),
        (TextRequest(message="m"), "low"),
        (UncertainRequest(message="m", call=call_shown("read"), reference="r", attempt=1), "high"),
    ],
)
def test_how_much_is_at_stake(request_: Any, level: str) -> None:
    assert risk_of(request_).level == level


@pytest.mark.parametrize(
    ("arguments", "figure"),
    [
        ({"amount": 1234567.5, "id": 3, "currency": "USD"}, ("1,234,567.5", "USD", "amount")),
        ({"count": 12345678901234567890}, ("12,345,678,901,234,567,890", "", "count")),
        ({"x": -5000}, ("-5,000", "", "x")),
        ({"x": 1e22}, ("1e+22", "", "x")),
        ({"x": 1, "y": 2}, None),
        ({"yes": True}, None),
    ],
)
def test_the_number_that_it_is_about(arguments: dict[str, Any], figure: Any) -> None:
    found = figure_of(ApprovalRequest(message="m", call=call_shown(**arguments)))
    assert (None if found is None else (found.text, found.unit, found.name)) == figure


HIDDEN = [
    *range(9), *range(11, 32), 0x7F, 0x85, 0xA0, 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x1680, 0x17B4, 0x180B, 0x180E,
    *range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x2070), 0x2800, 0x3000, 0x3164, 0xFE00, 0xFE0F,
    0xFEFF, 0xFFA0, *range(0xFFF9, 0xFFFC), 0x13441, 0x16FE4, 0x1BCA0, 0x1D159, 0x1D173, 0xE0001, 0xE0041, 0xE0100,
    0xD800, 0xE000, 0x10FFFF,
]  # fmt: skip


@pytest.mark.parametrize("code", HIDDEN, ids=hex)
def test_what_has_no_glyph_is_a_chip(code: int) -> None:
    assert f">U+{code:04X}</span>b" in seen(f"a{chr(code)}b")


def test_what_has_a_glyph_is_left_alone_and_escaped() -> None:
    assert seen("<b>&\"'\n\té שלום 東京 👍") == "&lt;b&gt;&amp;&#34;&#39;\n\té שלום 東京 👍"


def test_long_texts_are_made_visible_in_no_time() -> None:
    began = time.perf_counter()
    assert len(seen("line é\n" * 60_000)) == 420_000
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("p\u0430ypal", "mixed scripts in one word: Cyrillic, Latin"),
        ("http://\u0430pple.com/x", "xn--pple-43d.com"),
        ("go to xn--pple-43d.com", "is written in other letters"),
        ("send \u0430\u0441\u0435 of spades", "is not Latin, and reads as ace"),
        ("e\u0301", "(NFD)"),
        ("שלום", "right to left"),
        (" x", "begins with blanks"),
        ("x \n", "ends with blanks"),
    ],
)
def test_what_is_to_be_known_of_a_text(text: str, told: str) -> None:
    assert any(told in warning for warning in warnings(text)), warnings(text)


@pytest.mark.parametrize(
    "text", ["Grüße", "Привет, мир", "東京タワー", "naïve café", "see example.com", "a\nb\n", "30 µm"]
)
def test_ordinary_text_is_not_warned_of(text: str) -> None:
    assert warnings(text) == []


def test_names_that_look_alike_are_told_apart() -> None:
    assert twins(["amount", "\u0430mount", "am0unt", "other"]) == {"\u0430mount": "amount", "am0unt": "amount"}
    assert skeleton("\u0430\u0440\u0440\u04cf\u0435") == skeleton("apple")
    first, second, third = rows_of({"amount": 1, "\u0430mount": 2, "deep": [{"a": 1, "\u0430": 2}]})
    assert first.name_notes == ()
    assert "looks alike" in second.name_notes[0]
    assert "two names that look alike" in third.notes[0]


@pytest.mark.parametrize(
    ("sent", "until"),
    [
        ({"for": "1h"}, datetime(2026, 3, 28, 12, 30, tzinfo=UTC)),
        ({"for": "4h"}, datetime(2026, 3, 28, 15, 30, tzinfo=UTC)),
        ({"for": "tomorrow"}, datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),  # the clocks of Berlin go forward that night
        ({"for": "custom", "until": "2026-03-28T18:00"}, datetime(2026, 3, 28, 17, 0, tzinfo=UTC)),
    ],
)
def test_a_snooze_is_in_the_viewers_zone(sent: dict[str, str], until: datetime) -> None:
    now = datetime(2026, 3, 28, 11, 30, tzinfo=UTC)
    given = Fields({name: [text] for name, text in sent.items()})
    assert snoozed_until(given, now, "Europe/Berlin").astimezone(UTC) == until


def test_a_snooze_until_no_time_is_refused() -> None:
    with pytest.raises(Invalid):
        snoozed_until(Fields({"for": ["custom"], "until": ["soon"]}), datetime(2026, 1, 1, tzinfo=UTC), "UTC")
