"""A Python file's bytes with places in them, so that a repair changes nothing but what it is about."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache

BOM = b"\xef\xbb\xbf"


class Source:
    """Bytes of one file. Lines count from 1, columns are UTF-8 bytes, as `ast` has them."""

    def __init__(self, data: bytes) -> None:
        self.bom = BOM if data.startswith(BOM) else b""
        self.body = data[len(self.bom) :]
        self._starts = [0]
        at = self.body.find(b"\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = self.body.find(b"\n", at + 1)
        crlf = self.body.count(b"\r\n")
        self.newline = b"\r\n" if crlf > self.body.count(b"\n") - crlf else b"\n"

    @property
    def plain(self) -> bool:
        """Whether places in it can be told: UTF-8, and lines that end as an editor counts them."""
        try:
            self.body.decode()
        except UnicodeDecodeError:
            return False
        return b"\r" not in self.body.replace(b"\r\n", b"") and b"\f" not in self.body

    @property
    def count(self) -> int:
        """How many lines it has; what stands after the last line end counts, even if it is nothing."""
        return len(self._starts)

    def at(self, line: int, column: int = 0) -> int:
        """The offset of a place; the end of the file for a line behind it."""
        if line > self.count:
            return len(self.body)
        return min(self._starts[line - 1] + column, len(self.body))

    def line(self, number: int) -> bytes:
        """A line without its end; empty outside of the file."""
        if not 1 <= number <= self.count:
            return b""
        return self.body[self.at(number) : self.at(number + 1)].rstrip(b"\r\n")

    def with_spans(self, spans: Sequence[tuple[int, int, bytes]]) -> bytes:
        """The whole file with each (start, end) of the body replaced; spans must not overlap."""
        pieces, last = [self.bom], 0
        for start, end, new in sorted(set(spans)):
            pieces += [self.body[last:start], new]
            last = end
        return b"".join([*pieces, self.body[last:]])

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node of this file's syntax tree stands."""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end_column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self.at(line, column), self.at(end_line, end_column)


@lru_cache(maxsize=128)
def parse(data: bytes) -> ast.Module | None:
    """The syntax tree, None where it is no Python that this interpreter knows. Shared: never change it."""
    try:
        return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def compiles(data: bytes) -> bool:
    """Whether Python would take the file; nothing of it is run."""
    try:
        compile(data, "<healing>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
