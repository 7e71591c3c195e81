"""The author's own files in what a handler prints: tracebacks name a copy in a temporary directory."""

import os
import re
from pathlib import Path

from hooks.cli.document import Document
from hooks.cli.handler_check import PATH
from hooks.cli.run.origins import Origin
from hooks.cli.run.package_lists import LISTS


def with_own_files(line: str, handler: Path, document: Document) -> str:
    """
    Return a line with each place in the handler's copy replaced by that in the author's file.

    `handler` is the path of the copy without its extension. Python writes `File "x.py", line 2`, Node.js `x.js:2:5`.
    """

    def own(found: re.Match[str]) -> str:
        place = document.problem_in_text(PATH, int(found[2] or 0), "")
        return f"{place.file}{found[1] or ''}{place.line if found[2] else ''}"

    if str(handler) not in line:
        return line
    pattern = rf"(?:file://)?{re.escape(str(handler))}\.(?:py|[cm]?[jt]s)(?:(\", line |:)(\d{{1,9}}))?"
    return re.sub(pattern, own, line)


def with_repository_files(line: str, work: Path, origin: Origin) -> str:
    """Return a line with the copies of files below `work` replaced by those in the repository, but for packages."""
    if str(work) not in line:
        return line
    packages = "|".join(re.escape(each.result) for each in LISTS.values())
    own = os.path.relpath(origin.directory) if origin.directory else origin.path
    prefix = "" if own == "." else f"{own}/"
    copies = rf"(?:file://)?{re.escape(str(work))}/(?!(?:{packages})/)"
    return re.sub(copies, lambda _: prefix, line)
