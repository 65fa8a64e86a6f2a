"""Shell text to words: what bash would run, as far as plain words can say it. Parsed by tree-sitter-bash.

Whatever is not plain words (expansions, redirections into files, background, assignments, functions, globs)
has no words here, so that nothing built on it can be mistaken for harmless.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autodev_tui.domain.text import HIDDEN

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_BYTES = 4096
MAX_COMMANDS = 20
"""Beyond either a human should look: long commands are where things hide (field/reliability.md §3.4)."""

_HARMLESS_REDIRECTS = frozenset(
    {"2>&1", "1>&2", ">&2", ">/dev/null", "1>/dev/null", "2>/dev/null", "&>/dev/null"}
)
_JOINTS = frozenset({"&&", "||", "|", ";", "\n"})
_GLOB = re.compile(r"[*?\[\]{}]|^~|[=:]~")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_./+-]+")


class NotPlain(Exception):
    """The command is more than plain words; the message says what."""


@dataclass(frozen=True)
class Plain:
    """Simple commands joined by `&&`, `||`, `|`, `;` or line ends. `single`: one command, no redirection."""

    commands: tuple[tuple[str, ...], ...]
    single: bool


@functools.cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def plain_commands(text: str) -> Plain:
    """The commands of `text` as unquoted words.

    Raises:
        NotPlain: if it is anything but plain words, or too long to judge.
    """
    data = text.encode(errors="surrogateescape")
    if len(data) > MAX_BYTES:
        raise NotPlain(f"longer than {MAX_BYTES} bytes")
    if any(match[0] not in "\n\t" for match in HIDDEN.finditer(text)):
        raise NotPlain("contains invisible or control characters")
    root = _parser().parse(data).root_node
    if root.has_error:
        raise NotPlain("cannot be parsed")
    found: list[tuple[str, ...]] = []
    redirected = _collect(root, found)
    if not found:
        raise NotPlain("no command")
    if len(found) > MAX_COMMANDS:
        raise NotPlain(f"more than {MAX_COMMANDS} commands")
    return Plain(tuple(found), single=len(found) == 1 and not redirected)


def loose_commands(text: str) -> Iterator[list[str]]:
    """Every command anywhere in `text`, also inside substitutions, as roughly unquoted words; never raises.

    Good enough to see that something wants the network, not to see that it is harmless.
    """
    data = text.encode(errors="surrogateescape")[: 16 * MAX_BYTES]
    stack = [_parser().parse(data).root_node]
    while stack:
        node = stack.pop()
        stack.extend(node.children)
        if node.type == "command":
            yield [_loose_word(child) for child in node.named_children if child.type != "variable_assignment"]


def _collect(node: Node, found: list[tuple[str, ...]]) -> bool:
    """Adds the commands below `node`; True if there was a (harmless) redirection."""
    match node.type:
        case "program" | "list" | "pipeline":
            redirected = False
            for child in node.children:
                if child.is_named:
                    redirected |= _collect(child, found)
                elif child.type not in _JOINTS:
                    raise NotPlain(f"uses {child.type}")
            return redirected
        case "redirected_statement":
            for child in node.children:
                if child.type != "file_redirect":
                    _collect(child, found)
                elif "".join(_text(child).split()) not in _HARMLESS_REDIRECTS:
                    raise NotPlain("redirects into or from a file")
            return True
        case "command":
            found.append(_words(node))
            return False
        case _:
            raise NotPlain(f"uses {node.type.replace('_', ' ')}")


def _words(node: Node) -> tuple[str, ...]:
    words: list[str] = []
    for child in node.children:
        if child.type == "command_name":
            if not _PLAIN_NAME.fullmatch(_text(child)):
                raise NotPlain("the command's name is quoted or expanded")
            words.append(_text(child))
        else:
            words.append(_word(child))
    try:
        again = shlex.split(_text(node))
    except ValueError as error:
        raise NotPlain("quotes do not match") from error
    if again != words:  # two readers that disagree: bash may be a third
        raise NotPlain("its quoting can be read in two ways")
    return tuple(words)


def _word(node: Node) -> str:
    text = _text(node)
    match node.type:
        case "word" | "number":
            if "\\" in text or "$" in text or "`" in text:
                raise NotPlain("uses escapes or expansions")
            if _GLOB.search(text):
                raise NotPlain("uses a glob, braces or ~")
            return text
        case "raw_string":
            return text[1:-1]
        case "string":
            if any(child.type not in ('"', "string_content") for child in node.children):
                raise NotPlain("expands something inside a string")
            inner = text[1:-1]
            if re.search(r"[$`]|\\\n", inner):
                raise NotPlain("uses escapes or expansions")
            return re.sub(r'\\(["\\])', r"\1", inner)
        case "concatenation":
            if _GLOB.search(
                "".join(_text(child) for child in node.children if child.type in ("word", "number"))
            ):
                raise NotPlain("uses a glob, braces or ~")
            return "".join(_word(child) for child in node.children)
        case _:
            raise NotPlain(f"uses {node.type.replace('_', ' ')}")


def _loose_word(node: Node) -> str:
    text = _text(node).replace("\\", "")
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return " ".join(words)


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="surrogateescape")
