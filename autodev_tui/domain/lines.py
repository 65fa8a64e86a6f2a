"""Values as lines of JSON, also where their text holds bytes that are no Unicode, as lines of a diff may."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

T = TypeVar("T")


def to_line(adapter: TypeAdapter[T], value: T) -> bytes:
    """`value` as one line of JSON, without its end."""
    try:
        return adapter.dump_json(value)
    except (PydanticSerializationError, UnicodeError):
        # Surrogates, which stand for such bytes, are only known to Python's own JSON.
        return json.dumps(adapter.dump_python(value, mode="json")).encode()


def from_line(adapter: TypeAdapter[T], line: bytes) -> T:
    """The value of a line. Raises ValidationError: it is none."""
    try:
        return adapter.validate_json(line)
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] != "json_invalid":
            raise
        return adapter.validate_python(json.loads(line))
