"""A change that means nothing: only a commit tells whether a database takes changes."""

from sqlalchemy import ColumnElement, Integer, Text, cast
from sqlalchemy.dialects import postgresql, sqlite

from sayso.stores.schema import meta
from sayso.stores.statements import ONE, Statements, constant

_FIRST = {"name": constant("probe"), "value": constant("1")}
_NEXT: dict[str, ColumnElement[str]] = {"value": cast(cast(meta.c.value, Integer) + ONE, Text)}
_KEY = [meta.c.name]

STATEMENTS: Statements = {
    # Counts up: to write the value that is there already would be to write nothing.
    "probe": {
        "sqlite": sqlite.insert(meta).inline().values(_FIRST).on_conflict_do_update(index_elements=_KEY, set_=_NEXT),
        "postgresql": postgresql.insert(meta)
        .inline()
        .values(_FIRST)
        .on_conflict_do_update(index_elements=_KEY, set_=_NEXT),
    },
}
