"""What everybody knows: where names of the standard library live, and which distribution a module is from."""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache

_SYMBOLS = {
    "abc": "ABC ABCMeta abstractmethod",
    "argparse": "ArgumentParser Namespace",
    "base64": "b64decode b64encode",
    "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    "collections.abc": "Awaitable Callable Collection Coroutine Generator Hashable Iterable Iterator Mapping"
    " MutableMapping MutableSequence Sequence",
    "concurrent.futures": "ProcessPoolExecutor ThreadPoolExecutor as_completed",
    "contextlib": "ExitStack asynccontextmanager contextmanager nullcontext redirect_stdout suppress",
    "copy": "deepcopy",
    "dataclasses": "asdict astuple dataclass field",
    "datetime": "timedelta timezone",
    "decimal": "Decimal InvalidOperation ROUND_HALF_UP",
    "enum": "Enum Flag IntEnum StrEnum",
    "fractions": "Fraction",
    "functools": "cached_property lru_cache partial reduce singledispatch total_ordering wraps",
    "inspect": "getmembers isclass isfunction signature",
    "io": "BytesIO StringIO TextIOWrapper",
    "itertools": "accumulate combinations groupby islice permutations starmap takewhile zip_longest",
    "math": "ceil floor isclose sqrt",
    "operator": "attrgetter itemgetter",
    "pathlib": "Path PurePath PurePosixPath",
    "pprint": "pformat",
    "random": "randint shuffle",
    "re": "",
    "string": "ascii_letters ascii_lowercase ascii_uppercase",
    "tempfile": "NamedTemporaryFile TemporaryDirectory mkdtemp",
    "textwrap": "dedent",
    "types": "MappingProxyType ModuleType SimpleNamespace TracebackType",
    "typing": "Annotated Any AnyStr ClassVar Dict Final FrozenSet Generic List Literal NamedTuple NoReturn"
    " Optional Protocol Set Tuple Type TypedDict TypeVar Union cast overload",
    "unittest": "TestCase",
    "unittest.mock": "AsyncMock MagicMock Mock",
    "urllib.parse": "parse_qs quote unquote urlencode urljoin urlparse urlsplit",
    "uuid": "uuid4",
}
SYMBOLS = {name: module for module, names in _SYMBOLS.items() for name in names.split()}
"""Names that mean one thing to everybody, with the module that they come from."""
CLASSES_LIKE_MODULES = {"datetime": ("datetime", "datetime")}
"""Modules that hold a class of their own name: how the name is used tells which is meant."""
MOVED = {
    "ConfigParser": "configparser",
    "Queue": "queue",
    "StringIO": "io",
    "Tkinter": "tkinter",
    "__builtin__": "builtins",
    "backports.zoneinfo": "zoneinfo",
    "cPickle": "pickle",
    "cStringIO": "io",
    "importlib_metadata": "importlib.metadata",
    "importlib_resources": "importlib.resources",
    "mock": "unittest.mock",
    "pathlib2": "pathlib",
    "tomli": "tomllib",
    "unittest2": "unittest",
    "urlparse": "urllib.parse",
}
"""Modules of other times and backports, and where the same is in the standard library now."""
ALIASES = {"np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot", "sns": "seaborn", "tk": "tkinter"}
RENAMED_METHODS = {
    ("dict", "iteritems"): "items",
    ("dict", "iterkeys"): "keys",
    ("dict", "itervalues"): "values",
    ("Generator", "next"): "",
}
BUILTINS = {
    kind.__name__: kind for kind in (str, bytes, bytearray, list, dict, set, frozenset, tuple, int, float)
}
_SAME_NAME = (
    "aiohttp attrs click django fastapi flask httpx hypothesis jinja2 lxml matplotlib numpy openpyxl pandas"
    " psutil pydantic pygments pytest redis requests rich scipy seaborn sqlalchemy starlette tabulate"
    " tenacity toml tqdm typer typing_extensions uvicorn websockets"
)
DISTRIBUTIONS = {
    "Crypto": "pycryptodome",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "markdown": "Markdown",
    "multipart": "python-multipart",
    "mysql": "mysql-connector-python",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "telegram": "python-telegram-bot",
    "usb": "pyusb",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
DISTRIBUTIONS |= {name: name for name in _SAME_NAME.split()}
"""Top-level module → the distribution that has it. Only what is beyond doubt: a guess installs a stranger."""
_LOUD = frozenset({"antigravity", "this", "idlelib", "turtledemo", "__main__", "test", "lib2to3"})
"""Modules that do something when they are imported."""


@lru_cache(maxsize=256)
def stdlib_names(module: str) -> frozenset[str]:
    """The public names of a module of the standard library; none when it is not one."""
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names or top in _LOUD:
        return frozenset()
    try:
        found = importlib.import_module(module)
    except Exception:
        return frozenset()
    return frozenset(name for name in dir(found) if not name.startswith("_"))
