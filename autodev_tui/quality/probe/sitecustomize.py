"""Loaded by every Python process of a check: records at its end where the project's modules came from.

Those are the modules with names of the project, and whatever came from the user's own checkout.

Its directory leads PYTHONPATH while a check runs. It is written for every Python that a project may use (3.8
on), never raises, and needs only modules that each start has loaded already, so that no file of the project
with the name of a standard module can come in between and the start of each process stays fast.
"""
# ruff: noqa: PTH100, PTH105, PTH118, PTH120, PTH123
# mypy: allow-untyped-defs, allow-untyped-calls

import atexit
import os
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
_FOLDER = os.environ.get("AUTODEV_ORIGINS", "")
_NAMES = frozenset(os.environ.get("AUTODEV_MODULES", "").split(","))
_CHECKOUT = tuple(path + os.sep for path in os.environ.get("AUTODEV_CHECKOUT", "").split(os.pathsep) if path)
_STARTED = time.time_ns()  # with the process id a name that a later process cannot have again


def _origin(module):
    path = getattr(module, "__file__", None)
    return os.path.abspath(path) if isinstance(path, str) else ""


def record():
    """Write this process's record, one file per process: name and origin of each module, NUL after each."""
    try:
        found = {}
        for name, module in list(sys.modules.items()):
            where = _origin(module)
            if where and (name.partition(".")[0] in _NAMES or where.startswith(_CHECKOUT)):
                found[name] = where
        text = "".join(f"{name}\0{where}\0" for name, where in sorted(found.items()))
        path = os.path.join(_FOLDER, f"origins-{os.getpid()}-{_STARTED}")
        with open(path + ".new", "wb") as out:
            out.write(os.fsencode(text))
        os.replace(path + ".new", path)
    except Exception:
        pass


def _before(call):
    def wrapped(*args, **kwargs):
        record()
        return call(*args, **kwargs)

    return wrapped


def _chain():
    """Run the `sitecustomize` that this one hides, if there is one."""
    import importlib.machinery
    import importlib.util

    places = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", places)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if _FOLDER:
    record()
    atexit.register(record)
    # A worker or forked child that ends itself hard, or becomes another program, skips `atexit`.
    for _name in ("_exit", "execv", "execve"):
        setattr(os, _name, _before(getattr(os, _name)))
    # Only a process that sees our directory is told to load the plugin from it.
    _plugins = [name for name in os.environ.get("PYTEST_PLUGINS", "").split(",") if name]
    if "autodev_outcomes" not in _plugins:
        os.environ["PYTEST_PLUGINS"] = ",".join([*_plugins, "autodev_outcomes"])
try:
    _chain()
except ImportError:
    pass
