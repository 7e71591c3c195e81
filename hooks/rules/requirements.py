"""
The lines of a requirements.txt: a line is refused only if neither pip nor uv accepts it.

No message repeats a line, because a URL may hold a password. The installer decides whether a version exists, what a
marker means, and what a URL or ${NAME} stands for. pip and uv follow the grammar of the `packaging` library, and so
does this module. The number and the length of the lines that it parses are bounded.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from packaging.requirements import InvalidRequirement, Requirement

MOST_PROBLEMS = 10
"""How many broken lines are reported."""
MOST_LINES = 1000
"""How many lines are checked: more than any Function needs. The installer reads the rest."""
LONGEST = 512
"""Characters of a name with its extras and versions: several times the longest in use."""

_COMMENT = re.compile(r"(^|\s)#.*$")
_PER_REQUIREMENT = re.compile(r"\s(?=--?[A-Za-z])")  # --hash=..., --config-settings ...
_URL = re.compile(r"\s*+[A-Za-z][A-Za-z0-9+.-]*+:(//|(?<=file:)/?)")
_REPLACED = re.compile(r"\$\{[A-Z0-9_]+\}")
_PACKED = (".whl", ".zip", ".tar.gz")
_NO_FILE = "must be a package or a URL: there is no file beside requirements.txt"
_NO_REQUIREMENT = "must be a requirement such as requests>=2.32,<3"
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
_NO_OPTION = "must not have an option that pip does not know in requirements.txt"


def problems(text: str) -> Iterator[str]:
    """Yield what is wrong with a requirements.txt, at most MOST_PROBLEMS lines, each with its number."""
    found = 0
    for number, line in islice(_lines(text), MOST_LINES):
        if fault := _fault(line):
            found += 1
            yield f"line {number}: {fault}"
            if found == MOST_PROBLEMS:
                return


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line that is not blank, without its comment, and the number of its first physical line."""
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
        return _NO_FILE if _LOCAL.match(line) else _option_fault(line)
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
    """Accept URLs and files of the image; no file is in the directory of the requirements.txt, or below."""
    return None if _URL.match(place) or place.startswith(("/", "../")) else _NO_FILE


def _requirement_fault(text: str, *, is_bare: bool = False) -> str | None:
    text = " ".join(text.split())  # uv accepts all white space that Python knows
    if len(text) > LONGEST:
        return f"may not be more than {LONGEST} characters before its marker and options"
    return _NO_REQUIREMENT if (specifier := _specifier(text)) is None or (is_bare and specifier) else None


@lru_cache(maxsize=1024)
def _specifier(text: str) -> str | None:
    """Return the versions that a requirement allows, None if it is not one. Every sync parses the same lines again."""
    try:
        return str(Requirement(text).specifier)
    except InvalidRequirement:
        return None


def _option_fault(line: str) -> str | None:
    option = re.split(r"[\s=]", line, maxsplit=1)[0]
    if line[:2] in _SHORT or any(known.startswith(option) for known in _OPTIONS if len(option) > 2):
        return None
    return _NO_OPTION
