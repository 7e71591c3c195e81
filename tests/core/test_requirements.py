"""A requirements.txt: every line that pip or uv accepts is accepted, and others are reported by their number."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement

from hooks.rules.requirements import LONGEST, MOST_LINES, MOST_PROBLEMS, problems

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
    ("def main(event, context):", "must be a requirement"),
    ('{"dependencies": {}}', "must be a requirement"),
    ("requests flask", "must be a requirement"),
    ("requests=2.32", "must be a requirement"),
    ("requests>=", "must be a requirement"),
    ("requests,flask", "must be a requirement"),
    ("-requests", "must be a package or a URL"),
    ("--upgrade requests", "pip does not support"),
    ("-r base.txt", "must be a package or a URL"),
    ("-rbase.txt", "must be a package or a URL"),
    ("--constraint=c.txt", "must be a package or a URL"),
    ("-e .", "must be a package or a URL"),
    (".", "must be a requirement"),
    ("./local", "must be a package or a URL"),
]


BOTH = [
    "foo[]",
    "foo==1 --hash=sha256:00",
    "foo ; python_version < '3'",
    "foo ; extra == 'x'",
    "foo ==1 ,",
    "foo ==1,",
    "foo (==1,)",
    "foo>=1,<2",
    "foo >= 1 , <2",
    "foo>=1.0.dev",
    "foo==1.0-1",
    "foo==v1.0",
    "foo==1.0+local_1",
    "foo @ https://example.com/a.whl ; python_version < '3'",
    "foo@ git+https://example.com/a.git",
    "https://example.com/a-1-py3-none-any.whl",
    "https://example.com/a.tar.gz",
    "git+https://example.com/a.git#egg=a",
    "git+https://example.com/a.git",
    "foo  # c",
    "foo ==1 # c",
    "FOO==1.0RC1",
    "foo==1.0c1",
    "foo==1!2",
    "foo!=1.*",
    "foo~=1.0",
    "1foo",
    "foo==1;python_version<'3' and (os_name=='a' or os_name=='b')",
    "foo\u3000",
    "foo\rbar",
    "foo\r\nbar",
    "\ufefffoo",
    "--pre",
    "-i https://example.com",
    "--index-url=https://example.com",
    "--extra-index-url https://example.com",
    "--find-links https://example.com",
    "--no-index",
    "--pre --no-index",
    "--no-binary foo",
    "--trusted-host x",
    "--use-feature fast-deps",
    "--require-hashes",
    "--prefer-binary",
    "foo[a]@https://x/y.tar.gz",
    "foo [a] ==1",
    "foo[A_b.c-d]",
    "foo>1,>2,>3,",
    "foo ~= 1.4.2",
    "foo==1.0.post1",
    "foo==1.0-post1-dev2",
    "foo<1;python_version>'3' --hash=sha256:00",
    "foo --hash sha256:00",
    "foo.git",
    "foo.zip==1",
    "foo-1.tar.xz",
    "foo==1.0.0.0.0.0.0.0",
    "foo==01",
    "FOO[x]>=1 ; extra=='y'",
    "foo;python_version>='3.8' # c",
    "foo; platform_machine == 'a/b'",
    "foo ; extra == 'a@b'",
    "foo==1 ; 'a' in \"b;c\"",
]
"""Accepted by pip 26.3 and by uv 0.13.9 (recorded by running both)."""
ONLY_PIP = [
    "foo===abc!!",
    "foo_",
    "foo ; ",
    "foo;",
    "foo ()",
    "foo@https://example.com/a.whl",
    "/opt/a-1-py3-none-any.whl",
    "foo>=1.2;",
    "foo --config-settings=a=b",
    "foo===1.*",
    "foo==1\u2028bar",
    "foo==1\x0cbar",
    "foo==1\x85bar",
    "foo==1\x0bbar",
    "foo==1\x1cbar",
    "--index https://example.com",
    "--only-final :all:",
    "--all-releases :all:",
    "--config-settings a=b",
    "--hash sha256:00",
    "-ihttps://example.com",
    "-fhttps://example.com",
    "--inde https://example.com",
    "foo @ /opt/x.whl",
    "foo @ file:x",
    "file:x",
    "file:///opt/x-1.tar.gz",
    "foo --hash=sha256:00 ; python_version>'3'",
    "foo -C a=b",
    "foo --ha=sha256:00",
    "foo --pre",
]
"""Accepted by pip, refused by uv."""
ONLY_UV = [
    "foo\xa0==1",
    "--trusted-host",
    "--use-feature x",
]
"""Accepted by uv, refused by pip."""
NEITHER = [
    "foo==1..2",
    "foo>=2.0.*",
    "foo~=1",
    "foo==*",
    "foo>1.2.x",
    "foo==abc!!",
    "foo[b ar]",
    "foo[bar,]",
    "foo[bar",
    "foo-",
    "foo.",
    "_foo",
    "foo (>=1",
    "foo (>=1)<2",
    "foo >=1 <2",
    "foo=1",
    "foo = 1",
    "foo==",
    "foo>=1.0+local",
    "foo@",
    "foo @ ",
    "foo\x08ar",
    "foo^1.2",
    "foo bar",
    "foo#c",
    "foo --bogus",
    "foo -x",
    "foo<=1.*",
    "foo~=1.0.*",
    "\xe9",
    "foo==\u0661",
    "--upgrade foo",
    "--bogus",
    "--no-deps",
    "--no-build-isolation",
    "--uploaded-prior-to 2026-01-01",
    "--no-build",
    "-U",
    "-q",
    "foo==1 @ https://x/y",
    "foo[a][b]",
    "foo>1,,>2",
    "foo,>1",
    "foo==1.*.*",
    "foo==1.0.*+x",
    "foo==1.0a1.*",
    "foo!=1.0.dev1.*",
    "foo== 1 .0",
    "a b --hash=sha256:00",
    'foo"bar"',
    '"foo"',
    'foo==1"',
    "'foo'",
    "foo: 1",
    'foo: ">=1"',
    "[packages]",
    'foo = "*"',
    "foo>=1 and <2",
    "foo >=1 || <2",
    "foo*",
    "*",
    "foo==1_0",
    "foo==1e3",
    "foo>=3.x",
    "foo>=latest",
    "foo==latest",
    "foo==1.0-SNAPSHOT",
]
"""Refused by both."""
UNDECIDED = [
    "foo ; bogus == '1'",
    "foo ; python_version",
    "foo==${V}",
    "${PKG}",
    "${PKG}==1",
    "foo --global-option=x",
    "foo --hash",
    'foo==1 ; os_name == "a',
    'foo==1;os_name=="a"#c',
    "--no-binary",
    "--e .",
    "foo --install-option=x",
    "foo -e .",
    "foo==1.0 ; sys_platform == 'linux' and",
    "foo @ https://example.com/x;y",
]
"""Refused by both, but the hook accepts them: releases add markers and options, and ${NAME} can be anything."""
NO_FILE = [
    "foo @ x",
    "foo @ ./x",
    "./a-1-py3-none-any.whl",
    "./a @ https://example.com/a.zip",
    "a-1-py3-none-any.whl",
    "a.zip",
    "a-1.tar.gz",
    "foo/bar",
    "foo@1.2",
    "-e .",
    "git@github.com:a/b.git",
    "foo/",
]
"""Accepted by pip's parser, but both installers fail: they look for a file that does not exist."""


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    """Comments, options, URLs, hashes, markers and long lines are accepted, as pip documents them."""
    assert list(problems(text)) == []


@pytest.mark.parametrize(("line", "words"), REFUSED)
def test_refused(line: str, words: str) -> None:
    """A line that neither pip nor uv accepts is reported by its number, and is not repeated."""
    (fault,) = problems(f"# first\n\n{line}\nrequests\n")
    assert fault.startswith("line 3: ")
    assert words in fault
    assert line not in fault.split()


def test_a_logical_line_has_the_number_of_its_first_line() -> None:
    """A line with a continuation has the number of its first physical line."""
    assert [fault.split()[1] for fault in problems("a \\\n b\nc d\n")] == ["1:", "3:"]


def test_the_number_of_reported_lines_is_limited() -> None:
    """Only the first broken lines of a text are reported."""
    assert len(list(problems("a b\n" * 50))) == MOST_PROBLEMS


NAMES = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9._]{0,8}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.sampled_from(["==1", "== 1.*", ">=1.0a1", "<2", "~=1.4.2", "!=1.0.post1", "===x", ">=1!2.0", "==1.0+a.b"])
SPECIFIERS = st.lists(VERSIONS, max_size=3).filter(
    lambda versions: "===x" not in versions[:-1]
)  # its version includes a comma
MARKERS = st.sampled_from(["", ";python_version>'3'", " ; extra == 'a' or os_name == \"b;c\""])


@given(NAMES, st.lists(NAMES, max_size=2), SPECIFIERS, st.booleans(), MARKERS)
def test_what_packaging_parses_is_accepted(
    name: str, extras: list[str], versions: list[str], bracketed: bool, marker: str
) -> None:
    """Every requirement that the `packaging` library parses is accepted."""
    wanted = ", ".join(versions)
    line = name + (f"[{', '.join(extras)}]" if extras else "") + (f" ({wanted})" if bracketed and wanted else wanted)
    Requirement(line + marker)
    assert list(problems(line + marker)) == []


@pytest.mark.parametrize("line", [*BOTH, *ONLY_PIP, *ONLY_UV, *UNDECIDED])
def test_what_an_installer_accepts_is_accepted(line: str) -> None:
    """A line that pip or uv accepts, or may accept, is accepted."""
    assert list(problems(line)) == []


@pytest.mark.parametrize("line", NEITHER)
def test_what_no_installer_accepts_is_refused(line: str) -> None:
    """A line that both refuse is refused before a pod starts."""
    assert len(list(problems(line))) == 1


@pytest.mark.parametrize("line", NO_FILE)
def test_files_beside_it_are_refused(line: str) -> None:
    """A file beside requirements.txt is refused: its directory has no other file."""
    (fault,) = problems(line)
    assert "must be a package or a URL" in fault


BARE = [
    line
    for line in (*BOTH, *ONLY_PIP, *NEITHER)
    if re.fullmatch(r"[A-Za-z0-9][!-~ ]*", line) and not re.search(r"[@:/#\\-]", line)
]


@pytest.mark.parametrize("line", BARE)
def test_the_recorded_verdicts_are_those_of_packaging(line: str) -> None:
    """pip parses a bare requirement with `packaging`: the installed version gives the recorded verdicts."""
    assert _is_parsed(line.rstrip(" ;")) == (line not in NEITHER)


def _is_parsed(requirement: str) -> bool:
    try:
        Requirement(requirement)
    except InvalidRequirement:
        return False
    return True


def test_a_long_requirement_is_refused() -> None:
    """A requirement has a limited length; URLs, markers and hashes do not."""
    hashes, marker = " --hash=sha256:0" * 999, "python_version > '3' or " * 99
    assert list(problems("a" * LONGEST)) == []
    assert "may not be more than" in next(problems("a" * (LONGEST + 1)))
    assert list(problems(f"a==1{hashes}")) == list(problems(f"a==1; {marker} x")) == []
    assert list(problems(f"a @ https://example.com/{'a' * 9999}.whl")) == []


def test_the_number_of_checked_lines_is_limited() -> None:
    """Lines after the first thousand are not checked."""
    assert list(problems("a\n" * MOST_LINES + "a b\n")) == []
    assert len(list(problems("a\n" * (MOST_LINES - 1) + "a b\n"))) == 1
