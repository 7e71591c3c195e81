"""
What a text in a setting may be: names, images, addresses; each with what the chart's JSON schema can say of it.

The schema's patterns let through all that the tests do, and more: they say what a pattern can.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from hooks import kubernetes_names as names

_URL = (
    r"https?://([!\x22$-.0->A-Z\[-~]*@)?([A-Za-z0-9]+([-_]+[A-Za-z0-9]+)*(\.[A-Za-z0-9]+([-_]+[A-Za-z0-9]+)*)*"
    r"|\[[A-Fa-f0-9:.]+\])(:[0-9]{1,5})?([/?#][!-~]*)?"
)


@dataclass(frozen=True, kw_only=True)
class Text:
    """
    A text that `pattern` matches as a whole and that passes `test`; `words` say what it must be.

    The pattern is for Go's regular expressions too. A `secret` text is never repeated.
    """

    words: str
    pattern: str
    longest: int
    test: Callable[[str], bool] = field(default=lambda _: True)
    secret: bool = False

    def check(self, text: str) -> str:
        """Return `text`; raises ValueError if it is none of these."""
        if len(text) > self.longest:
            raise ValueError(f"Too long: may not be more than {self.longest} bytes")
        if not (re.fullmatch(self.pattern, text) and self.test(text)):
            if not text:
                raise ValueError("Required value")
            raise invalid(self.words, None if self.secret else text)
        return text

    def as_json_schema(self) -> dict[str, Any]:
        """Return the part of the chart's schema."""
        return {"pattern": f"^({self.pattern})$", "maxLength": self.longest}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | self.as_json_schema()


def invalid(words: str, found: Any = None) -> ValueError:
    """Return what the API server would say of a value; without `found` the value is not repeated."""
    return ValueError(f"Invalid value: {words}" if found is None else f"Invalid value: {shown(found)}: {words}")


def unsupported(found: str, supported: Iterable[str]) -> ValueError:
    """Return the API server's message for a value that is not in a list."""
    listed = ", ".join(map(shown, sorted(supported)))
    return ValueError(f"Unsupported value: {shown(found)}: supported values: {listed or 'none'}")


def shown(found: Any) -> str:
    """Return a found value in quotes, on one line and not too long."""
    text = str(found)
    text = text if len(text) <= 200 else f"{text[:200]}..."
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _is_resource(text: str) -> bool:
    """The API server takes names of Kubernetes' own too, but no node has such a resource."""
    return names.is_resource(text) and "kubernetes.io/" not in text


def _is_registry(text: str) -> bool:
    """A first part with "." or ":" in it is a host to container runtimes, which has no "_"."""
    host = text.partition("/")[0]
    return not text or (names.is_image(f"{text}/x") and not ("_" in host and "." in host))


def _is_image_pattern(text: str) -> bool:
    """Tell whether some image matches: the one that is written out, or one of those that begin so."""
    if text == "*" or not text.endswith("*"):
        return text == "*" or names.is_image(text)
    name, at, digest = text[:-1].partition("@")
    ends = [f"sha256:{'0' * 64}", f"sha384:{'0' * 96}", f"sha512:{'0' * 128}"]
    zeroes = re.sub("(?<=:)[a-f0-9]+", lambda found: "0" * len(found[0]), digest)
    if at and not any(end.startswith(zeroes) for end in ends):
        return False
    return any(names.is_image(name + tail) for tail in (("",) if at else ("", "a", "/a", "]/a")))


def _is_address(text: str) -> bool:
    """A host that looks like an IP address is one, and a port ends at 65535: an exporter would not start otherwise."""
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


PROFILE = Text(words="must not hold ',', '=' or control characters", pattern=r"[^,=\x00-\x1f\x7f]{1,63}", longest=63)
RUNTIME = Text(
    words="must consist of a-z, 0-9 and '-' and begin with a letter", pattern="[a-z][a-z0-9-]{0,62}", longest=63
)
RESOURCE = Text(
    words=names.RESOURCE_SHAPE,
    pattern="cpu|memory|ephemeral-storage|hugepages-[1-9][0-9]{0,3}[KMG]i|[a-z0-9][a-z0-9.-]{0,243}/[A-Za-z0-9_.-]{1,63}",
    longest=317,
    test=_is_resource,
)
ANNOTATION = Text(
    words=names.KEY_SHAPE,
    pattern="([A-Za-z0-9.-]{1,253}/)?[A-Za-z0-9_.-]{1,63}",
    longest=317,
    test=names.is_annotation_key,
)
REGISTRY = Text(
    words="must be a host and a path, without a scheme and without '/' at the end, such as registry.example.com/fn",
    pattern=r"([A-Za-z0-9._:\[\]-]+(/[a-z0-9._-]+)*)?",
    longest=255,
    test=_is_registry,
    secret=True,
)
IMAGE = Text(words=names.IMAGE_SHAPE, pattern=r"[A-Za-z0-9._:/@\[\]-]+", longest=512, test=names.is_image)
SECRET = Text(words=names.SUBDOMAIN_SHAPE, pattern="[a-z0-9.-]+", longest=253, test=names.is_object_name)
IMAGE_PATTERN = Text(
    words="must be an image, or how one begins and then '*'",
    pattern=r"\*|[A-Za-z0-9._:@\[\]-]+(/[A-Za-z0-9._:@\[\]-]+)*/?\*?",
    longest=512,
    test=_is_image_pattern,
)
ADDRESS = Text(
    words="must be an http or https URL such as http://host:4318/path, or empty",
    pattern=f"({_URL})?",
    longest=2048,
    test=_is_address,
    secret=True,
)
