"""`sayso config`: every setting as it is in force, and where it comes from."""

from sayso.app.settings import Effective, explain_settings
from sayso.cli.shared import Database, Json, print_json
from sayso.cli.tables import print_table
from sayso.model.json import Json as JsonValue


def config(database: Database = None, json_: Json = False) -> None:
    """Show the settings in force; secrets are masked."""
    settings = explain_settings(database=database)
    if json_:
        print_json({one.name: {"value": one.value, "source": one.source} for one in settings})
    else:
        print_table(("setting", "value", "from"), [(one.name, _text(one), one.source) for one in settings])


def _text(setting: Effective) -> JsonValue:
    if setting.value is None:
        return "-"
    return ", ".join(map(str, setting.value)) if isinstance(setting.value, list) else setting.value
