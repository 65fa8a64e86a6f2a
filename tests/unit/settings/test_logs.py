from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autodev_tui import logs
from autodev_tui.logs import Log, span

logger = logging.getLogger("autodev_tui.test")


def plain(text: str) -> str:
    return text.replace("hunter2", "[hidden]")


def lines(directory: Path) -> list[dict[str, Any]]:
    found = sorted(directory.glob("engine.jsonl*"), reverse=True)
    return [json.loads(line) for file in found for line in file.read_text().splitlines()]


def test_every_line_is_one_json_object(tmp_path: Path) -> None:
    log = Log(tmp_path, plain)
    logger.info("two\nlines %s", "and \u2028 more", extra={"fields": {"n": 1, "path": Path("/x")}})
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logger.exception("failed")
    log.close()
    one, other = lines(tmp_path)
    assert (one["message"], one["n"], one["path"]) == ("two\nlines and \u2028 more", 1, "/x")
    assert (one["level"], one["name"], one["timestamp"][10]) == ("INFO", "autodev_tui.test", "T")
    assert "boom" in other["exception"]
    assert (tmp_path / "engine.jsonl").stat().st_mode & 0o077 == 0


def test_secrets_are_never_written(tmp_path: Path) -> None:
    log = Log(tmp_path, plain)
    fields = {"hunter2": ["hunter2", {"deep": ("hunter2",)}], "object": Path("hunter2")}
    logger.warning("the password is %s", "hunter2", extra={"fields": fields})
    try:
        raise ValueError("hunter2")
    except ValueError:
        logger.exception("with a trace")
    log.close()
    assert "hunter2" not in (tmp_path / "engine.jsonl").read_text()
    assert len(lines(tmp_path)) == 2


def test_levels(tmp_path: Path) -> None:
    log = Log(tmp_path, plain, logging.WARNING)
    logger.info("not this")
    logger.warning("this")
    log.close()
    assert [line["message"] for line in lines(tmp_path)] == ["this"]


def test_after_close_nothing_is_written(tmp_path: Path) -> None:
    Log(tmp_path, plain).close()
    logger.error("too late")
    assert lines(tmp_path) == []


def test_spans_nest_and_close(tmp_path: Path) -> None:
    ticks = iter([0.0, 1.0, 3.0, 10.0])
    log = Log(tmp_path, plain)
    with pytest.raises(KeyError), span("outer", ticks.__next__, task="T1"), span("inner", ticks.__next__):
        raise KeyError("x")
    with span("after"):
        pass
    log.close()
    told = lines(tmp_path)
    assert [(line["event"], line["message"]) for line in told] == [
        ("span_start", "outer"),
        ("span_start", "inner"),
        ("span_error", "inner"),
        ("span_error", "outer"),
        ("span_start", "after"),
        ("span_end", "after"),
    ]
    assert told[1]["parent"] == told[0]["span"] == told[3]["span"]
    assert (told[2]["duration_s"], told[3]["duration_s"], told[3]["task"]) == (2.0, 10.0, "T1")
    assert (told[2]["error"], told[4]["parent"]) == ("KeyError", "")
    assert "KeyError" in told[2]["exception"]


def test_spans_of_a_killed_process_are_closed_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from autodev_tui.logs import Log, span\n"
        "log = Log(Path(sys.argv[1]), str)\n"
        "with span('done'): pass\n"
        "with span('outer'), span('inner'):\n"
        "    log.close()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(logs.__file__).parent.parent
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root)
    assert killed.returncode == -signal.SIGKILL
    with (tmp_path / "engine.jsonl").open("a") as file:
        file.write('{"half a li')
    Log(tmp_path, plain).close()
    told = lines(tmp_path)
    assert [line["message"] for line in told if line["event"] == "span_aborted"] == ["inner", "outer"]
    Log(tmp_path, plain).close()
    assert lines(tmp_path) == told


def test_a_foreign_line_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "engine.jsonl").write_text('{"event": "span_start", oops\n{"message": "\\"span_x"}\n')
    Log(tmp_path, plain).close()


def test_it_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 2000)
    log = Log(tmp_path, plain)
    for number in range(200):
        logger.info("line %d", number)
    log.close()
    assert len(list(tmp_path.iterdir())) == logs.BACKUPS + 1
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())
    assert lines(tmp_path)[-1]["message"] == "line 199"


def test_a_stuck_disk_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_WAITING", 10)
    log = Log(tmp_path, plain)
    log._listener.stop()  # nobody writes any more
    for _ in range(50):
        logger.info("x")
    assert log.lost >= 40
    log._listener.start()
    log.close()


def test_a_full_disk_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = Log(tmp_path, plain)
    log._file.stream.close()
    # What could not be written fails once more when the file is closed.
    with pytest.raises(OSError, match="No space"), Path("/dev/full").open("w") as full:
        log._file.stream = full
        logger.error("no room")
        log._listener.stop()
        assert log.lost == 1
    log._file.stream = None
    log._listener.start()
    log.close()
    assert capfd.readouterr() == ("", "")
