"""FIX_TESTS: syntax errors with exactly one small mend that Python takes; the check proves it as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.model import Change, Proposal, Repair, Unhealed
from autodev_tui.quality.healing.source import Source, compiles, parse
from autodev_tui.quality.healing.symptoms import Symptom
from autodev_tui.quality.healing.tree import Tree

REACH = 12
"""Lines after an open bracket where it may have to be closed."""
_BLOCK = re.compile(
    rb"^\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b[^#]*$"
)
_CLOSES = {b"(": b")", b"[": b"]", b"{": b"}"}


def broken(tree: Tree, symptom: Symptom) -> Proposal:
    """The one mend of a file that does not compile."""
    path = symptom.path
    data = tree.read(path)
    if not path or data is None or not path.endswith(".py"):
        return None
    error = error_of(data)
    source = Source(data)
    if error is None or not source.plain:
        return None
    mends = list(dict.fromkeys((new, words) for new, words in _candidates(source, error) if _taken(new)))
    # Blanks before a mend make it no other one.
    different = {_meaning(new): (new, words) for new, words in reversed(mends)}
    if not different:
        return Unhealed(f"{path}:{error.lineno}: {error.msg}; no single small change makes it Python")
    if len(different) > 1:
        return Unhealed(f"{path}:{error.lineno}: {error.msg}; it could be mended in {len(different)} ways")
    new, words = next(iter(different.values()))
    return Repair(Strategy.FIX_TESTS, f"{words} in {path}:{error.lineno}", (Change(path, data, new),))


def _taken(data: bytes) -> bool:
    """Whether Python takes it, and no assertion in it holds whatever happens: `assert (a == b, "words")`."""
    tree = parse(data)
    if tree is None:
        return False
    for test in (node.test for node in ast.walk(tree) if isinstance(node, ast.Assert)):
        held = test.keys if isinstance(test, ast.Dict) else getattr(test, "elts", [])
        if held:
            return False
    return compiles(data)


def _meaning(data: bytes) -> str:
    tree = parse(data)
    return ast.dump(tree) if tree else ""


def error_of(data: bytes) -> SyntaxError | None:
    """Why a file does not compile, None if it does."""
    try:
        compile(data, "<healing>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def _candidates(source: Source, error: SyntaxError) -> Iterator[tuple[bytes, str]]:
    line, message = error.lineno or 1, error.msg or ""
    column = _bytes_before(source, line, (error.offset or 1) - 1)
    if "expected ':'" in message or "invalid syntax" in message:
        yield from _colon(source, line)
    if "was never closed" in message:
        bracket = source.line(line)[column : column + 1]
        yield from _closing(source, line, _CLOSES.get(bracket, b")"))
    if "'{' was never closed" not in message and "does not match opening" in message:
        yield from _wrong_bracket(source, line, column)
    if "unmatched" in message:
        at = source.at(line, column)
        yield source.with_spans([(at, at + 1, b"")]), "took away a bracket too many"
    if "forgot a comma" in message or "invalid syntax" in message or "was never closed" in message:
        yield from _comma(source, error)
    if "unterminated" in message and "triple" not in message and "string literal" in message:
        yield from _quote(source, line, column)
    if "Maybe you meant '=='" in message or "cannot assign to" in message:
        yield from _equals(source, line)
    if "Missing parentheses in call to" in message:
        yield from _print(source, line)
    if "invalid syntax" in message or "expected" in message:
        yield from _word(source, line)
    if "unindent does not match" in message or "inconsistent use of tabs" in message:
        yield from _indent(source, line)


def _bytes_before(source: Source, line: int, characters: int) -> int:
    return len(source.line(line).decode(errors="replace")[: max(characters, 0)].encode())


def _code_end(line: bytes) -> int:
    """Where the code of a line ends: before a comment, without blanks. Quotes are respected."""
    quote = b""
    for at in range(len(line)):
        one = line[at : at + 1]
        if quote:
            quote = b"" if one == quote and line[at - 1 : at] != b"\\" else quote
        elif one in (b"'", b'"'):
            quote = one
        elif one == b"#":
            return len(line[:at].rstrip())
    return len(line.rstrip())


def _colon(source: Source, line: int) -> Iterator[tuple[bytes, str]]:
    for number in (line, line - 1):
        text = source.line(number)
        end = _code_end(text)
        if end and _BLOCK.match(text[:end]) and not text[:end].endswith(b":"):
            at = source.at(number, end)
            yield source.with_spans([(at, at, b":")]), "added a colon"
            if text[:end].endswith((b";", b",", b".")):
                yield source.with_spans([(at - 1, at, b":")]), "put a colon"


def _closing(source: Source, line: int, bracket: bytes) -> Iterator[tuple[bytes, str]]:
    said = f"closed the bracket with {bracket.decode()}"
    opened = source.line(line)
    # One that ends its line is closed on a line of its own.
    alone = opened[: _code_end(opened)].endswith((b"(", b"[", b"{"))
    indent = opened[: len(opened) - len(opened.lstrip())]
    for number in range(line, min(line + REACH, source.count) + 1):
        text = source.line(number)
        end = _code_end(text)
        if not end:
            continue
        if alone and number > line:
            at = source.at(number, len(text))
            yield source.with_spans([(at, at, source.newline + indent + bracket)]), said
            continue
        for place in (end, end - 1) if text[:end].endswith(b":") else (end,):
            at = source.at(number, place)
            yield source.with_spans([(at, at, bracket)]), said
        if number == line and text[:end].endswith(b")"):
            # `print(len(x)` may lack it anywhere before; only the end is what people forget.
            break


def _wrong_bracket(source: Source, line: int, column: int) -> Iterator[tuple[bytes, str]]:
    at = source.at(line, column)
    for bracket in _CLOSES.values():
        yield source.with_spans([(at, at + 1, bracket)]), f"closed the bracket with {bracket.decode()}"
        yield source.with_spans([(at, at, bracket)]), f"closed the bracket with {bracket.decode()}"


def _comma(source: Source, error: SyntaxError) -> Iterator[tuple[bytes, str]]:
    line = error.lineno or 1
    text = source.line(line)
    column = _bytes_before(source, line, (error.offset or 1) - 1)
    for match in re.finditer(rb"(?<=[\w'\")\]}]) +(?=[\w'\"(\[{])", text):
        if match.start() >= column:
            at = source.at(line, match.start())
            yield source.with_spans([(at, at, b",")]), "added a comma"
    for number in range(max(line - 1, 1), min(error.end_lineno or line, source.count) + 1):
        body = source.line(number)
        end = _code_end(body)
        if end and re.search(rb"[\w'\")\]}]$", body[:end]) and number < source.count:
            at = source.at(number, end)
            yield source.with_spans([(at, at, b",")]), "added a comma"


def _quote(source: Source, line: int, column: int) -> Iterator[tuple[bytes, str]]:
    text = source.line(line)
    match = re.match(rb"[rRbBfFuU]{0,2}(['\"])", text[column:])
    if not match:
        return
    end = len(text.rstrip())
    last = end
    while last > column + len(match[0]) and text[last - 1 : last] in (b")", b"]", b"}", b",", b":"):
        last -= 1
    for place in range(last, end + 1):
        at = source.at(line, place)
        yield source.with_spans([(at, at, match[1])]), "ended the string"


def _equals(source: Source, line: int) -> Iterator[tuple[bytes, str]]:
    text = source.line(line)
    if not re.match(rb"\s*(?:if|elif|while|assert|return)\b", text):
        return
    for match in re.finditer(rb"(?<![=!<>:+\-*/%&|^@])=(?!=)", text):
        at = source.at(line, match.start())
        yield source.with_spans([(at, at + 1, b"==")]), "compared instead of assigned"


def _print(source: Source, line: int) -> Iterator[tuple[bytes, str]]:
    text = source.line(line)
    match = re.match(rb"(\s*)(print|exec) +(.*)$", text[: _code_end(text)])
    if match:
        start, end = source.at(line), source.at(line, match.end())
        yield source.with_spans([(start, end, match[1] + match[2] + b"(" + match[3] + b")")]), "called print"


_WORDS = {
    b"def": (b"df", b"deff", b"fed", b"dfe", b"edf"),
    b"return": (b"retrun", b"retun", b"reutrn", b"retrn", b"returm", b"eturn"),
    b"class": (b"clas", b"calss", b"classs"),
    b"import": (b"improt", b"imprt", b"impot", b"ipmort"),
    b"from": (b"form", b"fomr", b"frm"),
    b"elif": (b"elsif", b"elseif", b"elfi", b"eilf"),
    b"else": (b"esle", b"eles", b"els"),
    b"while": (b"whlie", b"wihle", b"whle"),
    b"for": (b"fro", b"ofr"),
    b"if": (b"fi",),
    b"in": (b"ni",),
    b"with": (b"wiht", b"wtih"),
    b"assert": (b"asert", b"assrt", b"asssert"),
    b"raise": (b"rasie", b"riase"),
    b"yield": (b"yeild", b"yiled"),
    b"not": (b"nto",),
    b"and": (b"adn", b"nad", b"&&"),
    b"or": (b"||",),
    b"async": (b"asycn", b"aysnc"),
    b"await": (b"awiat", b"awati"),
    b"lambda": (b"lamda", b"lambada"),
    b"except": (b"execpt", b"exept", b"excpet"),
    b"finally": (b"finaly", b"fianlly"),
}


def _word(source: Source, line: int) -> Iterator[tuple[bytes, str]]:
    text = source.line(line)[: _code_end(source.line(line))]
    for right, wrongs in _WORDS.items():
        for wrong in wrongs:
            pattern = re.escape(wrong) if not wrong.isalnum() else rb"\b" + wrong + rb"\b"
            for match in re.finditer(pattern, text):
                at = source.at(line, match.start())
                yield source.with_spans([(at, at + len(wrong), right)]), f"wrote {right.decode()}"


def _indent(source: Source, line: int) -> Iterator[tuple[bytes, str]]:
    text = source.line(line)
    own = len(text) - len(text.lstrip())
    depths = {
        source.line(number)[: len(source.line(number)) - len(source.line(number).lstrip())]
        for number in range(1, line)
        if source.line(number).strip()
    }
    for indent in sorted(depths, key=len):
        if abs(len(indent.expandtabs(8)) - len(text[:own].expandtabs(8))) <= 2:
            start = source.at(line)
            yield source.with_spans([(start, start + own, indent)]), "put the line where its block is"
