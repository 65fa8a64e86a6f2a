"""The frozen base of every domain model."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value that refuses unknown fields, so that a typo never passes as data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def but(self, **changes: Any) -> Self:
        """The same value with some fields changed, validated again."""
        data = {name: getattr(self, name) for name in type(self).model_fields} | changes
        return type(self)(**data)

    def doc(self) -> dict[str, Any]:
        """The JSON document that the store keeps."""
        return self.model_dump(mode="json")
