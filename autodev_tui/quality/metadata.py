"""A project's metadata without its code, for an environment that it is not installed in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from autodev_tui.quality.declared import table

_NAME = re.compile(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", re.ASCII)
_OBJECT = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)", re.ASCII)


def metadata_files(pyproject: Mapping[str, Any], python: Path) -> dict[str, str]:
    """The files to copy into an environment with the interpreter `python`, by their path below `project/`.

    `dist-info/` is what `importlib.metadata` reads, `bin/` the project's own commands, which import its code
    from PYTHONPATH like everything else. Empty for a project without a name.
    """
    project = table(pyproject, "project")
    name = project.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return {}
    files = {"dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {_version(project)}\n"}
    groups = {"console_scripts": table(project, "scripts"), "gui_scripts": table(project, "gui-scripts")}
    groups |= {str(group): table(points) for group, points in table(project, "entry-points").items()}
    lines = []
    for group, points in groups.items():
        kept = {key: value for key, value in points.items() if _is_point(key, value)}
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in kept.items())] if kept else []
        for key, value in kept.items() if group == "console_scripts" else ():
            module, function = value.split(":")
            first = function.partition(".")[0]
            files[f"bin/{key}"] = (
                f"#!{python}\nimport sys\n\nfrom {module} import {first}\n\nsys.exit({function}())\n"
            )
    if lines:
        files["dist-info/entry_points.txt"] = "\n".join(lines) + "\n"
    return files


def folder_name(pyproject: Mapping[str, Any]) -> str:
    """What the metadata's directory is called in site-packages."""
    project = table(pyproject, "project")
    return f"{canonicalize_name(str(project.get('name'))).replace('-', '_')}-{_version(project)}.dist-info"


def _version(project: Mapping[str, Any]) -> str:
    try:
        return str(Version(str(project.get("version"))))
    except InvalidVersion:
        return "0"


def _is_point(key: str, value: object) -> bool:
    return bool(_NAME.fullmatch(key)) and isinstance(value, str) and bool(_OBJECT.fullmatch(value))
