"""`sayso config`: every setting as it is in force, and where it comes from."""

from sayso.cli.places import Database
from sayso.cli.shared import Json, print_json
from sayso.cli.tables import print_table
from sayso.model.json import Json as JsonValue


def config(database: Database = None, json_: Json = False) -> None:
    """Show the settings in force; secrets are masked."""
    from sayso.app.settings import explain_settings  # Lazy: a command over a server needs none but the environment.

    settings = explain_settings(database=database)
    if json_:
        print_json({one.name: {"value": one.value, "source": one.source} for one in settings})
    else:
        print_table(("setting", "value", "from"), [(one.name, _text(one.value), one.source) for one in settings])


def _text(value: JsonValue) -> JsonValue:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else value
