"""Strict parsing of a tool call's arguments: one whole JSON object, with nothing that could mislead."""

from __future__ import annotations

import json
import math
from typing import Any


def parse_arguments(raw: str) -> tuple[dict[str, Any] | None, str]:
    """The arguments object and "", or None and how `raw` fails, in words for the model.

    An empty text is an empty object: a call without arguments sends no JSON at all. Refused beside broken
    JSON: duplicate keys (which one would count?), NaN, infinities and lone surrogates (cannot be stored or
    sent back), and anything that is no object.
    """
    if not raw.strip():
        return {}, ""
    try:
        value = json.loads(
            raw, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite_float
        )
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        near = raw[max(0, error.pos - 20) : error.pos + 20]
        return None, f"the arguments are not valid JSON: {error.msg} at character {error.pos}, near {near!r}"
    except UnicodeEncodeError:
        return None, "the arguments hold half of a surrogate pair, which is no character"
    except RecursionError:
        return None, "the arguments are nested too deeply"
    except ValueError as error:
        return None, f"the arguments are not valid JSON: {error}"
    if not isinstance(value, dict):
        return None, f"the arguments must be a JSON object, not {type(value).__name__}"
    return value, ""


def whole_text(text: str) -> str:
    """`text` with surrogate pairs joined and lone halves replaced, so that it can be encoded as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def sendable(value: Any) -> Any:
    """A copy of a JSON value whose texts can all be encoded; file names and output may hold escaped bytes."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, dict):
        return {whole_text(key): sendable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sendable(item) for item in value]
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is given twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is too large")
    return number
