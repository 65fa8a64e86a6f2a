"""Seeded repositories that rules must leave alone, byte for byte."""

from __future__ import annotations

from tests.heal.case import OUT, PYTEST, Case

UNREACHABLE = (
    Case(
        "a logic error",
        OUT,
        {
            "calc.py": "def add(a, b):\n    return a - b\n",
            "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        },
        (PYTEST,),
    ),
    Case(
        "a test that asks for another value",
        OUT,
        {
            "calc.py": "def pi():\n    return 3.14\n",
            "test_calc.py": "import pytest\nfrom calc import pi\n\n\ndef test_pi():\n    assert pi() == pytest.approx(3.14159)\n",
        },
        (PYTEST,),
    ),
    Case(
        "a name that two modules have",
        OUT,
        {
            "a.py": "def clean(text):\n    return text.strip()\n",
            "b.py": "def clean(text):\n    return text.lower()\n",
            "app.py": "def run(text):\n    return clean(text)\n",
            "test_app.py": "from app import run\n\n\ndef test_run():\n    assert run(' A') == 'A'\n",
        },
        (PYTEST,),
    ),
    Case(
        "a name that nobody knows",
        OUT,
        {
            "app.py": "def run():\n    return frobnicate()\n",
            "test_app.py": "from app import run\n\n\ndef test_run():\n    assert run() == 1\n",
        },
        (PYTEST,),
    ),
    Case(
        "two names as near",
        OUT,
        {
            "app.py": "def run(total1, total2):\n    return total3\n",
            "test_app.py": "from app import run\n\n\ndef test_run():\n    assert run(1, 2) == 1\n",
        },
        (PYTEST,),
    ),
    Case(
        "modules that import each other",
        OUT,
        {
            "a.py": "from b import two\n\n\ndef one():\n    return two\n",
            "b.py": "from a import one\n\ntwo = one\n",
            "test_a.py": "from a import one\n\n\ndef test_one():\n    assert one\n",
        },
        (PYTEST,),
    ),
    Case(
        "half a function",
        OUT,
        {
            "app.py": "def run(x):\n    if x:\n\n\ndef other():\n    return 1\n",
            "test_app.py": "from app import other\n\n\ndef test_other():\n    assert other() == 1\n",
        },
        (PYTEST,),
    ),
    Case(
        "an import that mends, and the test still fails",
        OUT,
        {
            "app.py": "def root(x):\n    return math.sqrt(x) + 1\n",
            "test_app.py": "from app import root\n\n\ndef test_root():\n    assert root(4) == 2\n",
        },
        (PYTEST,),
    ),
    Case(
        "only by another assertion, CRLF and no line end",
        OUT,
        {
            "calc.py": b"def add(a, b):\r\n    return a * b",
            "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        },
        (PYTEST,),
    ),
    Case(
        "a distribution that nobody knows",
        OUT,
        {
            "requirements.txt": "click\n",
            "app.py": "import zzyzx_private\n",
            "test_app.py": "import app\n\n\ndef test_app():\n    assert app\n",
        },
        (PYTEST,),
    ),
    Case(
        "a feature that is missing",
        OUT,
        {
            "calc.py": "def add(a, b):\n    return a + b\n",
            "test_calc.py": "from calc import factorial\n\n\ndef test_factorial():\n    assert factorial(3) == 6\n",
        },
        (PYTEST,),
    ),
)
