"""Which rule can do what a clause asks for: heal, changelog, api docs; or none, and it needs a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autodev_tui.domain.rule import API_DOCS, CHANGELOG, HEAL, NEEDS_A_MODEL
from autodev_tui.planning import wording

_REPAIR = (
    r"(?:fix|heal|mend|repair|resolve|correct|cure|clean(?:\s+up)?|get\s+rid\s+of|address|tidy(?:\s+up)?|sort\s+out"
    r"|(?:i-|pag-|mag-|paki-?)?(?:fix|ayos|ayusin|heal|clean)|ayusin|ayosin|linisin|kumpunihin)"
)
_BETWEEN = (
    r"(?:\s+(?:\d{1,6}|all|any|every|the|these|those|our|my|this|remaining|existing|new|failing|broken|red|bad|wrong"
    r"|missing|unused|of|lahat|ng|ang|mga|yung|sa|na|bagsak|sirang|mo|nga|naman|lang|po|please|agad|natin|muna|up|reported|python|ruff|flake8|mypy"
    r"|pylint|eslint|pyright|black|isort|ci|code))*\s+"
)
_SICK = (
    r"(?:lint(?:er|ers|s|ing)?(?:\s+(?:errors?|warnings?|issues?|problems?|failures?))?"
    r"|format(?:ting)?(?:\s+(?:errors?|issues?|problems?))?|(?:code\s+)?style(?:\s+(?:errors?|issues?))?"
    r"|(?:un\w+\s+|missing\s+)?imports?(?:\s+errors?)?|type(?:s|\s+errors?|\s+checks?|\s+issues?)|typing"
    r"|mypy|ruff|flake8|pylint|pyright|eslint|pytest|whitespace|syntax(?:\s+errors?)?"
    r"|(?:Import|ModuleNotFound|Syntax|Indentation|Name)Errors?"
    r"|(?:unit\s+|failing\s+|broken\s+|red\s+)*tests?(?:\s+(?:suite|failures?|errors?))?|test\s*suite|suite|checks?"
    r"|ci|pipeline|builds?|dependenc(?:y|ies)|requirements|indentation"
    r"|what(?:ever|\s+is|'s)?\s+(?:is\s+)?(?:red|broken|failing|fails)"
    r"|(?:anything|everything)\s+(?:red|broken|failing)"
    r"|red|errors?|failures?|warnings?|findings?|repo(?:sitory)?|codebase|bumabagsak|pumapalya|sira)"
)
_END = (
    r"(?=\s*(?:$|[,.;:!?)&(]|\b(?:and|or|at|in|on|for|from|with|by|so|until|please|if|when|again|now"
    r"|sa|ng|para|kung|kapag|muna|na|agad|asap|urgently)\b|[\"'`]))"
)

_HEALS = re.compile(rf"\b{_REPAIR}{_BETWEEN}{_SICK}{_END}", re.IGNORECASE)
_GREEN = re.compile(
    r"\b(?:make|get|turn|ensure|check\s+that|siguraduhin|siguruhin|gawing|gawin|paandarin|papasahin|ipasa|bring)\b.{0,60}?"
    r"\b(?:pass(?:es|ing)?|green|clean|work(?:s|ing)?\s+again|pumasa|pumapasa|pasado|berde)\b"
    r"|\b(?:find|see|check|hanapin|alamin)\s+what(?:'s|\s+is)\s+(?:red|broken|failing)\b"
    r"|\b(?:ipasa|papasahin)\b.{0,30}\btests?\b|\bself[- ]heal\b"
    r"|\bheal(?:\s+(?:it|this|everything|all|lahat))?(?=\s*(?:$|[.!,;]|and\b|at\b))",
    re.IGNORECASE,
)
_HEALTH = re.compile(
    r"\b(?:tests?|suite|checks?|build|ci|lint\w*|ruff|mypy|flake8|pytest|unittest|pyright|eslint|prettier|clippy"
    r"|gofmt|pipeline|everything|repo\w*)\b",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"^\W*(?:(?:my|the|our|all|some|these|ang|mga|yung|unit|failing)\s+)*"
    r"(?:(?:tests?|test\s+suite|suite|builds?|ci|pipeline|checks?|lint\w*|types?)\s+"
    r"(?:(?:is|are|ay|keeps?|still|all)\s+)*"
    r"(?:fail(?:s|ing|ed)?|red|broken|not\s+passing|bumabagsak|bagsak|sira)\b"
    r"|(?:lint|type|import|syntax|test)\s+(?:errors?|failures?)\W*$)",
    re.IGNORECASE,
)
"""What is wrong, said without a wish: that it be mended is meant."""
_MISSING = re.compile(
    r"\b(?:install|add|get|i-?install)\s+(?:the\s+|all\s+|ang\s+|mga\s+)*missing\s+"
    r"(?:dependenc(?:y|ies)|packages?|modules?|requirements)\b",
    re.IGNORECASE,
)
_RUNS_CHECKS = re.compile(
    r"^\W*(?:run|i-?run|patakbuhin)\s+(?:(?:the|all|our|ang|lahat|ng|mga)\s+)*"
    r"(?:tests?|test\s+suite|suite|checks?|linters?)\W*$",
    re.IGNORECASE,
)
"""Healing begins with that."""
_MENDS_IT = re.compile(rf"^\W*{_REPAIR}\s+(?:it|them|that|this|those|all|ito|iyon|yan)\W*$", re.IGNORECASE)
_THE_CODE = (
    r"(?:(?:all|the|every|our|my|this|whole|entire|of|ang|lahat|ng|mga|buong|python|source|js)\s+)*"
    r"(?:code(?:base)?|files?|everything|repo(?:sitory)?|project|sources?|all|it|lahat|[\w./-]+\.\w{1,4}|[\w.-]+/)"
)
_STOPS = r"(?=\s*(?:$|[,.;!&]|\b(?:and|at|with|using|muna|sa)\b))"
_FORMATS = re.compile(
    r"\b(?:run\s+(?:the\s+)?(?:formatter|linter|black|ruff|isort|prettier)"
    rf"|(?:re|i-?|paki-?|mag-?)?format(?:\s+{_THE_CODE})?{_STOPS}"
    r"|(?:sort|remove\s+(?:the\s+|all\s+)?unused|organi[sz]e|clean\s+up|linisin\s+ang)\s+"
    r"(?:the\s+|all\s+|ang\s+|mga\s+)*imports?"
    rf"|lint(?:\s+{_THE_CODE})?{_STOPS})",
    re.IGNORECASE,
)
_CHANGELOG = re.compile(
    r"\b(?:write|update|generate|make|create|build|refresh|prepare|draft|regenerate|start|produce|bring|keep|add|put"
    r"|(?:i-|mag-|gumawa|gawin|gawan|isulat|sulatin|magsulat|idagdag)\S{0,20})\b"
    r"[^.;]{0,60}?\b(?:change[ -]?logs?|release[ -]notes|CHANGELOG\.md)\b"
    r"|^\W*(?:change[ -]?log|release[ -]notes)"
    r"(?:\s+(?:from|of)\s+(?:the\s+)?(?:git\s+)?(?:commits?|history|git))?\W*$",
    re.IGNORECASE,
)
_OWN_ENTRY = re.compile(
    r"\b(?:entry|entries|line|item|about|saying|mention(?:ing)?|tungkol)\b", re.IGNORECASE
)
_API_DOCS = re.compile(
    r"\b(?:api[ -](?:docs?|documentation|reference)|reference\s+(?:docs?|documentation)"
    r"|document(?:ation)?\s+(?:of\s+|for\s+)?(?:the\s+|our\s+|ang\s+)?(?:public\s+)?api"
    r"|dokumentasyon\s+ng\s+api|docs/api\.md)\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"`([^`\n]{1,200})`")
LONGEST = 2000
"""Characters of a task that are looked at: what it is for stands at its beginning."""
_LAYOUT = re.compile(
    r"\b(?:(?:re|i-?|paki-?|mag-?)?format(?:ter|ting)?|black|(?:code\s+)?style|whitespace|indentation)\b",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"(?:python[\d.]*|pytest|ruff|mypy|flake8|black|isort|pyright|pylint|bandit|make|tox|nox|uv|poetry|npm|npx|pnpm|yarn"
    r"|node|eslint|jest|tsc|cargo|go|gradle|mvn|\./[\w./-]+)(?:\s|$)"
)
_REPAIR_FIRST = re.compile(rf"\W*(?:please\s+)?{_REPAIR}\s+(?:the\s+|ang\s+)?`", re.IGNORECASE)
_TELLING = wording.word_set(
    """tell let inform it this that these those there because since although which who they as for in on
    with without so but if when unless using by from to until before after thanks thank salamat dahil kasi
    para kung kapag nang ito iyon of not never only again too rin din lang muna"""
)
_BOTH = frozenset(("type", "test", "lint", "format", "import", "build", "check"))
_ITSELF = re.compile(r"\bheal|what(?:'s|\s+is)", re.IGNORECASE)
_PARTS = re.compile(
    r"\s*(?:,\s*(?:and\s+|at\s+|tapos\s+)?|;\s*|\s&\s|\s+(?:and|at|plus|tsaka|saka)\s+)(?:(?:also|then|din|rin)\s+)?",
    re.I,
)


@dataclass(frozen=True)
class Part:
    """A piece of what a task asks for, and the rule that can do it."""

    title: str
    rule: str


def rule_for(clause: str, formatter: str = "") -> str:
    """The rule for one clause, with the check to heal where one is written in backticks.

    `formatter` is the check of a repository's formatter: many have it in no check, and it is asked for all
    the same.
    """
    clause = clause[:LONGEST]
    if _CHANGELOG.search(clause) and not _OWN_ENTRY.search(clause):
        return CHANGELOG
    if _API_DOCS.search(clause) and not re.search(r"\b(?:endpoint|client|call|use|version)\b", clause, re.I):
        return API_DOCS
    green = _GREEN.search(clause)
    if green and (_HEALTH.search(clause) or _COMMAND.search(clause) or _ITSELF.search(green[0])):
        return _with_command(clause)
    if _REPAIR_FIRST.match(clause) and (found := _COMMAND.search(clause)) and _runs(found[1]):
        return _with_command(clause)
    if not any(one.search(clause) for one in (_HEALS, _FORMATS, _STATE, _MISSING)):
        return NEEDS_A_MODEL
    rule = _with_command(clause)
    return f"{HEAL} {formatter}" if rule == HEAL and formatter and _LAYOUT.search(clause) else rule


def _with_command(clause: str) -> str:
    found = _COMMAND.search(clause)
    return f"{HEAL} {found[1].strip()}" if found and _runs(found[1]) else HEAL


def _runs(command: str) -> bool:
    """Whether what stands in backticks is a command, not a name."""
    return bool(_PROGRAM.match(command))


def parts_of(title: str, formatter: str = "") -> list[Part]:
    """What the words of one task ask for, by rules: one part, unless rules differ within it.

    The verb of a part stands for the parts after it that have none: `fix lint and the login bug`.
    """
    pieces = list(_pieces(title))
    rules = [rule_for(piece, formatter) for piece in pieces]
    if any(rule.startswith(HEAL) for rule in rules):
        pairs = zip(pieces, rules, strict=True)
        rules = [
            HEAL if _RUNS_CHECKS.match(piece) or _MENDS_IT.match(piece) else rule for piece, rule in pairs
        ]
    if len(set(rules)) <= 1:
        found = rules[0] if rules else NEEDS_A_MODEL
        return [Part(title, rule_for(title, formatter) if found == NEEDS_A_MODEL else found)]
    parts: list[Part] = []
    for piece, rule in zip(pieces, rules, strict=True):
        if parts and parts[-1].rule == rule:
            parts[-1] = Part(f"{parts[-1].title}, {piece}", rule)
        else:
            parts.append(Part(piece, rule))
    return parts


def _split(title: str) -> list[str]:
    """The title cut at commas and the like; what only tells more stays with what it tells of."""
    pieces: list[str] = []
    # Each blank once: what is looked for takes the cube of a row of them.
    for piece in _PARTS.split(" ".join(title[:LONGEST].split())):
        words = wording.first_words(piece)
        if not words:
            continue
        tells = words[0] in _TELLING or all(word in wording.POLITE for word in words)
        if pieces and tells:
            pieces[-1] = f"{pieces[-1]}, {piece}"
        else:
            pieces.append(piece)
    return pieces


def _pieces(title: str) -> Iterator[str]:
    verb = ""
    for piece in _split(title):
        words = piece.split()
        with_verb = f"{verb} {piece}"
        # `fix lint errors and type errors`: a word that is both, and makes sense with the verb before it.
        thing = not wording.asks(piece) or (words[0].lower() in _BOTH and rule_for(piece) == NEEDS_A_MODEL)
        if verb and thing and (not wording.asks(piece) or rule_for(with_verb) != NEEDS_A_MODEL):
            yield with_verb
            continue
        if wording.is_action(words[0].strip(".,:;()\"'").lower()):
            verb = words[0]
        yield piece
