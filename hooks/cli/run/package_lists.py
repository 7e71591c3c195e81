"""The lists of packages in a fetched source: which files decide what the install step does, and what it makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Lists:
    """
    One family. Without `first` there is nothing to install; `others` change the result, too, and `result` has it.

    `needs_source` matches a list with which other files of the source may change the result: a reference to them, or
    a script that runs at installation.
    """

    first: str
    others: tuple[str, ...]
    result: str
    needs_source: re.Pattern[str]


LISTS: Mapping[str, Lists] = {
    "nodejs": Lists(
        first="package.json",
        others=("package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
        result="node_modules",
        needs_source=re.compile(
            r'"(file|link|workspaces?):|":\s*"(\.|/|~)|"workspaces"|"(pre|post)?(install|prepare)"'
        ),
    ),
    "python": Lists(
        first="requirements.txt",
        others=(),
        result=".local",
        needs_source=re.compile(
            r"^[ \t]*(-[rce]|--(requirement|constraint|editable)\b|[./~]|file:)|@[ \t]*file:", re.MULTILINE
        ),
    ),
}
"""A row for each of runtimes.FAMILIES."""


def state(work: Path, family: str, tree: str) -> str:
    """
    Return a text that is equal for sources whose install step has the same result, "" if there is nothing to install.

    `work` has the files of the source, and `tree` is different for different sources.
    """
    lists = LISTS[family]
    first = _text(work / lists.first)
    if not first.strip():
        return ""
    return "\0".join([first, *(_text(work / name) for name in lists.others), _source_part(lists, first, tree)])


def _source_part(lists: Lists, first: str, tree: str) -> str:
    return tree if lists.needs_source.search(first) else ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
