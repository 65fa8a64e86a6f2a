"""Failures are told from real outputs: their class and place, the cause first, and the unknown as unknown."""

from __future__ import annotations

import time
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.policy.secrets import Masker
from autodev_tui.quality.failures import Failure, FailureType, Severity, Strategy, classify
from autodev_tui.tools.command import CommandEnd, format_result

CORPUS = Path(__file__).parents[2] / "corpus" / "failures"
MIN_RIGHT = 0.95


class Sample:
    """One captured output and what is to be told of it."""

    def __init__(self, folder: str, name: str, want: dict[str, Any]) -> None:
        self.id = f"{folder}/{name}"
        self.raw = (CORPUS / folder / f"{name}.txt").read_bytes()
        self.want = want
        self.kind = "green" if folder == "green" else want.get("type", "unknown")

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "replace")

    def classify(self, text: str | None = None) -> list[Failure]:
        return classify(
            self.text if text is None else text,
            command=self.want["command"],
            exit_code=self.want.get("exit_code"),
            timed_out=self.want.get("timed_out", False),
        )


SAMPLES = [
    Sample(toml.parent.name, name, want)
    for toml in sorted(CORPUS.glob("*/expected.toml"))
    for name, want in tomllib.loads(toml.read_text("utf-8")).items()
]


def kind_of(found: list[Failure]) -> str:
    if not found:
        return "green"
    return found[0].type.value if found[0].type else "unknown"


def place_is_right(sample: Sample, found: list[Failure]) -> bool:
    if sample.kind in ("green", "unknown") or not found:
        return True
    return (found[0].path, found[0].line) == (sample.want.get("path"), sample.want.get("line"))


def test_class_and_place_are_right_over_the_corpus() -> None:
    matrix: Counter[tuple[str, str]] = Counter()
    wrong = []
    for sample in SAMPLES:
        found = sample.classify()
        matrix[sample.kind, kind_of(found)] += 1
        if kind_of(found) != sample.kind or not place_is_right(sample, found):
            wrong.append(f"{sample.id}: {found[:1]}")
    print(f"\n{_shown(matrix)}\nright: {len(SAMPLES) - len(wrong)} of {len(SAMPLES)}", *wrong, sep="\n")
    assert len(wrong) <= (1 - MIN_RIGHT) * len(SAMPLES), "\n".join(wrong)


def _shown(matrix: Counter[tuple[str, str]]) -> str:
    kinds = [*(kind.value for kind in FailureType), "unknown", "green"]
    rows = [f"{'what it is':<24}" + "".join(f"{kind[:9]:>10}" for kind in kinds)]
    for kind in kinds:
        rows.append(f"{kind:<24}" + "".join(f"{matrix[kind, told] or '·':>10}" for told in kinds))
    return "\n".join(rows)


def test_the_corpus_is_wide_enough() -> None:
    counts = Counter(sample.kind for sample in SAMPLES)
    assert len(SAMPLES) >= 80
    assert all(counts[kind.value] >= 5 for kind in FailureType), counts
    assert counts["unknown"] >= 6
    assert all(sample.want["command"] and len(sample.raw) < 30_000 for sample in SAMPLES)
    captured = {f"{path.parent.name}/{path.stem}" for path in CORPUS.glob("*/*.txt")}
    assert captured == {sample.id for sample in SAMPLES}


def test_the_tool_its_code_and_what_else_failed_are_told() -> None:
    for sample in SAMPLES:
        found, want = sample.classify(), sample.want
        if "tool" in want:
            assert found[0].tool == want["tool"], sample.id
        if "code" in want:
            assert found[0].code == want["code"], sample.id
        told = [one.type.value for one in found if one.type]
        assert all(kind in told for kind in want.get("also", [])), (sample.id, told)


def test_every_failure_says_what_to_do() -> None:
    for sample in SAMPLES:
        for failure in sample.classify():
            assert failure.suggestion.endswith((".", "`.")), (sample.id, failure)
            assert failure.message
            assert "\n" not in failure.message
            # What a strategy mends has a type; what nobody knows has neither.
            assert failure.strategy is None or failure.type is not None
            assert failure.type is not None or not failure.fixable


@pytest.mark.parametrize(
    ("sample", "strategy", "fixable", "severity"),
    [
        ("lint_error/ruff_format_check", Strategy.AUTO_FORMAT, True, Severity.LOW),
        ("lint_error/black_check", Strategy.AUTO_FORMAT, True, Severity.LOW),
        ("lint_error/flake8", Strategy.FIX_IMPORTS, True, Severity.LOW),
        ("import_error/python_no_module", Strategy.UPDATE_DEPENDENCIES, True, Severity.HIGH),
        ("import_error/python_name", Strategy.FIX_IMPORTS, False, Severity.HIGH),
        ("import_error/python_circular", None, False, Severity.HIGH),
        ("test_failure/pytest_plain", Strategy.FIX_TESTS, False, Severity.HIGH),
        ("build_failure/pip_conflict", Strategy.UPDATE_DEPENDENCIES, True, Severity.HIGH),
        ("syntax_error/python_imported_module", None, False, Severity.CRITICAL),
        ("runtime_error/c_segfault", None, False, Severity.CRITICAL),
        ("type_error/mypy_untyped_stub", Strategy.UPDATE_DEPENDENCIES, True, Severity.MEDIUM),
        ("runtime_error/interrupted", None, False, Severity.LOW),
        ("security_vulnerability/bandit", None, False, Severity.HIGH),
    ],
)
def test_severity_and_strategy(
    sample: str, strategy: Strategy | None, fixable: bool, severity: Severity
) -> None:
    first = next(one for one in SAMPLES if one.id == sample).classify()[0]
    assert (first.strategy, first.fixable, first.severity) == (strategy, fixable, severity)


def _colours(text: str) -> str:
    return "\n".join(f"\x1b[1m\x1b[31m{line}\x1b[0m" if line.strip() else line for line in text.split("\n"))


def _progress(text: str) -> str:
    return "".join(f"{done} %\r" for done in range(0, 100, 9)) + "\n" + text


MUTATIONS: dict[str, Callable[[str], str]] = {
    "colours": _colours,
    "line ends of Windows": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
    "a progress bar before it": _progress,
    "other words before it": lambda text: f"Preparing 12 things …\ndone: ok\n\n{text}",
    "words after it": lambda text: f"{text.rstrip()}\n\nSee the wiki for help.\n",
    "the times of a CI runner": lambda text: "\n".join(
        f"2026-03-01T10:00:{number % 60:02}.1234567Z {line}" for number, line in enumerate(text.split("\n"))
    ),
}
QUIET = {"timeout/engine_ended_silent"}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_terminals_and_runners_add_changes_nothing(mutation: str) -> None:
    wrong = []
    for sample in SAMPLES:
        if sample.want.get("timed_out") or not sample.text.strip():
            continue
        before, after = sample.classify(), sample.classify(MUTATIONS[mutation](sample.text))
        told = [(one[0].type, one[0].path, one[0].line) if one else None for one in (before, after)]
        if told[0] != told[1]:
            wrong.append((sample.id, told))
    assert len(wrong) <= (1 - MIN_RIGHT) * len(SAMPLES), wrong


def _noise() -> st.SearchStrategy[bytes]:
    pieces = [
        b"\x1b[31m",
        b"\x1b]0;title",
        b"\r",
        b"\r\n",
        b"\xff\xfe",
        b"\x00",
        b"E   ",
        b"Traceback",
        b"{",
        b"[\n",
    ]
    return st.lists(st.sampled_from(pieces), max_size=6).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    noise=_noise(),
    code=st.sampled_from([None, 1, 2, 124, 137, -9, 300, -1000]),
    timed_out=st.booleans(),
)
def test_whatever_is_cut_or_mixed_in_never_raises(
    sample: Sample, cut: tuple[float, float], noise: bytes, code: int | None, timed_out: bool
) -> None:
    begin, end = sorted(int(part * len(sample.raw)) for part in cut)
    middle = sample.raw[begin:end]
    for raw in (noise + middle, middle + noise, sample.raw[:begin] + noise + sample.raw[end:]):
        found = classify(
            raw.decode("utf-8", "replace"),
            command=sample.want["command"],
            exit_code=code,
            timed_out=timed_out,
        )
        assert found or code is None
        assert not timed_out or found[0].type is FailureType.TIMEOUT
        for failure in found:
            shown = f"{failure.message}{failure.path}{failure.symbol}{failure.code}{failure.suggestion}"
            assert shown.isprintable(), shown


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=400), code=st.sampled_from([None, 1]))
def test_any_text_is_read(text: str, code: int | None) -> None:
    assert classify(text, exit_code=code) or code is None


def test_exit_code_0_is_no_failure_whatever_was_printed() -> None:
    for sample in SAMPLES[::5]:
        assert classify(sample.text, command=sample.want["command"], exit_code=0) == []


def test_what_run_command_hands_to_a_model_is_understood() -> None:
    """Its first line says how the command ended, and its middle may be left out."""
    wrong = []
    for sample in SAMPLES[::3]:
        code = sample.want.get("exit_code")
        ended = CommandEnd(
            code=None if code is None or code < 0 else code,
            duration_s=1.0,
            head=sample.raw,
            signal=9 if code is None or code < 0 else None,
            timed_out=sample.want.get("timed_out", False),
        )
        if sample.kind == "green" or (code is None and not ended.timed_out):
            continue
        text = format_result(ended, Masker(b"salt")).text
        if kind_of(classify(text, command=sample.want["command"])) != sample.kind:
            wrong.append(sample.id)
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize("name", ["pytest_plain", "pytest_q", "jest", "unittest"])
def test_a_left_out_middle_leaves_the_failure(name: str) -> None:
    sample = next(one for one in SAMPLES if one.id == f"test_failure/{name}")
    passed = b"tests/test_many.py::test_one PASSED\n" * 3000
    ended = CommandEnd(code=1, duration_s=3.0, head=passed[:32_000], tail=sample.raw, elided=90_000)
    found = classify(format_result(ended, Masker(b"salt")).text, command=sample.want["command"])
    assert (found[0].type, found[0].line) == (FailureType.TEST_FAILURE, sample.want["line"])


def test_ten_megabytes_are_read_in_bounded_time() -> None:
    texts = [(sample.text + "\n") * (1 + 10_000_000 // (len(sample.text) + 1)) for sample in SAMPLES[7::110]]
    texts += [
        "(" * 10_000_000,
        (":" * 999 + "\n") * 10_000,
        "a.py:1: error: x\n" * 600_000,
        "\x1b]" * 5_000_000,
    ]
    for text in texts:
        begun = time.process_time()
        classify(text, exit_code=1)
        # A line of 10 MB read by a pattern that tries twice would take hours.
        assert time.process_time() - begun < 15, text[:100]


def test_a_path_can_be_told_relative_to_where_the_command_ran() -> None:
    sample = next(one for one in SAMPLES if one.id == "type_error/pyright")
    assert sample.classify()[0].within("/tmp/shop").place == "shop.py:2"
    assert sample.classify()[0].within("/tmp/other").path == "/tmp/shop/shop.py"
    assert sample.classify()[0].within("/tmp/sho").path == "/tmp/shop/shop.py"


def test_hostile_names_are_shown_not_obeyed() -> None:
    text = 'Traceback (most recent call last):\n  File "a\x1b[2J\u202e.py", line 3, in f\n'
    text += "ValueError: \x07[red]x\n"
    failure = classify(text, exit_code=1)[0]
    assert failure.type is FailureType.RUNTIME_ERROR
    assert failure.line == 3
    assert f"{failure.path}{failure.message}{failure.suggestion}".isprintable()


def test_a_log_of_several_causes_begins_with_what_stops_the_others() -> None:
    def part(name: str) -> str:
        return next(one.text for one in SAMPLES if one.id == name)

    lint, types = part("lint_error/ruff_concise"), part("type_error/mypy_plain")
    tests, missing = part("test_failure/pytest_old"), part("import_error/python_no_module")
    broken = part("syntax_error/python_missing_colon")
    order = [lint, types, tests, missing, broken]
    kinds = ["lint_error", "type_error", "test_failure", "import_error", "syntax_error"]
    for count in range(1, 6):
        found = classify("\n".join(order[:count]), exit_code=1)
        assert kind_of(found) == kinds[count - 1]
        assert {one.type.value for one in found if one.type} >= set(kinds[:count])
