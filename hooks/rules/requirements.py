"""
The lines of a requirements.txt, as pip and uv read them: refused is only what neither of them could accept.

No line is ever repeated, for a URL may hold a password. What is left to the installer: whether a version exists, the
wording of markers, what stands behind a URL or comes out of ${NAME}. pip and uv follow packaging's grammar, and so does
this module; what it costs is bounded, since anybody may write these lines.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from packaging.requirements import InvalidRequirement, Requirement

MOST = 10
"""How many lines are named: the first few tell as much as all of them."""
MOST_READ = 1000
"""How many lines are read; no Function needs as many packages, and what follows is left to the installer."""
LONGEST = 512
"""Characters of a name with its extras and versions: several times the longest ones in use."""

_COMMENT = re.compile(r"(^|\s)#.*$")
_PER_REQUIREMENT = re.compile(r"\s(?=--?[A-Za-z])")  # --hash=..., --config-settings ...
_URL = re.compile(r"\s*+[A-Za-z][A-Za-z0-9+.-]*+:(//|(?<=file:)/?)")
_REPLACED = re.compile(r"\$\{[A-Z0-9_]+\}")
_PACKED = (".whl", ".zip", ".tar.gz")
_BESIDE = "names a file beside it, but there are none: expected a package or a URL"
_SHAPE = "is no requirement: expected a name and versions, such as requests>=2.32,<3"
_OPTIONS = (
    "--requirement",
    "--constraint",
    "--editable",
    "--index-url",
    "--pypi-url",
    "--extra-index-url",
    "--no-index",
    "--find-links",
    "--no-binary",
    "--only-binary",
    "--prefer-binary",
    "--require-hashes",
    "--pre",
    "--all-releases",
    "--only-final",
    "--trusted-host",
    "--use-feature",
    "--hash",
    "--config-settings",
    "--global-option",
    "--install-option",
)
_SHORT = ("-r", "-c", "-e", "-i", "-f", "-C")
_LOCAL = re.compile(r"(-r|--requirement|-c|--constraint|-e|--editable)[\s=]*+(?!\S*://|/|\.\./|\S*\$\{)\S")
_UNKNOWN = "begins with an option that pip does not know in a requirements.txt"


def problems(text: str) -> Iterator[str]:
    """Yield what is wrong with a requirements.txt, line by line."""
    found = 0
    for number, line in islice(_lines(text), MOST_READ):
        if fault := _fault(line):
            found += 1
            yield f"line {number} {fault}"
            if found == MOST:
                return


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line that says something, without its comment, and the number where it begins."""
    pending: list[str] = []
    begin = 0
    for number, physical in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        begin = begin if pending else number
        is_comment = physical.lstrip().startswith("#")
        if physical.endswith("\\") and not is_comment:
            pending.append(physical[:-1])
            continue
        line = " ".join((*pending, physical)) if pending else physical
        line = (_COMMENT.sub("", line) if "#" in line else line).strip()
        pending.clear()
        if line:
            yield begin, line
    if line := " ".join(pending).strip():
        yield begin, line


def _fault(line: str) -> str | None:
    if line.startswith("-"):
        return _BESIDE if _LOCAL.match(line) else _option_fault(line)
    wanted, *options = _PER_REQUIREMENT.split(line, maxsplit=1)
    if options and (fault := _option_fault(options[0])):
        return fault
    if ("$" in wanted and _REPLACED.search(wanted)) or (":" in wanted and _URL.match(wanted)):
        return None
    before_marker = wanted.partition(";")[0].strip()
    name, at, place = before_marker.partition("@")
    if name.startswith(("/", "./", "../")) or (not at and ("/" in name or name.endswith(_PACKED))):
        return _place_fault(name)
    if at and place:
        return _requirement_fault(name, is_bare=True) or _place_fault(place.strip())
    return _requirement_fault(before_marker)


def _place_fault(place: str) -> str | None:
    """A URL is the installer's, and so is a file of the image; beside the requirements.txt there is no other file."""
    return None if _URL.match(place) or place.startswith(("/", "../")) else _BESIDE


def _requirement_fault(text: str, *, is_bare: bool = False) -> str | None:
    text = " ".join(text.split())  # uv takes every white space that Python knows
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters before its marker and options"
    return _SHAPE if (specifier := _specifier(text)) is None or (is_bare and specifier) else None


@lru_cache(maxsize=1024)
def _specifier(text: str) -> str | None:
    """Return the versions that a requirement allows, None if it is none; an installed Function's lines stay known."""
    try:
        return str(Requirement(text).specifier)
    except InvalidRequirement:
        return None


def _option_fault(line: str) -> str | None:
    option = re.split(r"[\s=]", line, maxsplit=1)[0]
    if line[:2] in _SHORT or any(known.startswith(option) for known in _OPTIONS if len(option) > 2):
        return None
    return _UNKNOWN
