"""The frozen base of every domain model."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict

DEFERRED = ConfigDict(defer_build=True)
"""Of adapters: built when first used, so that the screen paints before that."""


class Frozen(BaseModel):
    """An immutable value that refuses unknown fields, so that a typo never passes as data."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    # Built when a value is first made or read: the screen paints before most of them are needed.

    def but(self, **changes: Any) -> Self:
        """The same value with some fields changed, validated again."""
        data = {name: getattr(self, name) for name in type(self).model_fields} | changes
        return type(self)(**data)

    def doc(self) -> dict[str, Any]:
        """The JSON document that the store keeps."""
        return self.model_dump(mode="json")
