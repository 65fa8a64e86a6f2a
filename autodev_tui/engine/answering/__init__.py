"""Answers about everything around the work: sessions, money, settings, trust, what a machine lacks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

AROUND: dict[type[Any], Callable[[Any, Any], Awaitable[Any]]] = {}
