from __future__ import annotations

import difflib
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.policy.hard_gates import Gate, find_hard_gates
from autodev_tui.policy.weakened import TestFile, badges, find_weakened

BLOBS: dict[str, bytes] = {}


def change(path: str, old: str | None, new: str | None, first: int = 1) -> FileChange:
    old_lines = (old or "").splitlines(keepends=True)
    new_lines = (new or "").splitlines(keepends=True)
    hunks = []
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for group in matcher.get_grouped_opcodes(1):
        diff = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                diff += [" " + line for line in old_lines[i1:i2]]
            else:
                diff += ["-" + line for line in old_lines[i1:i2]] + ["+" + line for line in new_lines[j1:j2]]
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        hunks.append(
            Hunk(
                number=first + len(hunks),
                path=path,
                old_start=i1 + 1,
                old_lines=old_lines[i1:i2],
                new_start=j1 + 1,
                new_lines=new_lines[j1:j2],
                diff=diff,
                fingerprint="",
            )
        )
    ids = []
    for text in (old, new):
        blob = "" if text is None else f"blob{len(BLOBS)}" if text else "empty"
        if blob:
            BLOBS[blob] = (text or "").encode()
        ids.append(blob)
    status = "added" if old is None else "deleted" if new is None else "modified"
    return FileChange(path=path, status=status, old_blob=ids[0], new_blob=ids[1], hunks=hunks)


def change_set(*files: FileChange) -> ChangeSet:
    return ChangeSet(base="b", proposed="p", files=list(files))


def badge_words(old: str | None, new: str | None, path: str = "tests/test_x.py") -> list[str]:
    found = badges(change_set(change(path, old, new)), BLOBS.__getitem__)
    return [badge for number in sorted(found) for badge in found[number]]


def body(text: str) -> str:
    return (
        "import pytest\n\n\ndef test_a():\n"
        + textwrap.indent(textwrap.dedent(text).strip("\n"), "    ")
        + "\n"
    )


OLD = body("x = f()\nassert x == 1\nassert x != 2\nassert g(x)")

CLASS = "class TestA:\n    def test_a(self):\n        assert f()\n"

WEAKER = [
    ("one removed", OLD, body("x = f()\nassert x == 1\nassert g(x)"), "asserts −1"),
    ("all removed", OLD, body("x = f()"), "asserts −3"),
    ("assert True", OLD, body("x = f()\nassert True\nassert x != 2\nassert g(x)"), "asserts −1"),
    ("assert tuple", body("assert f() == 1"), body("assert (f() == 1, 'x')"), "asserts −1"),
    ("or True", body("assert f() == 1"), body("assert f() == 1 or True"), "asserts −1"),
    ("same on both sides", body("assert f() == 1"), body("assert 1 == 1"), "asserts −1"),
    ("commented out", body("a = 1\nassert f() == 1"), body("a = 1\n# assert f() == 1"), "asserts −1"),
    ("after return", OLD, body("x = f()\nreturn\nassert x == 1\nassert x != 2\nassert g(x)"), "asserts −3"),
    ("if False", body("assert f() == 1"), body("if False:\n    assert f() == 1"), "asserts −1"),
    (
        "swallowed",
        body("assert f() == 1"),
        body("try:\n    assert f() == 1\nexcept Exception:\n    pass"),
        "asserts −1",
    ),
    ("suppressed", body("assert f()"), body("with suppress(AssertionError):\n    assert f()"), "asserts −1"),
    ("unittest", body("self.assertEqual(f(), 1)\ng()"), body("g()"), "asserts −1"),
    ("unittest trivial", body("self.assertEqual(f(), 1)"), body("self.assertTrue(True)"), "asserts −1"),
    ("raises", body("with pytest.raises(ValueError):\n    f()"), body("f()"), "asserts −1"),
    ("mock", body("f(m)\nm.assert_called_once_with(1)"), body("f(m)"), "asserts −1"),
    ("rough", body("assert f() == 1"), body("assert f()"), "asserts loosened"),
    ("not none", body("assert f() == 1"), body("assert f() is not None"), "asserts loosened"),
    (
        "broad",
        body("with pytest.raises(ValueError):\n    f()"),
        body("with pytest.raises(Exception):\n    f()"),
        "asserts loosened",
    ),
    (
        "no match",
        body("with pytest.raises(E, match='x'):\n    f()"),
        body("with pytest.raises(E):\n    f()"),
        "asserts loosened",
    ),
    ("skip", body("assert f()"), body("pytest.skip('x')\nassert f()"), "skips +1"),
    (
        "decorated",
        body("assert f()"),
        body("assert f()").replace("def", "@pytest.mark.skip\ndef"),
        "skips +1",
    ),
    (
        "xfail",
        body("assert f()"),
        body("assert f()").replace("def", "@pytest.mark.xfail(strict=False)\ndef"),
        "skips +1",
    ),
    (
        "unittest skip",
        body("assert f()"),
        body("assert f()").replace("def", "@unittest.skipIf(True, '')\ndef"),
        "skips +1",
    ),
    ("module", body("assert f()"), "pytestmark = pytest.mark.skip\n" + body("assert f()"), "skips +1"),
    (
        "expected failure",
        body("assert f()"),
        body("assert f()").replace("def", "@expectedFailure\ndef"),
        "skips +1",
    ),
    ("deleted", OLD + "\n\ndef test_b():\n    assert g()\n", OLD, "tests −1"),
    ("renamed away", OLD, OLD.replace("test_a", "check_a"), "tests −1"),
    ("class renamed away", CLASS, CLASS.replace("TestA", "A"), "tests −1"),
    ("all of them", OLD, None, "tests −1"),
    ("emptied", body("f()"), body("pass"), "emptied"),
    (
        "approx rel",
        body("assert f() == approx(1, rel=1e-6)"),
        body("assert f() == approx(1, rel=1e-2)"),
        "tolerance loosened",
    ),
    (
        "approx abs",
        body("assert f() == approx(1)"),
        body("assert f() == approx(1, abs=0.5)"),
        "tolerance loosened",
    ),
    (
        "places",
        body("self.assertAlmostEqual(f(), 1)"),
        body("self.assertAlmostEqual(f(), 1, places=2)"),
        "tolerance loosened",
    ),
    (
        "places by position",
        body("self.assertAlmostEqual(f(), 1, 7)"),
        body("self.assertAlmostEqual(f(), 1, 2)"),
        "tolerance loosened",
    ),
    (
        "delta",
        body("self.assertAlmostEqual(f(), 1)"),
        body("self.assertAlmostEqual(f(), 1, delta=5)"),
        "tolerance loosened",
    ),
    (
        "allclose",
        body("assert_allclose(f(), 1)"),
        body("assert_allclose(f(), 1, rtol=0.1)"),
        "tolerance loosened",
    ),
    (
        "isclose",
        body("assert isclose(f(), 1)"),
        body("assert isclose(f(), 1, rel_tol=0.1)"),
        "tolerance loosened",
    ),
    (
        "exact became rough",
        body("assert f() == 1.5"),
        body("assert f() == pytest.approx(1.5)"),
        "tolerance loosened",
    ),
    (
        "unknown tolerance",
        body("assert f() == approx(1)"),
        body("assert f() == approx(1, rel=LOOSE)"),
        "tolerance loosened",
    ),
    (
        "fewer cases",
        "@pytest.mark.parametrize('x', [1, 2, 3])\n" + "def test_a(x):\n    assert f(x)\n",
        "@pytest.mark.parametrize('x', [1])\n" + "def test_a(x):\n    assert f(x)\n",
        "cases −2",
    ),
    ("broken", OLD, OLD + "def (\n", "not parsed"),
]


@pytest.mark.parametrize(("old", "new", "badge"), [row[1:] for row in WEAKER], ids=[row[0] for row in WEAKER])
def test_weaker(old, new, badge):
    assert badge in badge_words(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, OLD),
        (OLD, OLD + "\n\ndef test_b():\n    assert g() == 2\n"),
        (OLD, body("y = f()\nassert y == 1\nassert y != 2\nassert g(y)\nassert h(y)")),
        (body("assert f() == 1"), body("assert f() == 2")),
        (body("assert f()"), body("assert f() == 1")),
        (OLD, OLD.replace("test_a", "test_better_name")),
        (body("assert f() == approx(1, rel=1e-2)"), body("assert f() == approx(1, rel=1e-6)")),
        (body("pytest.skip('x')\nassert f()"), body("assert f()")),
        (None, OLD),
        (body("assert f()"), body("assert f()\nassert g() == approx(1)")),
        (body("with pytest.raises(Exception):\n    f()"), body("with pytest.raises(ValueError):\n    f()")),
        (
            body("assert f()") + body("assert g()").replace("_a", "_b"),
            body("assert g()").replace("_a", "_b") + body("assert f()"),
        ),
    ],
)
def test_not_weaker(old, new):
    assert badge_words(old, new) == []


def test_a_test_moved_to_another_file_is_not_lost():
    files = [TestFile("tests/test_a.py", OLD.encode(), b""), TestFile("tests/test_b.py", b"", OLD.encode())]
    assert find_weakened(files) == {}
    copied_once = [*files, TestFile("tests/test_c.py", OLD.encode(), None)]
    assert [finding.kind for finding in find_weakened(copied_once)["tests/test_c.py"]] == ["tests"]


def test_badges_stand_on_the_hunks_that_weaken():
    tests = "".join(
        f"def test_{n}():\n    x = {n}\n    assert x == {n}\n    assert f(x)\n\n\n\n\n" for n in range(3)
    )
    weaker = tests.replace("    assert x == 0\n    assert f(x)\n", "    pytest.skip()\n", 1).replace(
        "    assert x == 2\n", ""
    )
    changes = change_set(change("tests/test_x.py", tests, weaker))
    found = badges(changes, BLOBS.__getitem__)
    assert [found[hunk.number] for hunk in changes.hunks] == [["asserts −2", "skips +1"], ["asserts −1"]]


def test_code_that_is_no_test_may_lose_asserts():
    assert badge_words(OLD, body("pass"), path="src/app.py") == []


def test_other_languages_are_read_by_their_lines():
    old = "it('adds', () => {\n  expect(add(1, 1)).toBe(2)\n  expect(x).toBe(1)\n})\n"
    assert badge_words(old, "it.skip('adds', () => {\n})\n", path="src/add.test.ts") == [
        "asserts −2",
        "skips +1",
    ]


@given(
    st.lists(st.sampled_from(["assert f() == 1", "assert g()", "x = 1", "with raises(E): f()"]), max_size=6),
    st.data(),
)
def test_removing_any_assertion_is_seen(lines, data):
    asserting = [index for index, line in enumerate(lines) if line != "x = 1"]
    if not asserting:
        return
    gone = data.draw(st.sampled_from(asserting))
    new = [line for index, line in enumerate(lines) if index != gone]
    assert "asserts −1" in badge_words(body("\n".join(["s()", *lines])), body("\n".join(["s()", *new])))


def gates(*files: FileChange, tracked: int = 1000) -> list[tuple[Gate, str]]:
    return [(hit.kind, hit.path) for hit in find_hard_gates(change_set(*files), BLOBS.__getitem__, tracked)]


@pytest.mark.parametrize(
    ("path", "gate"),
    [
        ("pyproject.toml", Gate.DEPENDENCIES),
        ("sub/requirements-dev.txt", Gate.DEPENDENCIES),
        ("requirements/base.txt", Gate.DEPENDENCIES),
        ("uv.lock", Gate.DEPENDENCIES),
        ("package.json", Gate.DEPENDENCIES),
        ("go.mod", Gate.DEPENDENCIES),
        (".npmrc", Gate.DEPENDENCIES),
        (".github/workflows/ci.yml", Gate.CI),
        (".ci/run", Gate.CI),
        (".gitlab-ci.yml", Gate.CI),
        ("Makefile", Gate.CI),
        (".gitattributes", Gate.CI),
        (".gitmodules", Gate.CI),
        (".pre-commit-config.yaml", Gate.CI),
        ("tox.ini", Gate.CI),
        ("ruff.toml", Gate.LINT),
        ("sub/mypy.ini", Gate.LINT),
        (".flake8", Gate.LINT),
        ("tsconfig.json", Gate.LINT),
        ("pytest.ini", Gate.LINT),
    ],
)
def test_paths_that_are_always_asked(path, gate):
    assert gates(change(path, "a\n", "b\n")) == [(gate, path)]


def test_an_ordinary_change_has_no_gate():
    assert gates(change("src/app.py", "a = 1\n", "a = 2\n"), change("tests/test_x.py", None, OLD)) == []


def test_weakened_tests_are_a_gate_with_their_hunks():
    (hit,) = find_hard_gates(
        change_set(change("tests/test_x.py", OLD, body("x = f()"), first=4)), BLOBS.__getitem__, 9
    )
    assert (hit.kind, hit.hunks) == (Gate.WEAKENED, (4,))
    assert "asserts −3" in hit.text


@pytest.mark.parametrize(
    ("deleted", "tracked", "hit"), [(10, 1000, False), (11, 1000, True), (2, 10, True), (1, 10, False)]
)
def test_mass_deletion(deleted, tracked, hit):
    files = [change(f"src/f{n}.txt", f"{n}\n", None) for n in range(deleted)]
    assert (gates(*files, tracked=tracked) == [(Gate.DELETION, "")]) is hit


def test_moved_files_are_not_deleted():
    files = []
    for n in range(20):
        gone = change(f"a/{n}.txt", f"{n}\n", None)
        files += [gone, change(f"b/{n}.txt", None, f"{n}\n").but(new_blob=gone.old_blob)]
    assert gates(*files) == []


def test_new_secrets_are_a_gate_old_ones_are_not():
    key = "KEY = 'AKIA" + "Q3EGRZXIV4XYZABC'\n"
    assert gates(change("src/a.py", "x = 1\n", "x = 1\n" + key)) == [(Gate.SECRETS, "src/a.py")]
    assert gates(change("src/a.py", key, key + "x = 1\n")) == []
    (hit,) = find_hard_gates(change_set(change("src/a.py", "x = 1\n", "x = 1\n" + key)), BLOBS.__getitem__, 9)
    assert "AKIA" not in hit.text
