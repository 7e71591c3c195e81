"""
The lines of a requirements.txt, as pip and uv read them: refused is only what neither of them could accept.

No line is ever repeated, for a URL may hold a password. What is left to the installer: whether a version exists, and
the wording of markers. A pattern tells the shape in a microsecond a line; packaging's parser would take thirty.
"""

import re
from collections.abc import Iterator

MOST = 10
"""How many lines are named: the first few tell as much as all of them."""

_COMMENT = re.compile(r"(^|\s)#.*$")
_ONE = r"(===|==|~=|!=|<=|>=|<|>)\s*[^\s,;()=<>~!][^\s,;()=<>]*"
_MANY = rf"{_ONE}(\s*,\s*{_ONE})*\s*,?"
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?"  # the name
    r"\s*(\[[-A-Za-z0-9._,\s]*\])?"  # its extras
    rf"\s*({_MANY}|\(\s*({_MANY})?\s*\))?"  # the versions, in parentheses or not
    r"\s*(;.*)?"  # when it is needed
)
_PER_REQUIREMENT = re.compile(r"\s--?[a-z].*$")  # --hash=..., --config-settings ...
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
)
_SHORT = ("-r", "-c", "-e", "-i", "-f")
_LOCAL = re.compile(r"(-r|--requirement|-c|--constraint|-e|--editable)[\s=]*(?!\S*://|/|\.\./|\S*\$\{)\S")
_HERE = re.compile(r"\.(/|$|\[)")


def faults(text: str) -> Iterator[str]:
    """Yield what is wrong with a requirements.txt, line by line."""
    found = 0
    for number, line in _lines(text):
        if fault := _fault(line):
            found += 1
            yield f"line {number} {fault}"
            if found == MOST:
                return


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line that says something, without its comment, and the number where it begins."""
    pending, begin = "", 0
    for number, physical in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        begin = begin if pending else number
        is_comment = physical.lstrip().startswith("#")
        if physical.endswith("\\") and not is_comment:
            pending += physical[:-1] + " "
            continue
        line = _COMMENT.sub("", pending + physical).strip()
        pending = ""
        if line:
            yield begin, line
    if pending.strip():
        yield begin, pending.strip()


def _fault(line: str) -> str | None:
    if line.startswith("-"):
        return _option_fault(line)
    if "/" in line or "\\" in line or "${" in line or "@" in line:
        return "names a file beside it, but there are none: expected a package or a URL" if _HERE.match(line) else None
    if _REQUIREMENT.fullmatch(_PER_REQUIREMENT.sub("", line)) or line.endswith((".whl", ".zip", ".gz")):
        return None
    return "is no requirement: expected a name and versions, such as requests>=2.32,<3"


def _option_fault(line: str) -> str | None:
    if _LOCAL.match(line):
        return "names a file beside it, but there are none: expected a package or a URL"
    option = re.split(r"[\s=]", line, maxsplit=1)[0]
    if line[:2] in _SHORT or any(known.startswith(option) for known in _OPTIONS if len(option) > 2):
        return None
    return "begins with an option that pip does not know in a requirements.txt"
