"""Seeded repositories that were written after the strategies: what these do with what they were not made for."""

from __future__ import annotations

from tests.heal.case import (
    BLACK, DEPENDENCIES, FLAKE8, FORMAT, IMPORTS, ISORT, MIXED, MYPY, NAMES, OUT, PYTEST, RUFF, RUFF_FORMAT, SYNTAX,
    UNITTEST, Case,
)  # fmt: skip

HELD_OUT = (
    Case(
        "src layout, upgrades and bugbear",
        FORMAT,
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n\n[tool.ruff]\nline-length = 100\n\n[tool.ruff.lint]\nselect = ["E", "F", "I", "UP", "W"]\n',
            "src/shop/__init__.py": "",
            "src/shop/core.py": 'from typing import List, Optional\n\n\ndef first(items: List[int]) -> Optional[int]:\n    """The first."""   \n    return items[0] if items else None\n',
            "tests/test_core.py": "from shop.core import first\n\n\ndef test_first():\n    assert first([3]) == 3\n",
        },
        (PYTEST, RUFF),
        held_out=True,
    ),
    Case(
        "black and isort together",
        FORMAT,
        {
            "pyproject.toml": '[tool.black]\nline-length = 88\n\n[tool.isort]\nprofile = "black"\n',
            "app.py": "import sys\nimport os\nfrom collections import OrderedDict,Counter\ndef f( a,b ):\n    return Counter( a ),OrderedDict( b ),os.sep,sys.argv\n",
        },
        (BLACK, ISORT),
        held_out=True,
    ),
    Case(
        "one dot too few",
        IMPORTS,
        {
            "app/__init__.py": "",
            "app/models.py": "class Item:\n    price = 3\n",
            "app/views/__init__.py": "",
            "app/views/items.py": "from .models import Item\n\n\ndef show():\n    return Item.price\n",
            "tests/test_items.py": "from app.views.items import show\n\n\ndef test_show():\n    assert show() == 3\n",
        },
        (PYTEST,),
        {"app/views/items.py": "from ..models import Item\n"},
        held_out=True,
    ),
    Case(
        "moved deeper, with several users",
        IMPORTS,
        {
            "app/__init__.py": "",
            "app/text/__init__.py": "",
            "app/text/slugs.py": "import re\n\n\ndef slugify(text):\n    return re.sub(r'\\W+', '-', text.lower()).strip('-')\n",
            "app/posts.py": "from app.util import slugify\n\n\ndef url(title):\n    return '/' + slugify(title)\n",
            "app/pages.py": "from app.util import slugify as slug\n\n\ndef path(title):\n    return slug(title) + '.html'\n",
            "tests/test_posts.py": "from app.pages import path\nfrom app.posts import url\n\n\ndef test_url():\n    assert url('A b') == '/a-b'\n\n\ndef test_path():\n    assert path('A b') == 'a-b.html'\n",
        },
        (PYTEST,),
        {"app/pages.py": "from app.text.slugs import slugify as slug\n"},
        held_out=True,
    ),
    Case(
        "a misspelt function of a module",
        NAMES,
        {
            "pricing.py": "def calculate(amount):\n    return amount * 2\n",
            "main.py": "import pricing\n\n\ndef run():\n    return pricing.claculate(2)\n",
            "test_main.py": "import unittest\n\nimport main\n\n\nclass MainTest(unittest.TestCase):\n    def test_run(self):\n        self.assertEqual(main.run(), 4)\n",
        },
        (UNITTEST,),
        {"main.py": "pricing.calculate(2)"},
        held_out=True,
    ),
    Case(
        "a field of a dataclass",
        NAMES,
        {
            "shapes.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass Box:\n    width: int\n    height: int = 1\n\n\ndef square(side):\n    return Box(width=side, heigth=side)\n",
            "test_shapes.py": "from shapes import square\n\n\ndef test_square():\n    assert square(2).height == 2\n",
        },
        (PYTEST,),
        {"shapes.py": "height=side"},
        held_out=True,
    ),
    Case(
        "self used and not taken",
        NAMES,
        {
            "bank.py": "class Account:\n    def __init__(self):\n        self.total = 0\n\n    def add(amount):\n        self.total += amount\n        return self.total\n",
            "test_bank.py": "from bank import Account\n\n\ndef test_add():\n    assert Account().add(3) == 3\n",
        },
        (PYTEST,),
        {"bank.py": "def add(self, amount):"},
        held_out=True,
    ),
    Case(
        "a dict that is not closed",
        SYNTAX,
        {
            "config.py": "DEFAULTS = {\n    'host': 'localhost',\n    'port': 80,\n\n\ndef port():\n    return DEFAULTS['port']\n",
            "test_config.py": "from config import port\n\n\ndef test_port():\n    assert port() == 80\n",
        },
        (PYTEST,),
        held_out=True,
    ),
    Case(
        "one blank too many",
        SYNTAX,
        {
            "calc.py": "def clamp(x, low, high):\n    if x < low:\n        return low\n     if x > high:\n        return high\n    return x\n",
            "test_calc.py": "from calc import clamp\n\n\ndef test_clamp():\n    assert [clamp(0, 1, 3), clamp(9, 1, 3), clamp(2, 1, 3)] == [1, 3, 2]\n",
        },
        (PYTEST,),
        held_out=True,
    ),
    Case(
        "no comma between the lines of a dict",
        SYNTAX,
        {
            "config.py": "DEFAULTS = {\n    'host': 'localhost'\n    'port': 80,\n}\n",
            "test_config.py": "from config import DEFAULTS\n\n\ndef test_port():\n    assert DEFAULTS['port'] == 80\n",
        },
        (PYTEST,),
        {"config.py": "    'host': 'localhost',\n"},
        held_out=True,
    ),
    Case(
        "a misspelt keyword",
        SYNTAX,
        {
            "calc.py": "def fib(n):\n    a, b = 0, 1\n    whlie n:\n        a, b, n = b, a + b, n - 1\n    return a\n",
            "test_calc.py": "from calc import fib\n\n\ndef test_fib():\n    assert fib(10) == 55\n",
        },
        (PYTEST,),
        {"calc.py": "while n:"},
        held_out=True,
    ),
    Case(
        "an attribute that mypy misses",
        NAMES,
        {
            "mypy.ini": "[mypy]\nstrict = true\n",
            "user.py": "class User:\n    def __init__(self, name: str) -> None:\n        self.name = name\n\n\ndef label(user: User) -> str:\n    return user.nmae.title()\n",
        },
        (MYPY,),
        {"user.py": "user.name.title()"},
        held_out=True,
    ),
    Case(
        "flake8, undefined and untidy",
        MIXED,
        {
            "setup.cfg": "[flake8]\nmax-line-length = 100\n",
            "app.py": "import os\nimport json\ndef load(text):\n    return json.loads(text), deepcopy(text) \n",
        },
        (FLAKE8,),
        {"app.py": "from copy import deepcopy\n"},
        held_out=True,
    ),
    Case(
        "poetry lacks a dependency",
        DEPENDENCIES,
        {
            "pyproject.toml": '[tool.poetry]\nname = "app"\nversion = "1"\n\n[tool.poetry.dependencies]\npython = ">=3.11"\nclick = "^8"\n',
            "app.py": "import dateutil\n\n\ndef day(text):\n    return dateutil.parse(text)\n",
            "test_app.py": "from app import day\n\n\ndef test_day():\n    assert day('1') == '1'\n",
        },
        (PYTEST,),
        {"pyproject.toml": "python-dateutil"},
        held_out=True,
        site={"python-dateutil/dateutil.py": "def parse(text):\n    return text\n"},
    ),
    Case(
        "CRLF, an import and a misspelt builtin",
        MIXED,
        {
            "app.py": b"def table(rows):\r\n    out = io.StringIO()\r\n    for n, row in enumarate(rows):\r\n        out.write(f'{n} {row}\\n')\r\n    return out.getvalue()",
            "test_app.py": "from app import table\n\n\ndef test_table():\n    assert table(['a']) == '0 a\\n'\n",
        },
        (PYTEST,),
        {"app.py": "import io\r\n"},
        held_out=True,
    ),
    Case(
        "conftest imports what was renamed",
        IMPORTS,
        {
            "factory.py": "def make():\n    return 5\n",
            "conftest.py": "import pytest\n\nfrom factories import make\n\n\n@pytest.fixture\ndef five():\n    return make()\n",
            "test_five.py": "def test_five(five):\n    assert five == 5\n",
        },
        (PYTEST,),
        {"conftest.py": "from factory import make\n"},
        held_out=True,
    ),
    Case(
        "an alias as elsewhere",
        IMPORTS,
        {
            "read.py": "import xml.etree.ElementTree as ET\n\n\ndef read(text):\n    return ET.fromstring(text).tag\n",
            "write.py": "def write(tag):\n    return ET.tostring(ET.Element(tag))\n",
            "test_write.py": "from read import read\nfrom write import write\n\n\ndef test_write():\n    assert read(write('a')) == 'a'\n",
        },
        (PYTEST,),
        {"write.py": "import xml.etree.ElementTree as ET\n"},
        held_out=True,
    ),
    Case(
        "syntax hides an import that hides style",
        MIXED,
        {
            "ruff.toml": '[lint]\nselect = ["E", "F", "I"]\n\n[format]\n',
            "app.py": "import sys, os\n\ndef where(name)\n    return os.path.join(gettempdir(), name)\n",
            "other.py": "from tempfile import gettempdir\n\nHERE = gettempdir()\n",
            "test_app.py": "from app import where\n\n\ndef test_where():\n    assert where('a').endswith('a')\n",
        },
        (PYTEST, RUFF, RUFF_FORMAT),
        {"app.py": "from tempfile import gettempdir\n"},
        held_out=True,
    ),
    Case(
        "two fixtures as near",
        OUT,
        {
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef client_a():\n    return 1\n\n\n@pytest.fixture\ndef client_b():\n    return 2\n",
            "test_app.py": "def test_ok(client_c):\n    assert client_c\n",
        },
        (PYTEST,),
        held_out=True,
    ),
    Case(
        "a guess that is green for another reason",
        OUT,
        {
            "calc.py": "def total(prices):\n    return sum(prices)\n\n\ndef totals(prices):\n    return [sum(p) for p in prices]\n",
            "test_calc.py": "import calc\n\n\ndef test_total():\n    assert calc.tota([1, 2]) == 4\n",
        },
        (PYTEST,),
        held_out=True,
    ),
)
