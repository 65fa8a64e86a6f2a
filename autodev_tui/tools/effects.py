"""Effects on files: what a write, delete or move will do, done once, judged after a crash.

An effect is JSON plus one blob, so that the engine can make it durable before it begins. The blob holds
placeholders instead of the file's secrets; they are put back from the file itself when the effect is applied.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from autodev_tui.policy.paths import PathDenied, SafePath, open_file, open_parent, resolve
from autodev_tui.policy.secrets import SecretMoved
from autodev_tui.tools.base import ToolResult, shown
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.textfile import BOM, fingerprint, kind_of

Judgement = Literal["done", "not_done", "conflict"]
TEMPORARY = ".autodev-tmp-"
"""Begins the name of a half-written file; one that a crash left is removed by `apply` and `judge`."""


class EffectConflict(Exception):
    """The world is neither as before nor as after the effect; nothing was written."""


@dataclass(frozen=True)
class Effect:
    """One change of one file. A hash is a `fingerprint`: "" where there is no file."""

    kind: Literal["write", "delete", "move"]
    path: str
    pre_hash: str
    post_hash: str
    to: str = ""
    mode: int = 0o644
    """Permission bits of the written file."""
    masked: bool = False
    """The blob holds placeholders for secrets of the file as it is before."""
    text: str = ""
    """What the model is told once it is done."""
    diff: str = ""
    """Unified diff for showing, masked."""
    data: dict[str, Any] = field(default_factory=dict)
    blob: bytes | None = field(default=None, repr=False)
    """New content of a write."""

    def intent(self) -> dict[str, Any]:
        """Everything but the blob, as JSON."""
        document = asdict(self)
        del document["blob"]
        return document

    @classmethod
    def from_intent(cls, intent: dict[str, Any], blob: bytes | None) -> Effect:
        """The effect that `intent` and `blob` were taken from."""
        return cls(**intent, blob=blob)

    def result(self) -> ToolResult:
        """What the call comes to once the effect is done."""
        marks: dict[str, str | None] = {self.path: self.post_hash or None}
        if self.kind == "move":
            marks = {self.path: None, self.to: self.post_hash}
        return ToolResult(self.text, data={"kind": self.kind, "path": self.path, **self.data}, marks=marks)


def apply(context: ToolContext, effect: Effect) -> None:
    """Does the effect: durable when it returns, all or nothing, only onto what was there when it was planned.

    Sync; blocks for fsync. May be called again after a crash.

    Raises:
        EffectConflict: if the file is not what the effect was planned for.
        OSError: if the disk refuses; then nothing has changed.
    """
    try:
        match effect.kind:
            case "write":
                _write(context, effect)
            case "delete":
                _delete(context.worktree, effect)
            case "move":
                _move(context.worktree, effect)
    except PathDenied as error:
        raise EffectConflict(str(error)) from error


def judge(worktree: Path, effect: Effect, *, clear: bool = True) -> Judgement:
    """Whether the effect happened, told by the files alone; a half-written file is removed with `clear`."""
    try:
        place = resolve(worktree, effect.path, follow=effect.kind == "write")
        if clear:
            _clear(place, effect)
        now = fingerprint(place)
        if effect.kind != "move":
            return "done" if now == effect.post_hash else "not_done" if now == effect.pre_hash else "conflict"
        target = fingerprint(resolve(worktree, effect.to, follow=False))
    except PathDenied:
        return "conflict"
    if now == "" and target == effect.post_hash:
        return "done"
    if now == effect.pre_hash and (target == "" or _half_moved(worktree, effect)):
        return "not_done"
    return "conflict"


def _write(context: ToolContext, effect: Effect) -> None:
    place = resolve(context.worktree, effect.path)
    content = effect.blob or b""
    if effect.masked:
        content = _unmasked(context, effect, place, content)
    if hashlib.sha256(content).hexdigest() != effect.post_hash:
        raise EffectConflict(f"{shown(effect.path)}: its content is not what was planned")
    with open_parent(place, create=True) as parent:
        name = _temporary(effect)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), effect.mode)
                file.flush()
                os.fsync(file.fileno())
            _expect(place, effect.pre_hash)
            os.replace(name, place.name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=parent)
            raise
        os.fsync(parent)


def _unmasked(context: ToolContext, effect: Effect, place: SafePath, content: bytes) -> bytes:
    _expect(place, effect.pre_hash)
    with os.fdopen(open_file(place), "rb") as file:
        original = file.read().decode(errors="surrogateescape").removeprefix(BOM)
    text = content.decode(errors="surrogateescape")
    mark = BOM if text.startswith(BOM) else ""
    try:
        whole = mark + context.masker.rehydrate(text.removeprefix(BOM), original, effect.path)
        return whole.encode(errors="surrogateescape")
    except SecretMoved as error:
        raise EffectConflict(str(error)) from error


def _delete(worktree: Path, effect: Effect) -> None:
    place = resolve(worktree, effect.path, follow=False)
    _expect(place, effect.pre_hash)
    with open_parent(place) as parent:
        os.unlink(place.name, dir_fd=parent)
        os.fsync(parent)


def _move(worktree: Path, effect: Effect) -> None:
    place = resolve(worktree, effect.path, follow=False)
    target = resolve(worktree, effect.to, follow=False)
    _expect(place, effect.pre_hash)
    with open_parent(place) as source, open_parent(target, create=True) as destination:
        if _only_case_differs(place, target, source):
            os.replace(place.name, target.name, src_dir_fd=source, dst_dir_fd=destination)
        elif not _half_moved(worktree, effect):
            # link + unlink, for rename would silently replace what came to be at the target meanwhile.
            try:
                os.link(
                    place.name, target.name, src_dir_fd=source, dst_dir_fd=destination, follow_symlinks=False
                )
            except FileExistsError as error:
                raise EffectConflict(f"{shown(effect.to)}: exists already") from error
            except (OSError, NotImplementedError):  # a file system without hard links
                if kind_of(target) != "missing":
                    raise EffectConflict(f"{shown(effect.to)}: exists already") from None
                os.replace(place.name, target.name, src_dir_fd=source, dst_dir_fd=destination)
        with suppress(FileNotFoundError):
            if not _only_case_differs(place, target, source):
                os.unlink(place.name, dir_fd=source)
        os.fsync(destination)
        os.fsync(source)


def _half_moved(worktree: Path, effect: Effect) -> bool:
    """Both names exist and are one file: killed between link and unlink."""
    found = []
    for path in (effect.path, effect.to):
        try:
            place = resolve(worktree, path, follow=False)
            with open_parent(place) as parent:
                found.append(os.lstat(place.name, dir_fd=parent))
        except (OSError, PathDenied):
            return False
    return os.path.samestat(found[0], found[1])


def _only_case_differs(place: SafePath, target: SafePath, directory: int) -> bool:
    """The new name is the old one to this file system, as `Readme` and `README` are on macOS."""
    same = place.parts[:-1] == target.parts[:-1] and place.name.casefold() == target.name.casefold()
    return (
        same
        and place.name != target.name
        and target.name not in os.listdir(directory)
        and (kind_of(target) != "missing")
    )


def _expect(place: SafePath, digest: str) -> None:
    if fingerprint(place) != digest:
        raise EffectConflict(f"{shown(place.relative)}: changed meanwhile; read it again")


def _clear(place: SafePath, effect: Effect) -> None:
    with suppress(OSError, PathDenied), open_parent(place) as parent:
        os.unlink(_temporary(effect), dir_fd=parent)


def _temporary(effect: Effect) -> str:
    # Told by the effect, so that a resumed engine finds what the killed one left.
    return (
        TEMPORARY
        + hashlib.sha256(f"{effect.path}\0{effect.post_hash}".encode(errors="surrogateescape")).hexdigest()[
            :16
        ]
    )
