"""autodev: hand goals to coding agents and stay in command.

Importing this package guards `sys.path`: nothing of the folder that the program is started in may be
imported, and `store`, `prompts`, `screens` and `widgets` are found where this package is, whatever else has
these names.
"""

import os
import sys


def _guarded(entries: list[str], working_directory: str | None, package: str) -> list[str]:
    """`sys.path` without what belongs to the working directory, our own folders first.

    An entry below the working directory stays if it is part of the interpreter, of its environment or of
    this installation; but a prefix that we were started inside of shelters nothing (`/usr` in `/usr/src`).
    """
    home = os.path.dirname(package)
    bundled = os.path.join(package, "_bundled")
    front = bundled if os.path.isdir(bundled) else home
    here = os.path.realpath(working_directory) if working_directory else None
    own = {os.path.realpath(path) for path in (home, os.path.dirname(os.__file__))}
    shelters = {path for path in own | _prefixes() if here is None or _within(path, here)}

    def stays(entry: str) -> bool:
        if not os.path.isabs(entry):
            return False
        path = os.path.realpath(entry)
        if here is None or not _within(path, here) or path in own:
            return True
        return any(_within(path, shelter) for shelter in shelters)

    return [front, *(entry for entry in entries if stays(entry) and entry != front)]


def _prefixes() -> set[str]:
    return {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)}


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted under us
        return None


sys.path[:] = _guarded(sys.path, _working_directory(), os.path.dirname(os.path.abspath(__file__)))
