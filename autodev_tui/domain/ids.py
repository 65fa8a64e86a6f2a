"""Identities: sortable by time, never reused, made from an injected clock and randomness."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is mistaken for a digit."""


class Ids:
    """Makes ids such as `s01jd8x2k9r7f3`: a prefix, milliseconds, then random bits; always rising."""

    def __init__(
        self, clock: Callable[[], float] = time.time, random_bits: Callable[[int], int] = secrets.randbits
    ) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._last = 0

    def new(self, prefix: str) -> str:
        """The next id; two ids of one process never collide, even in one tick of the clock."""
        value = (int(self._clock() * 1000) << 20) | self._random_bits(20)
        self._last = value = max(value, self._last + 1)
        digits = ""
        while value:
            value, digit = divmod(value, 32)
            digits = _ALPHABET[digit] + digits
        return prefix + digits.rjust(13, "0")
