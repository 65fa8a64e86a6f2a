"""What projects declare, and where they keep their code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.quality.declared import declared, missing, suits
from autodev_tui.quality.interpreter import Interpreter
from autodev_tui.quality.project import describe

MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.7",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_release": "6",
    "platform_system": "Linux",
    "platform_version": "1",
    "python_full_version": "3.11.7",
    "platform_python_implementation": "CPython",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def having(**distributions: str) -> Interpreter:
    return Interpreter(
        executable="/usr/bin/python3",
        real="/usr/bin/python3.11",
        venv="",
        base_prefix="/usr",
        version=(3, 11, 7),
        distributions={name.replace("_", "-"): version for name, version in distributions.items()},
        markers=MARKERS,
    )


def test_pyproject_with_extras_and_groups_of_tests(tmp_path, write):
    text = """
    [project]
    name = "My.Project"
    requires-python = ">=3.9"
    dependencies = ["requests>=2", "tomli; python_version < '3.11'"]
    [project.optional-dependencies]
    Dev = ["my-project[test]", "ruff"]
    test = ["pytest>=8"]
    docs = ["sphinx"]
    [dependency-groups]
    dev = [{include-group = "lint"}, {include-group = "dev"}, "mypy"]
    lint = ["flake8"]
    docs = ["mkdocs"]
    """
    found = declared(write(tmp_path, {"pyproject.toml": text}))
    assert sorted(found.requirements) == [
        "flake8",
        "mypy",
        "pytest>=8",
        "requests>=2",
        "ruff",
        "tomli; python_version < '3.11'",
    ]
    assert (found.python, found.extras, found.groups) == (">=3.9", ["Dev", "test"], ["dev"])
    assert list(found.files) == ["pyproject.toml"]


def test_requirements_files_with_all_they_may_hold(tmp_path, write):
    files = {
        "requirements.txt": (
            "# ours\n-r base.txt\n-c bounds.txt\n--index-url https://example.test/simple\n"
            "flask[async]==3.0 \\\n  --hash=sha256:00 # pinned\n-e .\n-e ./libs/core[fast]\n./libs/other ; "
            "python_version > '3'\ngit+https://example.test/x.git#egg=x\n"
            "named @ https://example.test/n.whl\n"
        ),
        "base.txt": "-r requirements.txt\n-r sub/../base.txt\nclick # why\n",
        "bounds.txt": "click<9\n",
        "requirements-dev.txt": "--requirement=tools.txt\n-rmore.txt\n",
        "tools.txt": "pytest\n",
        "more.txt": "tox\n",
        "libs/core/pyproject.toml": "",
        "libs/core/src/core/__init__.py": "",
        "libs/other/other.py": "",
        "pyproject.toml": "[project]\ndependencies = ['unhashed']\n",
    }
    tree = write(tmp_path, files)
    found = declared(tree)
    named = ["click", "flask[async]==3.0", "named @ https://example.test/n.whl", "pytest", "tox", "unhashed"]
    assert sorted(found.requirements) == named
    assert found.local == ["libs/core", "libs/other"]
    assert found.constraints == ["click<9"]
    assert "git+https://example.test/x.git#egg=x" in found.install
    assert "--index-url https://example.test/simple" in found.install
    assert any("--hash=sha256:00" in line for line in found.install)
    assert "unhashed" not in found.install, "pip takes hashes for all or for none"
    assert not any(line.startswith(("-e", ".")) for line in found.install)
    assert describe(tree, found).roots[:2] == ["libs/core/src", "libs/other"]


def test_files_outside_the_tree_are_not_read(tmp_path, write):
    write(tmp_path, {"secret.txt": "secret-requirement\n", "tree/requirements.txt": "-r ../secret.txt\n"})
    (tmp_path / "tree" / "requirements-dev.txt").symlink_to(tmp_path / "secret.txt")
    found = declared(tmp_path / "tree")
    assert (found.requirements, list(found.files)) == ([], ["requirements.txt"])


def test_poetry_setup_cfg_and_workspaces(tmp_path, write):
    files = {
        "pyproject.toml": (
            "[tool.poetry.dependencies]\npython = '^3.9'\nrequests = '^2'\n"
            "[tool.poetry.group.dev.dependencies]\npytest = '*'\n"
            "[tool.uv.workspace]\nmembers = ['packages/*', '../*']\n"
        ),
        "setup.cfg": (
            "[options]\ninstall_requires =\n  click>=8\n[options.extras_require]\ntest = tox\ndocs = x\n"
        ),
        "packages/one/one.py": "",
    }
    found = declared(write(tmp_path, files))
    assert sorted(found.requirements) == ["click>=8", "pytest", "requests", "tox"]
    assert found.local == ["packages/one"]


@pytest.mark.parametrize(
    "text",
    [
        "[project",
        "project = 3",
        "[project]\ndependencies = 'x'",
        "[project]\ndependencies = [1, 'not a name!']",
    ],
)
def test_broken_files_declare_nothing(tmp_path, write, text):
    assert declared(write(tmp_path, {"pyproject.toml": text, "setup.cfg": "[[["})).requirements == []


@given(st.binary(max_size=200), st.sampled_from(["pyproject.toml", "requirements.txt", "setup.cfg"]))
def test_no_file_makes_it_raise(tmp_path_factory, data, name):
    tree = tmp_path_factory.mktemp("tree")
    (tree / name).write_bytes(data)
    describe(tree, declared(tree))


def test_what_is_missing_follows_markers_versions_and_names():
    here = having(Typing_Extensions="4.1", pytest="8.0", odd="not a version")
    wanted = ["typing.extensions>=4", "pytest>=9", "absent", "win; sys_platform == 'win32'", "odd>=1"]
    assert missing(wanted, here) == ["pytest>=9", "absent"]
    assert missing(["x; extra == 'docs'", "pytest @ https://example.test/x.whl"], here) == []


def test_requires_python():
    assert suits(">=3.9,<4", having())
    assert not suits(">=3.12", having())
    assert suits("", having())
    assert suits("nonsense", having())


@pytest.mark.parametrize(
    ("files", "roots", "code"),
    [
        ({"calc.py": "", "test_calc.py": "", "setup.py": "", "conftest.py": ""}, ["."], ["calc"]),
        ({"src/a/__init__.py": "", "src/ns/b/c.py": "", "tests/test_a.py": ""}, ["src"], ["a", "ns"]),
        ({"src/a/__init__.py": "", "b/__init__.py": "", "docs/conf.py": ""}, ["src", "."], ["a", "b"]),
        ({"a/__init__.py": "", "venv/pyvenv.cfg": "", "venv/x.py": "", ".hid/y.py": ""}, ["."], ["a"]),
        ({"tests/test_a.py": ""}, ["."], []),
        ({"test/test_a.py": "", "types/x.py": ""}, ["."], []),
        (
            {
                "pyproject.toml": "[tool.setuptools.packages.find]\nwhere = ['lib', '../x']\n",
                "lib/a/b.py": "",
            },
            ["lib"],
            ["a"],
        ),
    ],
)
def test_where_code_is_kept(tmp_path, write, files, roots, code):
    tree = write(tmp_path, files)
    found = describe(tree, declared(tree))
    assert (found.roots, found.code) == (roots, code)
