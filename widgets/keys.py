"""The keys of a context: its rows of the key table, Textual's bindings of them, and what it inherits."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from widgets.key_table import ARROWS, EVERYWHERE, FORBIDDEN, KEYS, NAMES, PANES, TEXT_CONTEXTS, Key

__all__ = ["ARROWS", "FORBIDDEN", "KEYS", "NAMES", "TEXT_CONTEXTS", "Key", "bindings", "keys_of", "reachable"]


def keys_of(context: str) -> list[Key]:
    """The rows of one context, in the order of the table."""
    return [key for key in KEYS if key.context == context]


def bindings(*contexts: str) -> list[BindingType]:
    """Textual's bindings of these contexts."""
    return [
        Binding(
            ",".join(key.all_keys),
            key.action,
            key.words,
            show=bool(key.rank),
            key_display=key.shown,
            id=key.id,
            priority=key.priority,
        )
        for context in contexts
        for key in keys_of(context)
    ]


def reachable(context: str) -> list[Key]:
    """Every row that holds in a pane of this context, its own first; narrowed pane keys are left out."""
    own = keys_of(context)
    if context in TEXT_CONTEXTS:
        return own + [key for key in EVERYWHERE if not set(key.all_keys) & _taken(own)]
    panes = [key for key in PANES if not set(key.all_keys) & _taken(own)]
    taken = _taken(own) | _taken(panes)
    return own + panes + [key for key in EVERYWHERE if not set(key.all_keys) & taken]


def _taken(keys: list[Key]) -> set[str]:
    return {one for key in keys for one in key.all_keys}
