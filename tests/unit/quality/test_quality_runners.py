"""What runners of other ecosystems print: names of failing tests, and what stands for no test.

Output of cargo, go, node, rustc, gofmt and make was captured; that of jest, vitest and tsc is by hand.
"""

from __future__ import annotations

import pytest

from autodev_tui.quality.findings import findings, no_tests, outcomes
from autodev_tui.quality.runners import printed

CARGO = """\
   Compiling c v0.1.0 (/w/c)
    Finished `test` profile [unoptimized + debuginfo] target(s) in 1.23s
     Running unittests src/lib.rs (target/debug/deps/c-d4fd4905425e6bfe)

running 3 tests
test t::ig ... ignored
test t::ok ... ok
test t::bad ... FAILED

failures:

---- t::bad stdout ----

thread 't::bad' (5878) panicked at src/lib.rs:4:18:
assertion failed: false

failures:
    t::bad

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.42s

     Running tests/whole.rs (target/debug/deps/whole-d4fd4905425e6bfe)

running 1 test
test works ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests c

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass `--lib`
"""
GO = """\
--- FAIL: TestA (0.00s)
    --- FAIL: TestA/sub_one (0.00s)
        x_test.go:3: no
FAIL
FAIL\te.com/x\t0.004s
ok  \te.com/x/f\t0.004s
?   \te.com/x/e\t[no test files]
FAIL
"""
GO_BROKEN = """\
# e.com/x [e.com/x.test]
./x_test.go:3:6: undefined: add
FAIL\te.com/x [build failed]
ok  \te.com/x/f\t0.004s
FAIL
"""
GO_PANIC = """\
panic: boom

goroutine 6 [running]:
FAIL\te.com/x\t0.004s
FAIL
"""
TAP = """\
TAP version 13
# Subtest: good
ok 1 - good
  ---
  duration_ms: 9.730544
  ...
# Subtest: bad one
not ok 2 - bad one
  ---
  failureType: 'testCodeFailure'
  ...
# Subtest: later
ok 3 - later # SKIP
# Subtest: suite
    # Subtest: inner
    not ok 1 - inner
      ---
      failureType: 'testCodeFailure'
      ...
    1..1
not ok 4 - suite
  ---
  type: 'suite'
  failureType: 'subtestsFailed'
  ...
1..4
# tests 4
# suites 1
# pass 1
# fail 2
"""
JEST = """\
FAIL src/sum.test.js
  sum
    ✓ adds (2 ms)
    ✕ subtracts (1 ms)

  ● sum › subtracts

    expect(received).toBe(expected) // Object.is equality

Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 passed, 2 total
"""
VITEST = """\
 ❯ src/sum.test.ts  (2 tests | 1 failed) 5ms

⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  src/sum.test.ts > sum > subtracts
AssertionError: expected 3 to be 1

 Test Files  1 failed (1)
      Tests  1 failed | 1 passed (2)
"""


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        (CARGO, ["src/lib.rs: t::bad"]),
        (GO, ["e.com/x.TestA", "e.com/x.TestA/sub_one"]),
        (TAP, ["bad one", "inner"]),
        (JEST, ["sum › subtracts"]),
        (VITEST, ["src/sum.test.ts > sum > subtracts"]),
    ],
)
def test_failing_tests_are_named(text, failed, tmp_path):
    found = outcomes(tmp_path, text)
    assert (found.failed, found.complete) == (failed, True)
    assert no_tests(text) == ""


def test_what_passed_and_was_skipped_is_told_where_it_is_named(tmp_path):
    found = outcomes(tmp_path, CARGO)
    assert found.tests["src/lib.rs: t::ok"] == found.tests["tests/whole.rs: works"] == "passed"
    assert found.tests["src/lib.rs: t::ig"] == "skipped"
    assert found.seen
    assert not outcomes(tmp_path, GO).seen, "go names failures alone"


@pytest.mark.parametrize("text", [GO_BROKEN, GO_PANIC, "error: could not compile `c` (lib)\n" + CARGO])
def test_what_did_not_run_to_its_end_is_not_all_known(text, tmp_path):
    assert not outcomes(tmp_path, text).complete


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("?   \te.com/x\t[no test files]\n?   \te.com/x/e\t[no test files]\n", "no tests"),
        ("ok  \te.com/x\t0.003s [no tests to run]\n", "no tests"),
        ("TAP version 13\n1..0\n# tests 0\n# suites 0\n", "no tests"),
        ("\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured\n", "no tests"),
        (
            "test a ... ignored\n\ntest result: ok. 0 passed; 0 failed; 1 ignored; 0 m\n",
            "every test was skipped",
        ),
        ("make: Nothing to be done for 'test'.\n", "the target does nothing"),
        ("make: 'test' is up to date.\n", "the target does nothing"),
        ("No tests found, exiting with code 1\n", "no tests"),
        ("ok  \te.com/x\t0.003s\n", ""),
        ("Nothing failed.\n", ""),
        ("", ""),
    ],
)
def test_a_run_without_tests_is_no_proof(text, why):
    assert no_tests(text) == why


def test_output_of_no_known_runner_says_nothing():
    found = printed("ok 1 of 3 things\nFAIL: maybe\n  ● a bullet\n")
    assert (found.tests, found.ended) == ({}, False)


def test_findings_of_other_tools_are_named_without_places_that_move():
    text = (
        "src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\n"
        "x_test.go\n/w/c/src/lib.rs\n"
        "error[E0308]: mismatched types\n --> src/main.rs:2:5\n  |\n"
        "# e.com/x\n./a.go:5:2: result of fmt.Sprint call not used\n"
        "error: this assertion is always `false`\n --> src/lib.rs:4:18\n"
    )
    assert findings(text) == sorted(
        [
            "src/a.ts: TS2322",
            "x_test.go: unformatted",
            "/w/c/src/lib.rs: unformatted",
            "src/main.rs: mismatched types",
            "./a.go: result of fmt.Sprint call not used",
            "src/lib.rs: this assertion is always `false`",
        ]
    )
