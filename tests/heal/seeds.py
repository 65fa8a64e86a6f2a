"""The seeded repositories that the strategies were written with."""

from __future__ import annotations

from tests.heal.case import (
    BLACK, DEPENDENCIES, FLAKE8, FORMAT, IMPORTS, ISORT, MIXED, MYPY, NAMES, PYTEST, RUFF, RUFF_FORMAT, SYNTAX,
    UNITTEST, Case,
)  # fmt: skip

RUFF_TOML = '[lint]\nselect = ["E", "F", "I"]\n'
CALC = "def add(a, b):\n    return a + b\n\n\ndef mean(values):\n    return sum(values) / len(values)\n"
TEST_CALC = (
    "from calc import add, mean\n\n\n"
    "def test_add():\n    assert add(1, 2) == 3\n\n\n"
    "def test_mean():\n    assert mean([1, 2, 3]) == 2\n"
)
UGLY = "def add( a,b ):\n  return a+b\n\ndef mean(values):\n    return sum(values)/len( values )\n"

SEEDS = (
    # -- formatting
    Case("ruff format", FORMAT, {"ruff.toml": "[format]\n", "calc.py": UGLY}, (RUFF_FORMAT,)),
    Case(
        "ruff format, tests too",
        FORMAT,
        {"ruff.toml": "[format]\n", "calc.py": UGLY, "test_calc.py": TEST_CALC},
        (PYTEST, RUFF_FORMAT),
    ),
    Case(
        "black, CRLF and a byte order mark",
        FORMAT,
        {
            "pyproject.toml": "[tool.black]\n",
            "calc.py": b"\xef\xbb\xbf" + UGLY.replace("\n", "\r\n").encode(),
        },
        (BLACK,),
    ),
    Case(
        "isort",
        IMPORTS,
        {"pyproject.toml": "[tool.isort]\n", "app.py": "import sys\nimport os\n\nprint(os.sep, sys.argv)\n"},
        (ISORT,),
        {"app.py": "import os\nimport sys\n"},
    ),
    Case(
        "flake8 white space",
        FORMAT,
        {".flake8": "[flake8]\n", "app.py": "X = [1,2]   \nY = {'a':1}\ndef f():\n    return X,Y\n"},
        (FLAKE8,),
    ),
    Case(
        "a long file",
        FORMAT,
        {"ruff.toml": "[format]\n", "big.py": "".join(f"v{n} = [ {n},{n + 1} ]\n" for n in range(1500))},
        (RUFF_FORMAT,),
    ),
    # -- lint that the linter mends
    Case(
        "unused imports",
        IMPORTS,
        {"ruff.toml": RUFF_TOML, "app.py": "import os\nimport sys\n\nprint(sys.argv)\n"},
        (RUFF,),
        {"app.py": "import sys\n\nprint(sys.argv)\n"},
    ),
    Case(
        "unsorted imports",
        IMPORTS,
        {"ruff.toml": RUFF_TOML, "app.py": "import sys\nimport os\n\nprint(os.sep, sys.argv)\n"},
        (RUFF,),
    ),
    Case(
        "flake8 unused import",
        IMPORTS,
        {".flake8": "[flake8]\n", "app.py": "import os\nimport sys\n\nprint(sys.argv)\n"},
        (FLAKE8,),
        {"app.py": "import sys\n\nprint(sys.argv)\n"},
    ),
    # -- missing imports
    Case(
        "a module of the standard library",
        IMPORTS,
        {
            "app.py": "def here():\n    return os.getcwd()\n",
            "test_app.py": "from app import here\n\n\ndef test_here():\n    assert here()\n",
        },
        (PYTEST,),
        {"app.py": "import os\n\n"},
    ),
    Case(
        "a class of the standard library",
        IMPORTS,
        {
            "app.py": "from collections import Counter\n\n\ndef count(words):\n    found = defaultdict(int)\n"
            "    for word in words:\n        found[word] += 1\n    return Counter(found)\n",
            "test_app.py": "from app import count\n\n\ndef test_count():\n    assert count(['a', 'a'])['a'] == 2\n",
        },
        (PYTEST,),
        {"app.py": "from collections import Counter, defaultdict\n"},
    ),
    Case(
        "an own function",
        IMPORTS,
        {
            "shop/__init__.py": "",
            "shop/prices.py": "def total(prices):\n    return sum(prices)\n",
            "shop/cart.py": '"""A cart."""\n\n\ndef pay(cart):\n    return total(cart)\n',
            "tests/test_cart.py": "from shop.cart import pay\n\n\ndef test_pay():\n    assert pay([1, 2]) == 3\n",
        },
        (PYTEST,),
        {"shop/cart.py": "from shop.prices import total\n"},
    ),
    Case(
        "as the other files do it",
        IMPORTS,
        {
            "a.py": "from decimal import Decimal as D\n\nX = D('1')\n",
            "b.py": "def double(x):\n    return D(x) * 2\n",
            "test_b.py": "import b\n\n\ndef test_double():\n    assert b.double('2') == 4\n",
        },
        (PYTEST,),
        {"b.py": "from decimal import Decimal as D\n"},
    ),
    Case(
        "undefined names that a linter finds",
        IMPORTS,
        {
            "ruff.toml": RUFF_TOML,
            "app.py": "def read(name):\n    return json.loads(Path(name).read_text())\n",
        },
        (RUFF,),
        {"app.py": "import json\nfrom pathlib import Path\n"},
    ),
    Case(
        "undefined for mypy",
        IMPORTS,
        {
            "mypy.ini": "[mypy]\nstrict = true\n",
            "app.py": "def first(items: list[int]) -> Optional[int]:\n    return items[0] if items else None\n",
        },
        (MYPY,),
        {"app.py": "from typing import Optional\n"},
    ),
    Case(
        "an error of a script",
        IMPORTS,
        {"main.py": 'import sys\n\nprint(json.dumps({"a": 1}))\nprint(math.floor(1.5), file=sys.stderr)\n'},
        ("python3 main.py",),
        {"main.py": "import json\nimport math\nimport sys\n"},
        rule="heal python3 main.py",
    ),
    # -- moved and renamed
    Case(
        "a module that moved",
        IMPORTS,
        {
            "shop/__init__.py": "",
            "shop/core/__init__.py": "",
            "shop/core/prices.py": "def total(prices):\n    return sum(prices)\n",
            "tests/test_prices.py": "from shop.prices import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
        },
        (PYTEST,),
        {"tests/test_prices.py": "from shop.core.prices import total\n"},
    ),
    Case(
        "a module that was renamed",
        IMPORTS,
        {
            "helper.py": "def clean(text):\n    return text.strip()\n",
            "app.py": "import helpers\n\n\ndef run(text):\n    return helpers.clean(text)\n",
            "test_app.py": "from app import run\n\n\ndef test_run():\n    assert run(' a ') == 'a'\n",
        },
        (PYTEST,),
        {"app.py": "import helper\n\n\ndef run(text):\n    return helper.clean(text)\n"},
    ),
    Case(
        "a name that moved",
        IMPORTS,
        {
            "pkg/__init__.py": "",
            "pkg/text.py": "def clean(text):\n    return text.strip()\n",
            "pkg/html.py": "def escape(text):\n    return text.replace('<', '&lt;')\n",
            "pkg/app.py": "from .text import clean, escape\n\n\ndef run(text):\n    return escape(clean(text))\n",
            "tests/test_app.py": "from pkg.app import run\n\n\ndef test_run():\n    assert run(' <') == '&lt;'\n",
        },
        (PYTEST,),
        {"pkg/app.py": "from .html import escape\nfrom .text import clean\n"},
    ),
    Case(
        "too many dots",
        IMPORTS,
        {
            "pkg/__init__.py": "",
            "pkg/text.py": "def clean(text):\n    return text.strip()\n",
            "pkg/app.py": "from ...text import clean\n\n\ndef run(text):\n    return clean(text)\n",
            "tests/test_app.py": "from pkg.app import run\n\n\ndef test_run():\n    assert run(' a') == 'a'\n",
        },
        (PYTEST,),
        {"pkg/app.py": "from .text import clean\n"},
    ),
    Case(
        "collections.abc",
        IMPORTS,
        {
            "app.py": "from collections import Mapping\n\n\ndef is_map(x):\n    return isinstance(x, Mapping)\n",
            "test_app.py": "from app import is_map\n\n\ndef test_map():\n    assert is_map({})\n",
        },
        (PYTEST,),
        {"app.py": "from collections.abc import Mapping\n"},
    ),
    # -- dependencies
    Case(
        "a dependency that is missing",
        DEPENDENCIES,
        {
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = [\n    "click>=8",\n]\n',
            "app.py": "import yaml\n\n\ndef read(text):\n    return yaml.safe_load(text)\n",
            "test_app.py": "from app import read\n\n\ndef test_read():\n    assert read('1') == 1\n",
        },
        (PYTEST,),
        {"pyproject.toml": '"PyYAML"'},
        site={"pyyaml/yaml.py": "def safe_load(text):\n    return int(text)\n"},
    ),
    Case(
        "a dependency under a wrong name",
        DEPENDENCIES,
        {
            "requirements.txt": "bs4==0.0.1  # parses\nclick\n",
            "app.py": "import bs4\n\n\ndef soup(text):\n    return bs4.BeautifulSoup(text)\n",
            "test_app.py": "from app import soup\n\n\ndef test_soup():\n    assert soup('x') == 'x'\n",
        },
        (PYTEST,),
        {"requirements.txt": "beautifulsoup4  # parses\n"},
        site={"beautifulsoup4/bs4.py": "def BeautifulSoup(text):\n    return text\n"},
    ),
    Case(
        "a dependency declared elsewhere",
        DEPENDENCIES,
        {
            "requirements.txt": "click\n",
            "requirements/dev.txt": "",
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = ["click"]\n\n[project.optional-dependencies]\nfancy = ["fancylib>=2"]\n',
            "app.py": "import fancylib\n\n\ndef shine():\n    return fancylib.shine()\n",
            "test_app.py": "from app import shine\n\n\ndef test_shine():\n    assert shine() == 1\n",
        },
        (PYTEST,),
        {"pyproject.toml": 'dependencies = ["click", "fancylib>=2"]'},
        site={"fancylib/fancylib.py": "def shine():\n    return 1\n"},
    ),
    # -- syntax
    Case(
        "no colon",
        SYNTAX,
        {"calc.py": CALC.replace("(a, b):", "(a, b)"), "test_calc.py": TEST_CALC},
        (PYTEST,),
        {"calc.py": "def add(a, b):\n"},
    ),
    Case(
        "an open bracket",
        SYNTAX,
        {"calc.py": CALC.replace("len(values)", "len(values"), "test_calc.py": TEST_CALC},
        (PYTEST,),
        {"calc.py": "len(values)\n"},
    ),
    Case(
        "no comma",
        SYNTAX,
        {"calc.py": CALC + "\n\nNAMES = [\n    'one'\n    , 'two' 3,\n]\n", "test_calc.py": TEST_CALC},
        (PYTEST,),
    ),
    Case(
        "an open string",
        SYNTAX,
        {
            "app.py": "def greet(name):\n    return 'Hello, ' + name + '!\n",
            "test_app.py": "from app import greet\n\n\ndef test_greet():\n    assert greet('A') == 'Hello, A!'\n",
        },
        (PYTEST,),
    ),
    Case(
        "assigned in a condition",
        SYNTAX,
        {
            "app.py": "def sign(x):\n    if x = 0:\n        return 0\n    return 1 if x > 0 else -1\n",
            "test_app.py": "from app import sign\n\n\ndef test_sign():\n    assert [sign(0), sign(3), sign(-3)] == [0, 1, -1]\n",
        },
        (PYTEST,),
        {"app.py": "if x == 0:"},
    ),
    Case(
        "python 2",
        SYNTAX,
        {"main.py": "print 'hello'\n"},
        ("python3 main.py",),
        {"main.py": "print('hello')"},
    ),
    # -- names
    Case(
        "a misspelt name",
        NAMES,
        {"calc.py": CALC.replace("len(values)", "len(vlaues)"), "test_calc.py": TEST_CALC},
        (PYTEST,),
        {"calc.py": "len(values)"},
    ),
    Case(
        "a misspelt method",
        NAMES,
        {
            "app.py": "def shout(text):\n    return text.uper() + '!'\n",
            "test_app.py": "import unittest\n\nfrom app import shout\n\n\nclass ShoutTest(unittest.TestCase):\n    def test_shout(self):\n        self.assertEqual(shout('a'), 'A!')\n",
        },
        (UNITTEST,),
        {"app.py": "text.upper()"},
    ),
    Case(
        "a renamed attribute",
        NAMES,
        {
            "model.py": "class User:\n    def __init__(self, first, last):\n        self.first_name = first\n        self.last_name = last\n\n    def label(self):\n        return self.firstname + ' ' + self.last_name\n",
            "test_model.py": "from model import User\n\n\ndef test_label():\n    assert User('A', 'B').label() == 'A B'\n",
        },
        (PYTEST,),
        {"model.py": "return self.first_name + ' '"},
    ),
    Case(
        "a renamed argument",
        NAMES,
        {
            "app.py": "def price(amount, discount_percent=0):\n    return amount * (100 - discount_percent) // 100\n\n\ndef sale(amount):\n    return price(amount, discount_pct=10)\n",
            "test_app.py": "from app import sale\n\n\ndef test_sale():\n    assert sale(100) == 90\n",
        },
        (PYTEST,),
        {"app.py": "price(amount, discount_percent=10)"},
    ),
    Case(
        "no self",
        NAMES,
        {
            "app.py": "class Box:\n    def size():\n        return 3\n",
            "test_app.py": "from app import Box\n\n\ndef test_size():\n    assert Box().size() == 3\n",
        },
        (PYTEST,),
        {"app.py": "def size(self):"},
    ),
    Case(
        "a test of a renamed function",
        NAMES,
        {
            "calc.py": "def add_numbers(a, b):\n    return a + b\n\n\ndef double(a):\n    return add_numbers(a, a)\n",
            "app.py": "from calc import add_numbers\n\nprint(add_numbers(1, 2))\n",
            "test_calc.py": "from calc import add_number\n\n\ndef test_add():\n    assert add_number(1, 2) == 3\n",
        },
        (PYTEST,),
        {
            "test_calc.py": "from calc import add_numbers\n\n\ndef test_add():\n    assert add_numbers(1, 2) == 3\n"
        },
    ),
    Case(
        "a renamed fixture",
        NAMES,
        {
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef client():\n    return {'ok': True}\n",
            "test_app.py": "def test_ok(clint):\n    assert clint['ok']\n",
        },
        (PYTEST,),
        {"test_app.py": "def test_ok(client):\n    assert client['ok']\n"},
    ),
    # -- mixed
    Case(
        "import, name and style at once",
        MIXED,
        {
            "ruff.toml": RUFF_TOML,
            "app.py": "import sys\nimport re\n\n\ndef words(text):\n    return [w for w in re.split(r'\\W+', txet) if w]\n\n\ndef save(text, name):\n    Path(name).write_text(text)\n    return name\n",
            "tests/test_app.py": "from app import save, words\n\n\ndef test_words():\n    assert words('a b') == ['a', 'b']\n\n\ndef test_save(tmp_path):\n    assert save('x', tmp_path / 'f').read_text() == 'x'\n",
        },
        (PYTEST, RUFF),
        {"app.py": "from pathlib import Path\n"},
    ),
    Case(
        "healed beside a logic error",
        MIXED,
        {
            "calc.py": "def add(a, b):\n    return a - b\n\n\ndef root(x):\n    return math.sqrt(x)\n",
            "test_calc.py": "from calc import add, root\n\n\ndef test_add():\n    assert add(1, 2) == 3\n\n\ndef test_root():\n    assert root(4) == 2\n",
        },
        (PYTEST,),
        {"calc.py": "import math\n"},
        part=True,
    ),
)
