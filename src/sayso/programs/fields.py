"""`UserInputField`: one value that a person is asked for, by a step or by a tool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sayso.core import forms
from sayso.core.codec import to_json
from sayso.model.tasks import FieldType, FormField

_TYPES: tuple[FieldType, ...] = ("str", "int", "float", "bool", "list", "dict")


@dataclass(kw_only=False)
class UserInputField:
    """One value that a person is asked for.

    Args:
        name: The key under which the step finds the value.
        field_type: `str`, `int`, `float`, `bool`, `list` or `dict` (or the Python type).
        description: Shown beside the field.
        value: The default; on a requirement, the value that was given.
        required: Whether it may be left out.
        allowed_values: The only values that are accepted.

    Raises:
        ValueError: An unknown type, no name, or a default that does not fit.
    """

    name: str
    field_type: str = "str"
    description: str | None = None
    value: Any = None
    required: bool = True
    allowed_values: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.field_type, type):
            self.field_type = self.field_type.__name__
        if not self.name:
            raise ValueError("Expected a name for the input field, but it is empty.")
        if self.field_type not in _TYPES:
            raise ValueError(
                f"Expected field_type of '{self.name}' to be one of {', '.join(_TYPES)}; got {self.field_type!r}."
            )
        if self.value is not None:
            found = forms.problems([self.to_field()], {})
            if found:
                raise ValueError(f"Expected a default that fits the field; {found[0]}.")

    def to_field(self) -> FormField:
        """Return the field as it is stored with a task."""
        allowed = None if self.allowed_values is None else tuple(to_json(v) for v in self.allowed_values)
        return FormField(
            name=self.name,
            field_type=cast("FieldType", self.field_type),
            description=self.description,
            value=to_json(self.value),
            required=self.required,
            allowed_values=allowed,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the field as plain JSON."""
        return {
            "name": self.name,
            "field_type": self.field_type,
            "description": self.description,
            "value": self.value,
            "required": self.required,
            "allowed_values": None if self.allowed_values is None else list(self.allowed_values),
        }


def field_of(item: UserInputField | Mapping[str, Any]) -> UserInputField:
    """Return a field of its own, from a field or its dict.

    Raises:
        ValueError: The dict has unknown or missing keys.
    """
    if isinstance(item, UserInputField):
        return UserInputField(
            item.name, item.field_type, item.description, item.value, item.required, item.allowed_values
        )
    try:
        return UserInputField(**item)
    except TypeError as exc:
        raise ValueError(f"Expected an input field (name, field_type, ...), but got {dict(item)!r}: {exc}.") from None
