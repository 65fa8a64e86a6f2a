"""A model's words as Markdown: lines of styled text, made once a message is final. Pure.

Nothing is fetched and nothing is hidden: links show where they lead, HTML stands as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from autodev_tui.domain.text import visible
from widgets.cells import Line, cut, pad, width_of
from widgets.text_flow import TAB

if TYPE_CHECKING:
    from markdown_it.token import Token

PROSE = 100
"""Cells that prose takes at most; code takes what it needs."""
_LANGUAGE = 12
"""A longer word behind the beginning of a code block is no language: it is shown."""
_INLINE = {"strong": "data-bold", "em": "data-bold", "s": "data-muted"}


def markdown_lines(text: str, width: int) -> list[Line]:
    """`text` as lines: prose wrapped at `width` (at most PROSE), code as it stands. Long texts take long."""
    writer = _Writer(max(min(width, PROSE), 10))
    # Loaded with the first words that need it: the program starts without.
    from rich.markdown import Markdown

    writer.write(Markdown(text).parsed)
    while writer.lines and not writer.lines[-1]:
        writer.lines.pop()
    return writer.lines


class _Writer:
    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[Line] = []
        self._before: list[list[str]] = []
        """What stands before the first line of each list item or quote around, and before its others."""
        self._numbers: list[int] = []
        self._role = "data"

    def write(self, tokens: Sequence[Token]) -> None:
        rest = iter(tokens)
        for token in rest:
            if token.type == "table_open":
                self._table(rest)
            else:
                self._one(token)

    def _one(self, token: Token) -> None:
        match token.type:
            case "inline":
                for segments in _broken(_styled(token.children or [], self._role)):
                    for line in wrap_segments(segments, self.width - self._indent):
                        self._put(line)
            case "heading_open":
                self._role = "data-bold"
            case "heading_close" | "paragraph_close":
                self._role = "data"
                if not token.hidden:
                    self._gap()
            case "fence" | "code_block" | "html_block":
                if len(token.info) > _LANGUAGE:
                    self._put([("  " + _shown(token.info), "data-muted")])
                for row in token.content.removesuffix("\n").split("\n"):
                    self._put([("  " + _shown(row), "code")])
                self._gap()
            case "hr":
                self._put([("─" * min(self.width, 20), "muted")])
                self._gap()
            case _:
                self._around(token)

    def _around(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._numbers.append(-1)
            case "ordered_list_open":
                self._numbers.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._numbers.pop()
                self._gap()
            case "list_item_open":
                self._item()
            case "blockquote_open":
                self._before.append(["│ ", "│ "])
            case "list_item_close" | "blockquote_close":
                self._before.pop()

    def _item(self) -> None:
        number = self._numbers[-1]
        mark = "• " if number < 0 else f"{number}. "
        if number >= 0:
            self._numbers[-1] += 1
        self._before.append([mark, " " * len(mark)])

    @property
    def _indent(self) -> int:
        return sum(len(first) for first, _ in self._before)

    def _put(self, line: Line) -> None:
        before = "".join(first for first, _ in self._before)
        for pair in self._before:
            pair[0] = pair[1]
        self.lines.append([(before, "muted"), *line] if before else line)

    def _gap(self) -> None:
        if self.lines and self.lines[-1] and not self._numbers:
            self.lines.append([])

    def _table(self, rest: Iterator[Token]) -> None:
        rows: list[list[str]] = []
        for token in rest:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append("".join(text for text, _ in _styled(token.children or [], "data")))
        columns = max(len(row) for row in rows)
        widths = [max(cell_len(row[at]) if at < len(row) else 0 for row in rows) for at in range(columns)]
        while sum(widths) + 3 * (columns - 1) > self.width and max(widths) > 4:
            widths[widths.index(max(widths))] -= 1
        for number, row in enumerate(rows):
            line: Line = []
            for at, width in enumerate(widths):
                line += [(" │ ", "muted")] if at else []
                line.append((pad(cut(row[at] if at < len(row) else "", width), width), self._cell(number)))
            self._put(line)
        self._gap()

    @staticmethod
    def _cell(row: int) -> str:
        return "data" if row else "data-bold"


def _styled(tokens: Sequence[Token], role: str) -> Iterator[tuple[str, str]]:
    """The pieces of a paragraph; "\n" stands for a line end."""
    roles = [role]
    links: list[str] = []
    names = _names(tokens)
    for at, token in enumerate(tokens):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        match token.type:
            case "softbreak":
                yield " ", roles[-1]
            case "hardbreak":
                yield "\n", roles[-1]
            case "code_inline":
                yield _shown(token.content), "code-string"
            case "image":
                yield f"{_shown(token.content)} ({_shown(str(token.attrGet('src') or ''))})", "data-muted"
            case "link_open":
                links.append(_shown(str(token.attrGet("href") or "")))
            case "link_close":
                yield f" ({links.pop()})", "data-muted"
            case _ if at in names:
                yield token.markup, roles[-1]
            case _ if token.nesting == 1:
                roles.append(_INLINE.get(kind, roles[-1]))
            case _ if token.nesting == -1:
                roles.pop()
            case _:
                yield _shown(token.content), roles[-1]


def _names(tokens: Sequence[Token]) -> set[int]:
    """Where a name such as `__init__` begins and ends that Markdown takes for strong words."""
    found: set[int] = set()
    for at in range(len(tokens) - 2):
        first, inner, last = tokens[at : at + 3]
        spans = first.type == "strong_open" and first.markup == "__" and last.type == "strong_close"
        if spans and inner.content.isidentifier():
            found |= {at, at + 2}
    return found


def _shown(text: str) -> str:
    # Only now: an entity such as `&#x202E;` has just become what it stands for.
    return visible(text, keep="\t").replace("\t", TAB)


def _broken(segments: Iterator[tuple[str, str]]) -> Iterator[Line]:
    line: Line = []
    for text, role in segments:
        if text == "\n":
            yield line
            line = []
        else:
            line.append((text, role))
    yield line


def wrap_segments(line: Line, width: int) -> list[Line]:
    """Styled text in lines of at most `width` cells, broken at spaces where it can be."""
    if width_of(line) <= width:
        return [line]
    rows: list[Line] = [[]]
    used = 0
    for text, role in line:
        for number, word in enumerate(text.split(" ")):
            space = " " if number else ""
            size = cell_len(word)
            if used and used + len(space) + size > width:
                rows.append([])
                used, space = 0, ""
            while size > width > 1:
                piece = _fitting(word, width)
                rows[-1].append((piece, role))
                rows.append([])
                word = word[len(piece) :]
                size -= cell_len(piece)
            if word or space:
                rows[-1].append((space + word if used else word, role))
                used += len(space if used else "") + size
    return [_joined(row) for row in rows]


def _fitting(word: str, width: int) -> str:
    used = 0
    for at, letter in enumerate(word):
        used += cell_len(letter)
        if used > width:
            return word[: max(at, 1)]
    return word


def _joined(row: Line) -> Line:
    joined: Line = []
    for text, role in row:
        if joined and joined[-1][1] == role:
            joined[-1] = (joined[-1][0] + text, role)
        else:
            joined.append((text, role))
    return joined
