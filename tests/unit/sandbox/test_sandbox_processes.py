from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from autodev_tui.sandbox import processes


def test_this_process_descends_from_its_parent():
    chain = processes.ancestors()
    assert [pid for pid, _ in chain][:2] == [os.getpid(), os.getppid()]
    assert all(processes.start_time(pid) == started for pid, started in chain)


def test_a_child_knows_us_as_an_ancestor():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from processes import ancestors; print([pid for pid, _ in ancestors()])"
    )
    folder = str(Path(processes.__file__).parent)
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True)
    assert os.getpid() in eval(done.stdout)


def test_descendants_are_all_levels_below():
    with subprocess.Popen(["/bin/sh", "-c", "sh -c 'sleep 60 & echo; wait' & wait"], stdout=-1) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        below = processes.descendants(os.getpid())
        names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in processes.descendants(shell.pid)]
        for pid in (*processes.descendants(shell.pid), shell.pid):
            os.kill(pid, 9)
    assert shell.pid in below and sorted(names) == ["sh", "sleep"]


def test_a_name_with_brackets_and_blanks_does_not_confuse(tmp_path):
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "60"]) as process:
        chain = processes.ancestors(process.pid)
        process.kill()
    assert chain[1][0] == os.getpid()


def test_a_process_that_is_gone_has_no_start():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    assert processes.start_time(process.pid) is None and processes.ancestors(process.pid) == []


def test_the_boot_has_a_name():
    assert processes.boot_id() == processes.boot_id() != ""
