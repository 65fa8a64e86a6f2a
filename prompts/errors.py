"""What can go wrong with a prompt."""

from __future__ import annotations


class PromptError(Exception):
    """A template is missing, broken, or was rendered without one of its variables; says file and line."""


class PromptTooLong(PromptError):
    """What must not be left out of a prompt is longer than it may be."""

    def __init__(self, name: str, tokens: int, max_tokens: int) -> None:
        super().__init__(
            f"prompt {name}: needs about {tokens} tokens even with all gone that may be left out,"
            f" {max_tokens} are allowed"
        )
        self.tokens = tokens
        self.max_tokens = max_tokens
