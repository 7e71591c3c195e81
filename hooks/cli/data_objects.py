"""
The data of Secrets and ConfigMaps in files, checked as the API server checks it.

Source: k8s.io/kubernetes/pkg/apis/core/validation (ValidateSecret, ValidateConfigMap), IsConfigMapKey.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping

from hooks.cli.document import Document
from hooks.cli.problem import Problem
from hooks.manifest import value_at

Objects = Mapping[tuple[str, str], Mapping[str, bytes]]
"""The contents of Secrets and ConfigMaps by kind ("Secret" or "ConfigMap") and name."""

_KEY = re.compile(r"(?!\.\.?\Z|\.\.)[-._a-zA-Z0-9]{1,253}")


def _plain(text: str) -> bytes:
    return text.encode()


def _base64(text: str) -> bytes:
    """Return the bytes of Base64 with line breaks, which Go's decoder skips."""
    return b64decode(text.replace("\n", "").replace("\r", ""), validate=True)


_FIELDS: Mapping[str, Mapping[str, Callable[[str], bytes]]] = {
    "Secret": {"data": _base64, "stringData": _plain},
    "ConfigMap": {"binaryData": _base64, "data": _plain},
}
"""How each field of a kind is encoded; a later field has precedence."""


def objects_in(documents: Iterable[Document]) -> tuple[Objects, list[Problem]]:
    """Return the contents of the Secrets and ConfigMaps among `documents`, and what is wrong with them."""
    found: dict[tuple[str, str], dict[str, bytes]] = {}
    problems: list[Problem] = []
    for document in documents:
        if document.kind not in _FIELDS:
            continue
        if not document.name:
            problems.append(document.problem("metadata.name", "Required value"))
            continue
        contents = found[document.kind, document.name] = {}
        for field, decode in _FIELDS[document.kind].items():
            problems += _read(document, field, decode, contents)
    return found, problems


def _read(
    document: Document, field: str, decode: Callable[[str], bytes], contents: dict[str, bytes]
) -> Iterator[Problem]:
    """Add the data of one field to `contents`; a problem never repeats a value, which may be a password."""
    data = value_at(document.value, field)
    if data is not None and not isinstance(data, dict):
        yield document.problem(field, "must be of type object")
        return
    for key, value in (data or {}).items():
        path = f"{field}.{key}"
        if not _KEY.fullmatch(key):
            message = 'Invalid value: must consist of letters, digits, "-", "_" and ".", and not start with ".."'
            yield document.problem(path, message)
        elif not isinstance(value, str | None):
            yield document.problem(path, "must be of type string")
        else:
            try:
                contents[key] = decode(value or "")
            except ValueError:
                yield document.problem(path, "Invalid value: must be Base64")
