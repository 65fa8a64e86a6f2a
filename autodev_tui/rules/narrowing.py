"""What a goal wants healed: the kinds of checks and the places that its words name, else everything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence

from autodev_tui.domain.rule import HEAL
from autodev_tui.rules.recognising import Part
from autodev_tui.rules.scope import KINDS, Scope

_HOW = r"(?:\b(?:red|broken|failing|unit|all|every|code|python|js|reported|remaining)\s+)*"
_WHAT = (
    r"(?:[\s-]+(?:errors?|warnings?|issues?|problems?|failures?|checks?|checker|suite|hints?|findings?))?"
    r"(?:\s+(?:(?:is|are|ay|keeps?|still|all)\s+)+(?:red|broken|failing)\b)?"
)
_ALL = (
    r"(?:\s+(?:(?:all|the|our|of|ang|lahat|ng|mga|buong)\s+)*"
    r"(?:everything|code\s?base|code|files?|all|repo\w*|lahat))?"
)
_KINDS = {
    "lint": re.compile(
        rf"{_HOW}\b(?:lint\w*|ruff|flake8|pylint|eslint|clippy|prettier|gofmt|black|isort|style|whitespace|indentation"
        rf"|(?:re|i-?|paki-?|mag-?)?format(?:s|ter|ting)?"
        rf"|(?:unused|unsorted|sort|organi[sz]e)\s+(?:(?:the|all|ang|mga)\s+)*imports?)\b{_WHAT}{_ALL}",
        re.IGNORECASE,
    ),
    "types": re.compile(rf"{_HOW}\b(?:types?|typing|mypy|pyright|tsc)\b{_WHAT}", re.IGNORECASE),
    "tests": re.compile(rf"{_HOW}\b(?:tests?|suite|pytest|unittest)\b{_WHAT}", re.IGNORECASE),
}
_WIDE = re.compile(
    r"\b(?:checks?|ci|pipeline|builds?|everything|anything|whatever|what|red|broken|errors?|failures?|warnings?|findings?"
    r"|imports?|\w*Errors?|dependenc\w+|packages?|modules?|requirements|syntax|repo\w*|code\s?base)\b",
    re.IGNORECASE,
)
"""What means more than one kind of check."""
_PLACE = re.compile(
    r"\b(?P<how>in|of|for|under|inside|within|sa|ng)\s+(?:(?:the|our|my|ang|mga|files?|folder|directory|module|package)\s+)*"
    r"(?P<places>[`'\"]?[\w./-]+[`'\"]?(?:(?:\s*,\s*(?:and\s+)?|\s+(?:and|at)\s+)[`'\"]?[\w./-]+[`'\"]?)*)",
    re.IGNORECASE,
)
_FORMATS = re.compile(
    r"\b(?:re|i-?|paki-?|mag-?)?format\s+(?:(?:the|file|folder|ang)\s+)*(?P<places>[`'\"]?[\w./-]+[`'\"]?)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*,\s*(?:and\s+)?|\s+(?:and|at)\s+")


def narrowed(title: str, rule: str, known: Collection[str]) -> str:
    """The rule for no more than the words name. `known` has the paths of the repository."""
    paths: dict[str, None] = {}
    rest = title
    for found in (*_PLACE.finditer(title), *_FORMATS.finditer(title)):
        words = _BETWEEN.split(found["places"])
        if "how" in found.groupdict() and found["how"].lower() in ("of", "for", "ng"):
            # `all of the tests` is no folder.
            words = [word for word in words if not any(one.fullmatch(word) for one in _KINDS.values())]
        named = [one for word in words for one in places(word, known)]
        paths.update(dict.fromkeys(named))
        rest = rest.replace(found[0], " ") if named and found.re is _PLACE else rest
    if rule != HEAL:
        # The repository's formatter, of which the place is the last word.
        within = shlex.join(paths) if paths and rule.endswith(" .") else ""
        return f"{rule.removesuffix(' .')} {within}" if within else rule
    kinds = []
    for word, pattern in _KINDS.items():
        shorter = pattern.sub(" ", rest)
        kinds += [word] if shorter != rest else []
        rest = shorter
    if _WIDE.search(rest) or set(kinds) == KINDS.keys():
        kinds = []
    return Scope(words=frozenset(kinds), paths=tuple(paths)).rule


def with_places(parts: Sequence[Part], known: Collection[str]) -> list[Part]:
    """The parts of one task; a part that is but another place belongs to the healing before it."""
    made: list[Part] = []
    for part in parts:
        words = part.title.split()
        if made and made[-1].rule == HEAL and len(words) <= 2 and set(places(words[-1], known)) & {*known}:
            made[-1] = Part(f"{made[-1].title}, {words[-1]}", HEAL)
        else:
            made.append(part)
    return made


def places(word: str, known: Collection[str]) -> tuple[str, ...]:
    """The files or the folder that a word of a goal names: by path, by file name, as a module."""
    word = word.strip("`'\"").removeprefix("./").rstrip("/.,;:!?")
    if not word or word.startswith("/") or ".." in word.split("/"):
        return ()
    for path in dict.fromkeys((word, f"src/{word}", word.replace(".", "/"), f"src/{word.replace('.', '/')}")):
        if path in known or any(one.startswith(f"{path}/") for one in known):
            return (path,)
        if f"{path}.py" in known:
            return (f"{path}.py",)
    ends = tuple(sorted(one for one in known if one.endswith(f"/{word}")))
    return ends or ((word,) if "/" in word or re.search(r"\.[a-z]{1,4}$", word) else ())
