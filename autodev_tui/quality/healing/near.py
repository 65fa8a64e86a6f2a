"""Which of some names is meant by a name that is not among them: exactly one, or nobody can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodev_tui.quality.healing.model import Unhealed

TURNS = frozenset(
    {"not", "no", "non", "un", "dis", "never", "without", "all", "any", "none", "off", "on", "old"}
)
"""Words that turn a meaning around: `is_valid` is no short form of `is_not_valid`."""


LONGEST = 100
"""Characters; nobody misspells a longer name by hand."""


def distance(one: str, other: str, limit: int = 3) -> int:
    """Letters to insert, delete, change or swap with their neighbour; `limit` when it is as many or more."""
    if abs(len(one) - len(other)) >= limit:
        return limit
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        new = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        before, row = row, new
    return min(row[-1], limit)


def words(name: str) -> list[str]:
    """The words of a name in lower case: `getItem` and `get_item` are two words each."""
    parts = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", name).lower().split("_")
    return [part for part in parts if part]


def _plain(name: str) -> str:
    """A name without style and number: `getItems` and `get_item` are the same."""
    return "".join(re.sub(r"(?<=..)(?:ies|y|(?<!s)s)$", "", word) for word in words(name))


def near(name: str, options: Iterable[str]) -> str | Unhealed | None:
    """The one option that `name` means: by spelling, by style, by its words; None when no option is near."""
    if len(name) > LONGEST:
        return None
    known = sorted({one for one in options if one != name and not (one.startswith("__"))})
    reach = 0 if len(name) < 3 else 1 if len(name) < 5 else 2
    same = [one for one in known if _plain(one) == _plain(name)]
    spelt = {one: distance(name, one) for one in known if distance(name, one) <= reach}
    closest = min(spelt.values(), default=0)
    tiers = [same, [one for one, far in spelt.items() if far == closest], _by_words(name, known)]
    for tier in tiers:
        if len(tier) == 1:
            return tier[0]
        if tier:
            return Unhealed(f"{name} may mean {' or '.join(tier[:3])}")
    return None


def _by_words(name: str, known: list[str]) -> list[str]:
    """Options that say the same with a word more or less, or with the same words in another order."""
    own = set(words(name))
    found = []
    for one in known:
        other = set(words(one))
        shared = own & other
        apart = own ^ other
        if len(own - other) == len(other - own) == 1 and _short(*sorted(apart, key=len)):
            apart = set()
        if shared and len(apart) <= 1 and not apart & TURNS and max(map(len, shared)) > 2:
            found.append(one)
    return found


def _short(short: str, long: str) -> bool:
    """Whether one word is a short form of another, as `pct` of `percent`."""
    letters = iter(long)
    return len(short) > 1 and short[0] == long[0] and all(letter in letters for letter in short)
