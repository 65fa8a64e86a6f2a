"""The key table: no key means two things at once, none is one that another program keeps."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter

import pytest
from textual.binding import Binding
from textual.widget import Widget

import widgets
from widgets.field import Field
from widgets.keys import FORBIDDEN, KEYS, TEXT_CONTEXTS, Key, keys_of, reachable
from widgets.text_editor import TextEditor

CONTEXTS = sorted({key.context for key in KEYS})
FOOTER_KEYS = 8


def homes() -> dict[str, list[type[Widget]]]:
    """Context → the widgets whose row of the table it is; bases of others are none."""
    found: list[type[Widget]] = []
    for module in pkgutil.iter_modules(widgets.__path__):
        loaded = importlib.import_module(f"widgets.{module.name}")
        for _, kind in inspect.getmembers(loaded, inspect.isclass):
            if kind.__module__ == loaded.__name__ and issubclass(kind, Widget) and hasattr(kind, "CONTEXT"):
                found.append(kind)
    by_context: dict[str, list[type[Widget]]] = {}
    for kind in found:
        if not any(other is not kind and issubclass(other, kind) for other in found):
            by_context.setdefault(kind.CONTEXT, []).append(kind)
    return by_context


HOMES = homes() | {"comment": [Field], "editor": [TextEditor]}
"""Words are typed in a part of the widget that names the context."""


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_key_means_one_thing_in_a_context(context: str) -> None:
    pressed = Counter(one for key in reachable(context) for one in key.all_keys)
    assert [key for key, times in pressed.items() if times > 1] == []


def test_ids_are_unique() -> None:
    assert [name for name, times in Counter(key.id for key in KEYS).items() if times > 1] == []


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_no_key_is_one_that_something_else_keeps(key: Key) -> None:
    for one in key.all_keys:
        assert one not in FORBIDDEN
        assert not one.startswith(("alt+", "super+", "meta+"))


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_footer_names_at_most_eight_keys(context: str) -> None:
    ranks = [key.rank for key in reachable(context) if key.rank]
    if context not in TEXT_CONTEXTS:
        assert len([key for key in keys_of(context) if key.rank]) <= FOOTER_KEYS
    assert len(ranks) == len(set(ranks)), "two keys for one place"


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_text_field_takes_no_letter_as_a_key(context: str) -> None:
    if context in TEXT_CONTEXTS:
        letters = [one for key in reachable(context) for one in key.all_keys if len(one) == 1]
        assert letters == []


@pytest.mark.parametrize("key", [key for key in KEYS if "." not in key.action], ids=lambda key: key.id)
def test_every_key_has_somebody_who_does_it(key: Key) -> None:
    name = f"action_{key.action.partition('(')[0]}"
    kinds = HOMES.get(key.context)
    assert kinds is None or any(callable(getattr(kind, name, None)) for kind in kinds)


@pytest.mark.parametrize("context", sorted(HOMES))
def test_every_row_of_a_context_is_bound_there(context: str) -> None:
    wanted = {key.id for key in keys_of(context)}
    assert any(wanted <= bound(kind) for kind in HOMES[context])


def bound(kind: type[Widget]) -> set[str]:
    """Ids of the bindings of a widget and its bases."""
    return {
        one.id
        for base in kind.__mro__
        for one in base.__dict__.get("BINDINGS", [])
        if isinstance(one, Binding) and one.id
    }
