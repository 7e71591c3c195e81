"""
The formats of settings that are strings: names, images, addresses.

The chart's JSON schema has the pattern of each. A pattern matches every valid string and some invalid ones, which only
the test of the format rejects.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from hooks import duration
from hooks import kubernetes_names as names
from hooks.patterns import Pattern

_URL = (
    r"https?://([!\x22$-.0->A-Z\[-~]*@)?([A-Za-z0-9]+([-_]+[A-Za-z0-9]+)*(\.[A-Za-z0-9]+([-_]+[A-Za-z0-9]+)*)*"
    r"|\[[A-Fa-f0-9:.]+\])(:[0-9]{1,5})?([/?#][!-~]*)?"
)


@dataclass(frozen=True, kw_only=True)
class Text:
    """
    A string that `pattern` matches as a whole and that passes `test`; `words` state the format in a message.

    The pattern must be valid in Go too. A message never repeats a `secret` string.
    """

    words: str
    pattern: str
    max_length: int
    test: Callable[[str], bool] = field(default=lambda _: True)
    secret: bool = False

    def check(self, text: str) -> str:
        """Return `text`; raises ValueError with the API server's message if it is invalid."""
        if len(text) > self.max_length:
            raise ValueError(f"Too long: may not be more than {self.max_length} bytes")
        if not (re.fullmatch(self.pattern, text) and self.test(text)):
            if not text:
                raise ValueError("Required value")
            raise invalid(self.words, None if self.secret else text)
        return text

    def as_json_schema(self) -> dict[str, Any]:
        """Return the keywords for the chart's schema."""
        return {"pattern": f"^({self.pattern})$", "maxLength": self.max_length}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | self.as_json_schema()


def invalid(words: str, found: Any = None) -> ValueError:
    """Return the API server's error for an invalid value; without `found` the message does not repeat the value."""
    return ValueError(f"Invalid value: {words}" if found is None else f"Invalid value: {shown(found)}: {words}")


def unsupported(found: str, supported: Iterable[str]) -> ValueError:
    """Return the API server's message for a value that is not in a list."""
    listed = ", ".join(map(shown, sorted(supported)))
    return ValueError(f"Unsupported value: {shown(found)}: supported values: {listed or 'none'}")


def shown(found: Any) -> str:
    """Return a value in double quotes, on one line, cut to 200 characters."""
    text = str(found)
    text = text if len(text) <= 200 else f"{text[:200]}..."
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _is_resource(text: str) -> bool:
    """The API server also accepts names with "kubernetes.io/", but no node has such a resource."""
    return names.is_resource(text) and "kubernetes.io/" not in text


def _is_registry(text: str) -> bool:
    """Container runtimes read a first part with "." or ":" as a host name, which must not contain "_"."""
    host = text.partition("/")[0]
    return not text or (names.is_image(f"{text}/x") and not ("_" in host and "." in host))


def _is_image_pattern(text: str) -> bool:
    """Return whether any image reference matches."""
    if text == "*" or not text.endswith("*"):
        return text == "*" or names.is_image(text)
    name, at, digest = text[:-1].partition("@")
    ends = [f"sha256:{'0' * 64}", f"sha384:{'0' * 96}", f"sha512:{'0' * 128}"]
    zeroes = re.sub("(?<=:)[a-f0-9]+", lambda found: "0" * len(found[0]), digest)
    if at and not any(end.startswith(zeroes) for end in ends):
        return False
    return any(names.is_image(name + tail) for tail in (("",) if at else ("", "a", "/a", "]/a")))


def _is_address(text: str) -> bool:
    """Also reject invalid IP addresses and ports above 65535: with these the trace exporter does not start."""
    found = re.fullmatch(r"https?://(?:[^/?#]*@)?(\[.*\]|[^:/?#\[\]]*)(?::(\d+))?(?:[/?#].*)?", text)
    if not found:
        return not text
    host = found[1]
    try:
        if host.startswith("["):
            IPv6Address(host[1:-1])
        elif re.fullmatch("[0-9]+|0[xX][0-9a-fA-F]*", host.removesuffix(".").rpartition(".")[2]):
            IPv4Address(host)
        else:
            host.encode().decode("idna")
    except ValueError:
        return False
    return int(found[2] or 0) <= 65535


PROFILE = Text(
    words="must not contain ',', '=' or control characters", pattern=r"[^,=\x00-\x1f\x7f]{1,63}", max_length=63
)
RUNTIME = Text(words=Pattern.RUNTIME.words, pattern="[a-z][a-z0-9-]{0,62}", max_length=63)
RESOURCE = Text(
    words=names.RESOURCE_SHAPE,
    pattern="cpu|memory|ephemeral-storage|hugepages-[1-9][0-9]{0,3}[KMG]i|[a-z0-9][a-z0-9.-]{0,243}/[A-Za-z0-9_.-]{1,63}",
    max_length=317,
    test=_is_resource,
)
ANNOTATION = Text(
    words=names.KEY_SHAPE,
    pattern="([A-Za-z0-9.-]{1,253}/)?[A-Za-z0-9_.-]{1,63}",
    max_length=317,
    test=names.is_annotation_key,
)
REGISTRY = Text(
    words="must be a host and a path, without a scheme or a trailing '/', such as registry.example.com/fn",
    pattern=r"([A-Za-z0-9._:\[\]-]+(/[a-z0-9._-]+)*)?",
    max_length=255,
    test=_is_registry,
    secret=True,
)
IMAGE = Text(words=names.IMAGE_SHAPE, pattern=r"[A-Za-z0-9._:/@\[\]-]+", max_length=512, test=names.is_image)
INTERVAL = Text(
    words="must be a duration from 10s to 24h, such as 30s, 5m or 1h30m",
    pattern="([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?",
    max_length=21,
    test=lambda text: 10 <= duration.seconds(text) <= 86_400,
)
TIMEOUT = Text(
    words="must be a duration from 10s to 30m, such as 90s or 5m",  # Flux refuses hours
    pattern="([0-9]{1,4}m)?([0-9]{1,4}s)?",
    max_length=10,
    test=lambda text: 10 <= duration.seconds(text) <= 1800,
)
SECRET = Text(words=names.SUBDOMAIN_SHAPE, pattern="[a-z0-9.-]+", max_length=253, test=names.is_object_name)
IMAGE_PATTERN = Text(
    words="must be an image reference, or a prefix of one followed by '*'",
    pattern=r"\*|[A-Za-z0-9._:@\[\]-]+(/[A-Za-z0-9._:@\[\]-]+)*/?\*?",
    max_length=512,
    test=_is_image_pattern,
)
ADDRESS = Text(
    words="must be an http or https URL such as http://host:4318/path, or empty",
    pattern=f"({_URL})?",
    max_length=2048,
    test=_is_address,
    secret=True,
)
