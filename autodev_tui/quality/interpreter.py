"""The Python interpreters of the user's machine: which there are, and what each has installed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from autodev_tui.domain.base import Frozen
from autodev_tui.quality.running import Run, RunCommand

PROBE_TIMEOUT_S = 30.0
"""An interpreter on a cold network disk; a warm one needs 0.03 s."""

# Runs with -I -S: neither the repository nor a `.pth` file of its own packages gets to run.
PROBE = r"""
import json, os, platform, site, sys, sysconfig
from importlib import metadata
def config(exe):
    for where in (os.path.dirname(exe), os.path.dirname(os.path.dirname(exe))):
        try:
            with open(os.path.join(where, "pyvenv.cfg"), encoding="utf-8") as lines:
                pairs = [line.split("=", 1) for line in lines if "=" in line]
            return where, {key.strip().lower(): value.strip() for key, value in pairs}
        except OSError:
            pass
    return "", {}
venv, settings = config(sys.executable)
shared = not venv or settings.get("include-system-site-packages", "").lower() == "true"
prefixes = ([venv] if venv else []) + ([sys.base_prefix, sys.base_exec_prefix] if shared else [])
sites = site.getsitepackages(prefixes)
if venv:
    # Debian's own Python, started without its site module, looks for an environment's packages elsewhere.
    own = os.path.join("python%d.%d" % sys.version_info[:2], "site-packages")
    sites[:0] = [os.path.join(venv, "lib", own), os.path.join(venv, "lib64", own)]
user = site.getuserbase() if shared else ""
if user:
    sites.append(site.getusersitepackages())
sites = list(dict.fromkeys(path for path in sites if os.path.isdir(path)))
found = {}
for dist in metadata.distributions(path=sites):
    name = dist.metadata["Name"]
    if name and name not in found:
        found[name] = dist.version or "0"
impl = sys.implementation
stage = {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}[impl.version.releaselevel]
print(json.dumps({
    "executable": sys.executable, "real": os.path.realpath(sys.executable), "venv": venv,
    "base_prefix": sys.base_prefix, "user_base": user if user and os.path.isdir(user) else "",
    "libraries": sysconfig.get_paths().get("stdlib", ""), "version": list(sys.version_info[:3]),
    "distributions": found, "sites": sites,
    "markers": {
        "implementation_name": impl.name,
        "implementation_version": ".".join(map(str, impl.version[:3]))
        + (stage + str(impl.version.serial) if stage else ""),
        "os_name": os.name, "platform_machine": platform.machine(), "platform_release": platform.release(),
        "platform_system": platform.system(), "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": "%d.%d" % sys.version_info[:2], "sys_platform": sys.platform,
    },
}))
"""


class Interpreter(Frozen):
    """One interpreter. Paths are absolute; `distributions` maps names as published to versions."""

    executable: str
    real: str
    venv: str
    """The virtual environment it belongs to, empty for one of the machine."""
    base_prefix: str
    user_base: str = ""
    """Where the user's own `pip install --user` goes, if it is there and in use."""
    libraries: str = ""
    version: tuple[int, int, int]
    distributions: dict[str, str]
    sites: list[str] = []
    """Where these are installed."""
    markers: dict[str, str]
    """The values of PEP 508's environment markers."""

    @property
    def name(self) -> str:
        """What to call it on a command line once its directory leads PATH."""
        folder = Path(self.executable).parent
        return "python" if (folder / "python").exists() else Path(self.executable).name

    @property
    def readable(self) -> list[str]:
        """The directories that it needs to see, each once."""
        real = Path(self.real)
        needed = [self.venv, self.base_prefix, self.libraries, *self._users, str(real.parent)]
        return list(dict.fromkeys(path for path in needed if path and path != "/"))

    @property
    def _users(self) -> list[str]:
        """Of the user's own folder what pip puts there; beside it lies data of other programs, and ours."""
        if not self.user_base:
            return []
        return [str(path) for name in ("bin", "lib") if (path := Path(self.user_base, name)).is_dir()]


def candidates(
    checkout: Path,
    variables: Mapping[str, str],
    tracked: Callable[[str], bool],
    others: Sequence[Path] = (),
) -> Iterator[Path]:
    """The interpreters to try, best first: the active environment, the checkout's own, then PATH.

    `others` are `bin` folders of environments that a tool keeps for this checkout elsewhere.

    `tracked` tells of a path relative to the checkout whether git tracks it. What a clone can bring is not
    the user's interpreter, so nothing tracked is ever returned; nor is a relative entry of PATH followed.
    """
    folders = [Path(variables["VIRTUAL_ENV"]) / "bin"] if variables.get("VIRTUAL_ENV") else []
    folders += [checkout / name / "bin" for name in (".venv", "venv")]
    names = dict.fromkeys([*folders, *others], ("python", "python3"))
    for entry in variables.get("PATH", os.defpath).split(os.pathsep):
        names.setdefault(Path(entry), ("python3", "python"))
    seen: set[Path] = set()
    for folder, choices in names.items():
        if not folder.is_absolute() or _brought(checkout, folder, tracked):
            continue
        for name in choices:
            path = folder / name
            if path not in seen and path.is_file() and os.access(path, os.X_OK):
                seen.add(path)
                yield path
                break


def _brought(checkout: Path, folder: Path, tracked: Callable[[str], bool]) -> bool:
    """Whether the repository has a file of this directory, or of the environment that it is part of."""
    for root in {checkout, checkout.resolve()}:
        for path in (folder, folder.resolve()):
            if path.is_relative_to(root):
                inside = path.relative_to(root)
                whole = inside.parent if inside.name == "bin" and inside.parent.parts else inside
                if tracked(str(whole)):
                    return True
    return False


async def inspect(
    python: Path, variables: Mapping[str, str], run: RunCommand, base: Interpreter | None = None
) -> Interpreter | None:
    """What `python` is and has, or None when it does not start or is older than 3.8.

    Without `base` it is the user's own interpreter. With `base` it is one that a setup made out of that: code
    of others wrote it, so it runs in the sandbox, and only what it has installed is taken from its answer.
    """
    key = (str(python), variables.get("PATH"), variables.get("HOME"), base.executable if base else "")
    known = _INSPECTED.get(key)
    if known and known[1] == _stamps(python, known[0]):
        return known[0]
    found = await _ask(python, variables, run, base)
    if found is not None:
        _INSPECTED[key] = (found, _stamps(python, found))
    return found


_INSPECTED: dict[tuple[str | None, ...], tuple[Interpreter, list[int]]] = {}
"""What was found of an interpreter holds as long as nothing is installed into it or removed from it."""


def _stamps(python: Path, found: Interpreter) -> list[int]:
    """Times of the places whose change means that the interpreter must be asked again."""
    stamps = []
    for place in (python, *map(Path, found.sites)):
        try:
            stamps.append(place.stat().st_mtime_ns)
        except OSError:
            stamps.append(0)
    return stamps


async def _ask(
    python: Path, variables: Mapping[str, str], run: RunCommand, base: Interpreter | None
) -> Interpreter | None:
    keep = ("PATH", "HOME", "LANG")
    env = {
        name: value
        for name, value in variables.items()
        if name in keep or name.startswith(("PYENV_", "ASDF_", "MISE_"))
    }
    ran = await run(
        Run(
            argv=(str(python), "-I", "-S", "-c", PROBE),
            cwd="/",
            env=env,
            timeout_s=PROBE_TIMEOUT_S,
            readable=(str(python.parent.parent), *(base.readable if base else ())),
            sandboxed=base is not None,
        )
    )
    if ran.code != 0:
        return None
    try:
        found = Interpreter(**json.loads(ran.output.decode(errors="replace").strip().splitlines()[-1]))
        if base is None:
            return found
        installed = {"executable": str(python), "venv": str(python.parent.parent), "user_base": ""}
        return base.but(**installed, distributions=found.distributions, sites=found.sites)
    except (ValueError, IndexError, TypeError):
        return None
