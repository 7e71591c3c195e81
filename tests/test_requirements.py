"""A requirements.txt: whatever pip could take is let through, and the rest is named by its line alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from hooks.validate.requirements import MOST, faults

ACCEPTED = [
    "",
    "# only a comment",
    "requests",
    "  requests  # why",
    "requests[socks,use_chardet_on_py3]>=2.32,<3",
    "requests (>=2.32)",
    "requests >= 2.32 , != 2.33.*",
    "a==1.0 ; python_version < '3.13' and sys_platform == 'linux'",
    "a===1.0+local",
    "a~=1.2",
    "a==1 --hash=sha256:00 --hash=sha256:01",
    "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01",
    "a @ https://example.com/a.whl",
    "a@git+https://${TOKEN}@example.com/a.git@main#egg=a",
    "git+ssh://git@example.com/a.git",
    "https://example.com/a-1.tar.gz#sha256=00",
    "-e git+https://example.com/a.git#egg=a",
    "-r https://example.com/base.txt",
    "--index-url https://example.com/simple",
    "--extra-index-url=https://example.com/simple",
    "-i https://example.com/simple",
    "--pre",
    "--no-binary :all:",
    "--require-hashes",
    "/opt/wheels/a-1-py3-none-any.whl",
    "-f /opt/wheels",
    "-c /opt/constraints.txt",
    "\ufeffrequests\r\nflask\r\n",
]
REFUSED = [
    ("def main(event, context):", "is no requirement"),
    ('{"dependencies": {}}', "is no requirement"),
    ("requests flask", "is no requirement"),
    ("requests=2.32", "is no requirement"),
    ("requests>=", "is no requirement"),
    ("requests,flask", "is no requirement"),
    ("-requests", "names a file beside it"),
    ("--upgrade requests", "pip does not know"),
    ("-r base.txt", "names a file beside it"),
    ("-rbase.txt", "names a file beside it"),
    ("--constraint=c.txt", "names a file beside it"),
    ("-e .", "names a file beside it"),
    (".", "is no requirement"),
    ("./local", "names a file beside it"),
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    """Comments, options, URLs, hashes, markers, long lines: all that pip documents."""
    assert list(faults(text)) == []


@pytest.mark.parametrize(("line", "words"), REFUSED)
def test_refused(line: str, words: str) -> None:
    """A line that neither pip nor uv could take is named by its number, and is not repeated."""
    (fault,) = faults(f"# first\n\n{line}\nrequests\n")
    assert fault.startswith("line 3 ")
    assert words in fault
    assert line not in fault.split()


def test_long_lines_are_named_by_their_beginning() -> None:
    """A line that goes on counts where it begins."""
    assert [fault.split()[1] for fault in faults("a \\\n b\nc d\n")] == ["1", "3"]


def test_not_every_line_is_named() -> None:
    """A text that is no requirements.txt at all is not listed line by line."""
    assert len(list(faults("a b\n" * 50))) == MOST


NAMES = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9._]{0,8}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.sampled_from(["==1", "== 1.*", ">=1.0a1", "<2", "~=1.4.2", "!=1.0.post1", "===x", ">=1!2.0", "==1.0+a.b"])
MARKERS = st.sampled_from(["", ";python_version>'3'", " ; extra == 'a' or os_name == \"b;c\""])


@given(NAMES, st.lists(NAMES, max_size=2), st.lists(VERSIONS, max_size=3), st.booleans(), MARKERS)
def test_what_packaging_reads_is_accepted(
    name: str, extras: list[str], versions: list[str], bracketed: bool, marker: str
) -> None:
    """The standard's own parser takes each of these, so we do too."""
    wanted = ", ".join(versions)
    line = name + (f"[{', '.join(extras)}]" if extras else "") + (f" ({wanted})" if bracketed and wanted else wanted)
    Requirement(line + marker)
    assert list(faults(line + marker)) == []
