"""What a handler may return, but for Bottle's responses."""

import asyncio
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import io
import json
import os
import tempfile
import typing
import uuid
from http import HTTPStatus

import requests

BACKEND = os.environ.get("BACKEND", "")


class Point(typing.NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Named:
    name: str


class Colour(enum.Enum):
    RED = "red"


class Words(str):
    __slots__ = ()


class Pieces:
    """Can be iterated, and has headers."""

    def __init__(self, headers):
        self.headers = headers

    def __iter__(self):
        return iter([b"<", b"a/>"])


def file_of_text(event, context):
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("from a file")
    return open(file.name)


def file_of_bytes(event, context):
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"from a file")
    return open(file.name, "rb")


def nothing(event, context):
    pass


def generator_of_text(event, context):
    yield "a"
    yield "b"


def generator_of_bytes(event, context):
    yield b"a"
    yield b"b"


def generator_of_both(event, context):
    yield "a"
    yield b"b"


def generator_with_empty_pieces(event, context):
    yield ""
    yield ""
    yield "c"


def generator_that_reads_the_request(event, context):
    yield event["extensions"]["request"].method
    yield event["extensions"]["request"].query.q


def generator_that_fails_at_once(event, context):
    raise ValueError("secret-in-the-error")
    yield "never"


def generator_that_fails_midway(event, context):
    yield "first"
    raise ValueError("secret-in-the-error")


async def coroutine(event, context):
    await asyncio.sleep(0)
    return {"awaited": True}


async def coroutine_that_fails(event, context):
    await asyncio.sleep(0)
    raise ValueError("secret-in-the-error")


async def async_generator(event, context):
    yield "a"
    yield "b"


text = lambda e, c: "text"
text_not_ascii = lambda e, c: "größer ☂"
text_empty = lambda e, c: ""
text_of_html = lambda e, c: "<h1>hello</h1>"
text_of_json = lambda e, c: json.dumps({"a": 1})
text_large = lambda e, c: "0123456789" * 20000
text_subclass = lambda e, c: Words("words")
text_surrogate = lambda e, c: "\ud800"
bytes_ = lambda e, c: b"\x00\x01"
bytes_empty = lambda e, c: b""
bytes_of_text = lambda e, c: b"<b>page</b>"
bytes_array = lambda e, c: bytearray(b"ab")
bytes_view = lambda e, c: memoryview(b"ab")
dict_ = lambda e, c: {"a": [1, None, {"b": True}]}
dict_empty = lambda e, c: {}
dict_not_ascii = lambda e, c: {"ü": "☂"}
dict_of_numbers = lambda e, c: {1: "one"}
dict_ordered = lambda e, c: collections.OrderedDict(b=1, a=2)
dict_default = lambda e, c: collections.defaultdict(int, a=1)
dict_of_a_date = lambda e, c: {"at": dt.date(2026, 1, 2)}
dict_of_bytes = lambda e, c: {"a": b"b"}
dict_of_nan = lambda e, c: {"a": float("nan")}
dict_keys = lambda e, c: {"a": 1, "b": 2}.keys()
list_of_dicts = lambda e, c: [{"a": 1}, {"b": 2}]
list_of_text = lambda e, c: ["a", "b"]
list_of_bytes = lambda e, c: [b"a", b"b"]
list_of_both = lambda e, c: ["a", b"b"]
list_of_numbers = lambda e, c: [1, 2]
list_of_lists = lambda e, c: [["a"], ["b"]]
list_empty = lambda e, c: []
tuple_of_text = lambda e, c: ("a", "b")
tuple_of_bytes = lambda e, c: (b"a", b"b")
tuple_empty = lambda e, c: ()
tuple_status = lambda e, c: ({"a": 1}, 201)
tuple_status_of_text = lambda e, c: ("made", 201)
tuple_status_and_headers = lambda e, c: ("made", 201, {"X-Made": "yes", "Content-Type": "text/plain"})
tuple_status_enum = lambda e, c: ("made", HTTPStatus.CREATED)
tuple_status_line = lambda e, c: ("made", "201 Created")
tuple_cookies = lambda e, c: ("made", 200, {"Set-Cookie": ["a=1", "b=2"]})
tuple_no_headers = lambda e, c: ("made", 201, None)
tuple_named = lambda e, c: Point(3, 200)
number = lambda e, c: 42
number_zero = lambda e, c: 0
number_float = lambda e, c: 1.5
number_decimal = lambda e, c: decimal.Decimal("1.5")
true = lambda e, c: True
false = lambda e, c: False
set_of_text = lambda e, c: {"only"}
set_of_bytes = lambda e, c: {b"only"}
set_of_numbers = lambda e, c: {1}
set_empty = lambda e, c: set()
set_frozen = lambda e, c: frozenset(["only"])
iterator = lambda e, c: iter(["a", "b"])
iterator_of_bytes = lambda e, c: iter([b"a", b"b"])
iterator_of_numbers = lambda e, c: iter([1, 2])
iterator_of_dicts = lambda e, c: iter([{"a": 1}])
iterator_empty = lambda e, c: iter([])
map_ = lambda e, c: map(str.upper, ["a", "b"])
zip_ = lambda e, c: zip("a", "b", strict=True)
range_ = lambda e, c: range(2)
deque = lambda e, c: collections.deque(["a", "b"])
pieces_with_headers = lambda e, c: Pieces({"content-type": "application/xml"})
pieces_without_a_type = lambda e, c: Pieces({})
file_in_memory = lambda e, c: io.BytesIO(b"in memory")
file_in_memory_of_text = lambda e, c: io.StringIO("in memory")
function = lambda e, c: text
class_ = lambda e, c: Point
object_ = lambda e, c: Named("a").__class__.__new__(Named)
dataclass = lambda e, c: Named("a")
enum_ = lambda e, c: Colour.RED
date = lambda e, c: dt.date(2026, 1, 2)
uuid_ = lambda e, c: uuid.UUID(int=1)
exception = lambda e, c: ValueError("secret-in-the-error")
requests_text = lambda e, c: requests.get(f"{BACKEND}/text", timeout=5)
requests_json = lambda e, c: requests.get(f"{BACKEND}/json", timeout=5)
requests_not_found = lambda e, c: requests.get(f"{BACKEND}/not-found", timeout=5)
requests_stream = lambda e, c: requests.get(f"{BACKEND}/text", timeout=5, stream=True)
requests_value = lambda e, c: requests.get(f"{BACKEND}/json", timeout=5).json()
requests_content = lambda e, c: requests.get(f"{BACKEND}/text", timeout=5).content
requests_text_only = lambda e, c: requests.get(f"{BACKEND}/text", timeout=5).text
