"""read_file, list_files and search: look, change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pathspec

from autodev_tui.domain.text import show_bytes
from autodev_tui.policy.paths import protected
from autodev_tui.tools import searching
from autodev_tui.tools.arguments import Arguments, ListFiles, ReadFile, Search
from autodev_tui.tools.base import ToolProblem, ToolResult, shown
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.textfile import kind_of, numbered, read_text, split_lines

MAX_LINES = 2000
MAX_BYTES = 50_000
MAX_LINE = 2000
MAX_LISTED = 1000
OUTPUTS = "@output/"


def run(context: ToolContext, name: str, args: Arguments) -> ToolResult | ToolProblem:
    """The result of a reading call. Sync; may take as long as searching.TIMEOUT_S."""
    try:
        match args:
            case ReadFile():
                return read_file(context, args)
            case ListFiles():
                return list_files(context, args)
            case Search():
                return search(context, args)
            case _:
                raise TypeError(f"{name} is no reading tool")
    except ToolProblem as problem:
        return problem


def read_file(context: ToolContext, args: ReadFile) -> ToolResult:
    """Numbered lines of a file, at most MAX_LINES and MAX_BYTES, with a hint where to go on."""
    if args.path.startswith(OUTPUTS):
        return _read_output(context, args)
    place = context.place(args.path)
    file = read_text(place)
    name = shown(place.relative)
    masked, _ = context.masker.mask(file.text, place.relative)
    lines = split_lines(masked)
    data = {"path": place.relative, "lines": len(lines), "hash": file.digest}
    marks: dict[str, str | None] = {place.relative: file.digest}
    if not lines:
        return ToolResult(f"{name}: empty file", data=data, marks=marks)
    first = args.offset or 1
    if first > len(lines):
        raise ToolProblem(f"{name}: has {len(lines)} lines; offset {first} is behind the end")
    wanted = lines[first - 1 : first - 1 + min(args.limit or MAX_LINES, MAX_LINES)]
    text, count = _page(iter(wanted), first)
    notes = []
    if first + count - 1 < len(lines):
        notes.append(f"lines {first}–{first + count - 1} of {len(lines)}; go on with offset {first + count}")
    elif not masked.endswith("\n"):
        notes.append("no line end at the end of the file")
    if "\r\n" in file.text:
        notes.append("lines end in CRLF, which edits keep")
    said = f"\n({'; '.join(notes)})" if notes else ""
    return ToolResult(text + said, data={**data, "first": first, "shown": count}, marks=marks)


def _page(lines: Iterator[str], first: int) -> tuple[str, int]:
    """(numbered text, how many lines) of what fits into MAX_BYTES; at least one line."""
    kept: list[str] = []
    size = 0
    for line in lines:
        cut = (
            line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}… ({len(line) - MAX_LINE} more characters)"
        )
        size += len(cut.encode(errors="surrogateescape")) + 8
        if kept and size > MAX_BYTES:
            break
        kept.append(cut)
    return numbered(kept, first), len(kept)


def _read_output(context: ToolContext, args: ReadFile) -> ToolResult:
    path = context.outputs.get(args.path.removeprefix(OUTPUTS))
    if path is None:
        raise ToolProblem(f"{shown(args.path)}: there is no such output")
    first = args.offset or 1
    limit = min(args.limit or MAX_LINES, MAX_LINES)
    masked, more = _lines_of(path, first, limit)
    text, _ = context.masker.mask("\n".join(masked))
    page, count = _page(iter(text.split("\n")), first)
    if not masked:
        return ToolResult("(no output)" if first == 1 else "(no more output)")
    note = f"\n(go on with offset {first + count})" if more or count < len(masked) else ""
    return ToolResult(page + note, data={"path": args.path, "first": first, "shown": count})


def _lines_of(path: Path, first: int, limit: int) -> tuple[list[str], bool]:
    lines: list[str] = []
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(1_000_000), b""), 1):
            if number >= first + limit:
                return lines, True
            if number >= first:
                lines.append(line.decode(errors="surrogateescape").rstrip("\r\n"))
    return lines, False


def list_files(context: ToolContext, args: ListFiles) -> ToolResult:
    """Paths, sorted, at most MAX_LISTED."""
    paths = matching(context, args.pattern)
    if not paths:
        what = f"no file matches {shown(args.pattern)}" if args.pattern else "no files"
        return ToolResult(f"({what})", data={"files": 0})
    text = "\n".join(shown(path) for path in paths[:MAX_LISTED])
    if len(paths) > MAX_LISTED:
        text += f"\n({len(paths) - MAX_LISTED} more of {len(paths)}; narrow it with a pattern)"
    return ToolResult(text, data={"files": len(paths)})


def search(context: ToolContext, args: Search) -> ToolResult:
    """Matching lines as `path:line: text`, bounded in number and time."""
    paths = matching(context, args.glob)
    if args.path and args.path.strip("./"):
        place = context.place(args.path)
        kind = kind_of(place)
        if kind == "missing":
            raise ToolProblem(f"{shown(args.path)}: no such file or directory")
        below = place.relative + "/"
        paths = [path for path in paths if path == place.relative or path.startswith(below)]
        if kind == "file" and not paths and not args.glob:
            paths = [place.relative]  # ignored by git, but asked for by name
    return searching.search(context, args.pattern, paths)


def matching(context: ToolContext, pattern: str | None) -> list[str]:
    """Listed paths that match `pattern` in gitignore syntax, sorted; no protected ones, no by-products."""
    paths = sorted(
        path
        for path in set(context.list_paths())
        if path not in context.by_products and not protected(path.split("/"))
    )
    if not pattern:
        return paths
    try:
        spec = pathspec.PathSpec.from_lines("gitignore", [pattern.removeprefix("./")])
    except ValueError as error:
        raise ToolProblem(f"{shown(pattern)}: not a pattern that can be understood") from error
    return [path for path in paths if spec.match_file(show_bytes(path))]
