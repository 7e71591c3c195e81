"""
A broken rule as data, with the message that the API server gives for the same field error.

Source: k8s.io/apimachinery pkg/util/validation/field (errors.go).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """`field` is the path as the user writes it; `message` has the error's type, the value and what is accepted."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def invalid(field: str, detail: str, value: str | int | None = None) -> Violation:
    """Return the error for a wrong value. Leave `value` out where it may be secret or long: it would be repeated."""
    return Violation(field, "Invalid value: " + ("" if value is None else f"{shown(value)}: ") + detail)


def unsupported(field: str, value: str | int, supported: Iterable[str]) -> Violation:
    """Return the error for a value that is not one of `supported`."""
    listed = ", ".join(map(shown, supported)) or "none"
    return Violation(field, f"Unsupported value: {shown(value)}: supported values: {listed}")


def forbidden(field: str, detail: str) -> Violation:
    """Return the error for a field or a value that must not be set."""
    return Violation(field, f"Forbidden: {detail}")


def required(field: str, detail: str) -> Violation:
    """Return the error for a missing value."""
    return Violation(field, f"Required value: {detail}")


def duplicate(field: str, value: str) -> Violation:
    """Return the error for a value that an earlier item of the list has too."""
    return Violation(field, f"Duplicate value: {shown(value)}")


def too_long(field: str, most: int, detail: str) -> Violation:
    """Return the error for a text or an object of more than `most` bytes."""
    return Violation(field, f"Too long: may not be more than {most} bytes: {detail}")


def shown(value: str | int) -> str:
    """Return a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)
