"""write_file, delete_file and move_file: what they would do to the worktree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from autodev_tui.domain.text import show_bytes, unshow_bytes
from autodev_tui.policy.paths import PathDenied, SafePath, open_file
from autodev_tui.tools.arguments import Arguments, DeleteFile, EditFile, MoveFile, WriteFile
from autodev_tui.tools.base import ToolProblem, shown
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.difference import difference
from autodev_tui.tools.editing import plan_edit, write_effect
from autodev_tui.tools.effects import Effect
from autodev_tui.tools.textfile import TextFile, fingerprint, kind_of, line_end, read_text, refuse_binary

NEW_FILE_MODE = 0o644


def plan_write(context: ToolContext, args: WriteFile) -> Effect:
    """The effect of writing a whole file. Sync; writes nothing.

    Raises:
        ToolProblem: if what is there was not read, changed since, or is no text file.
    """
    place = context.place(args.path)
    name = shown(place.relative)
    _check_place(place)
    kind = kind_of(place)
    if kind in ("directory", "special"):
        raise ToolProblem(f"{name or '.'}: is a {kind}, not a file")
    if args.path.endswith("/"):
        raise ToolProblem(f"{name}: a file's path does not end with '/'")
    if kind == "missing":
        return _new(context, place, args.content)
    file = read_text(place)
    mark = context.read_marks.get(place.relative)
    if place.relative in context.must_read or (mark is not None and mark != file.digest):
        raise ToolProblem(f"{name}: it changed since you read it; read it again before you replace it")
    if mark is None:
        raise ToolProblem(
            f"{name}: exists, and you have not read it; read it first, or change it with edit_file"
        )
    masked, secrets = context.masker.mask(file.text, place.relative)
    content = unshow_bytes(args.content) if show_bytes(file.text) != file.text else args.content
    if line_end(file.text) == "\r\n" and "\r\n" not in content:
        content = content.replace("\n", "\r\n")
    content = content.removeprefix("\ufeff")
    return write_effect(context, file, masked, content, bool(secrets), f"replaced {name}", [])


def _new(context: ToolContext, place: SafePath, content: str) -> Effect:
    data = content.encode()
    name = shown(place.relative)
    refuse_binary(name, data)
    if not data:
        return Effect(
            kind="write",
            path=place.relative,
            pre_hash="",
            post_hash=hashlib.sha256(data).hexdigest(),
            mode=NEW_FILE_MODE,
            text=f"created {name}, empty",
            data={"added": 0, "removed": 0, "line": 1, "created": True},
            blob=data,
        )
    empty = TextFile(place.relative, b"", NEW_FILE_MODE)
    effect = write_effect(context, empty, "", content, has_secrets=False, done=f"created {name}", notes=[])
    # What the model wrote itself it need not see again.
    text = effect.text.partition("\n")[0]
    return Effect(**{**vars(effect), "pre_hash": "", "text": text, "data": {**effect.data, "created": True}})


def plan_delete(context: ToolContext, args: DeleteFile) -> Effect:
    """The effect of deleting one file or link. Sync; writes nothing.

    Raises:
        ToolProblem: if there is no file.
    """
    place = context.place(args.path, follow=False)
    name = shown(place.relative)
    _expect_file(place, "delete its files one by one")
    removed, diff = 0, ""
    if kind_of(place) == "file":
        try:
            masked, _ = context.masker.mask(read_text(place).text, place.relative)
        except ToolProblem:
            pass  # binary or large: deleted without being shown
        else:
            gone = difference(masked, "", place.relative)
            removed, diff = gone.removed, show_bytes(gone.text)
    if place.relative in context.must_read:
        raise ToolProblem(f"{name}: it changed in the review; read it again before you delete it")
    return Effect(
        kind="delete",
        path=place.relative,
        pre_hash=fingerprint(place),
        post_hash="",
        text=f"deleted {name}",
        diff=diff,
        data={"added": 0, "removed": removed},
    )


def plan_move(context: ToolContext, args: MoveFile) -> Effect:
    """The effect of moving one file or link. Sync; writes nothing.

    Raises:
        ToolProblem: if there is no file, or something is at the new path.
    """
    place, target = context.place(args.path, follow=False), context.place(args.to, follow=False)
    name, new_name = shown(place.relative), shown(target.relative)
    _expect_file(place, "move its files one by one")
    _check_place(target)
    kind = kind_of(target)
    if kind == "directory" or args.to.endswith("/"):
        raise ToolProblem(f"{new_name or '.'}: give the whole new path, file name included")
    if place.relative == target.relative:
        raise ToolProblem(f"{name}: old and new path are the same")
    if kind != "missing" and not _same_but_case(place, target):
        raise ToolProblem(
            f"{new_name}: exists already; nothing is overwritten by a move. Delete it first, if it may go"
        )
    digest = fingerprint(place)
    return Effect(
        kind="move",
        path=place.relative,
        to=target.relative,
        pre_hash=digest,
        post_hash=digest,
        text=f"moved {name} to {new_name}",
        data={"to": target.relative, "added": 0, "removed": 0},
    )


def _same_but_case(place: SafePath, target: SafePath) -> bool:
    """Both names are one file on a file system that ignores case."""
    paths = [place.root / one.relative for one in (place, target)]
    return place.relative.casefold() == target.relative.casefold() and paths[0].samefile(paths[1])


def _expect_file(place: SafePath, instead: str) -> None:
    name = shown(place.relative) or "."
    match kind_of(place):
        case "missing":
            raise ToolProblem(f"{name}: no such file")
        case "directory":
            raise ToolProblem(f"{name}: is a directory; {instead}")
        case "special":
            raise ToolProblem(f"{name}: is no regular file")


def _check_place(place: SafePath) -> None:
    """Raises ToolProblem if a name on the way to `place` is a file."""
    for count in range(1, len(place.parts)):
        above = SafePath(place.root, "/".join(place.parts[:count]))
        if kind_of(above) not in ("directory", "missing"):
            raise ToolProblem(f"{shown(above.relative)}: is a file, so nothing can be below it")


def plan(context: ToolContext, name: str, args: Arguments) -> Effect | ToolProblem:
    """What an editing call would do, or why not. Sync; reads files, writes nothing."""
    try:
        match args:
            case EditFile():
                return plan_edit(context, args)
            case WriteFile():
                return plan_write(context, args)
            case DeleteFile():
                return plan_delete(context, args)
            case MoveFile():
                return plan_move(context, args)
            case _:
                raise TypeError(f"{name} is no editing tool")
    except ToolProblem as problem:
        return problem


def keep_pre_image(context: ToolContext, effect: Effect, put: Callable[[bytes], str]) -> str:
    """The blob id of what the file was before, for undo; "" where there was none or it holds a secret.

    Sync. `put` stores bytes and returns their id.
    """
    if not effect.pre_hash or effect.pre_hash.startswith(("link:", "other:")) or effect.kind == "move":
        return ""
    try:
        with os.fdopen(open_file(context.place(effect.path, follow=effect.kind == "write")), "rb") as file:
            data = file.read()
    except (ToolProblem, PathDenied):
        return ""
    if context.masker.mask(data.decode(errors="surrogateescape"), effect.path)[1]:
        return ""  # its hash alone is kept: a secret must not outlive its file in our state
    return put(data)
