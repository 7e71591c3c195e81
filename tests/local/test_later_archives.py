"""fetch-source of each runtime family, when source-controller has deleted the archive of the commit in the pod."""

import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from socketserver import StreamRequestHandler

import pytest
from support.fetch_source import Answer, Server, digest, each_program, entry, fetch, files, packed, sending, serving

pytestmark = pytest.mark.sampled

ARCHIVE = packed(entry("handler.py", b"code"))
OTHER = packed(entry("handler.py", b"other"))
FOLDER = "/gitrepository/ns/name/"
DELETED, *NAMES = (f"{digit * 40}.tar.gz" for digit in "123456789")


def archive(data: bytes, age: int = 0) -> Answer:
    """Return the answer for an archive that was written so many seconds ago."""
    return sending(data, headers=f"Last-Modified: {formatdate(time.time() - age, usegmt=True)}\r\n")


def listing(*names: str) -> Answer:
    """Return the page of Go's file server, with a lock file for each archive as in source-controller."""
    links = [f'<a href="{name}">{name}</a>\n' for each in names for name in (each, f"{each}.lock")]
    head = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n'
    return sending(f"{head}{''.join(links)}</pre>\n".encode())


def folder(found: Mapping[str, Answer]) -> Answer:
    """Return an answer by the path of the request below FOLDER; `found[""]` lists the files, others are not there."""

    def answer(connection: StreamRequestHandler) -> None:
        assert isinstance(connection.server, Server)
        path = connection.server.requests[-1].split()[1]
        assert path.startswith(FOLDER)
        found.get(path.removeprefix(FOLDER), sending(b"", 404))(connection)

    return answer


def url(server: Server, name: str = DELETED) -> str:
    return server.url.rpartition("/")[0] + f"/{name}"


def asked_for(server: Server) -> list[str]:
    """Return what was requested, without the version of HTTP."""
    return [line.replace(FOLDER, "").removesuffix(" HTTP/1.1\r\n") for line in server.requests]


@each_program
def test_the_same_content_has_a_later_name(family: str, tmp_path: Path) -> None:
    """The newest archive is tried first; the digest decides."""
    found = {"": listing(*NAMES[:2]), NAMES[0]: archive(OTHER, age=60), NAMES[1]: archive(ARCHIVE)}
    with serving(folder(found)) as server:
        done = fetch(family, tmp_path, url(server), ARCHIVE)
    assert (done.code, done.stderr) == (0, "")
    assert files(tmp_path) == {"handler.py": "code"}
    heads = [f"HEAD {name}" for name in NAMES[:2]]
    assert asked_for(server) == [f"GET {DELETED}", "GET ", *heads, f"GET {NAMES[1]}"]


@each_program
def test_an_older_archive_may_have_the_content(family: str, tmp_path: Path) -> None:
    """In the middle of a rollout the newest archive is that of the new pods: a later one that is older is used."""
    found = {"": listing(*NAMES[:3]), NAMES[0]: archive(ARCHIVE, age=60), NAMES[1]: archive(OTHER)}
    with serving(folder(found)) as server:
        assert fetch(family, tmp_path, url(server), ARCHIVE).code == 0
    assert files(tmp_path) == {"handler.py": "code"}


@each_program
def test_the_newest_three_are_tried(family: str, tmp_path: Path) -> None:
    """A pod whose content is gone for good costs source-controller little, and says what is missing."""
    found = {"": listing(*NAMES)} | {name: archive(OTHER, age=age) for age, name in enumerate(NAMES)}
    with serving(folder(found)) as server:
        line = fetch(family, tmp_path, url(server), ARCHIVE).last_line
    assert f"does not have the archive of main@1 ({digest(ARCHIVE)}): source-controller keeps only the newest" in line
    assert asked_for(server)[-3:] == [f"GET {name}" for name in NAMES[:3]]
    assert not files(tmp_path)


@each_program
@pytest.mark.parametrize(
    "name",
    ["x.tar.gz", f"{'1' * 40}.tar.gz?a=b", f"{'1' * 39}.tar.gz", f"{'A' * 40}.tar.gz", f"{'1' * 40}.tar.gz/"],
)
def test_only_archives_of_commits_have_later_ones(family: str, name: str, tmp_path: Path) -> None:
    """For the archive of another kind of source nothing else is requested."""
    with serving(folder({"": listing(*NAMES)})) as server:
        assert "does not have the archive" in fetch(family, tmp_path, url(server, name), ARCHIVE).last_line
    assert asked_for(server) == [f"GET {name}"]


REDIRECT = sending(b"", 302, headers=f"Location: {FOLDER}{NAMES[0]}\r\n")
HOSTILE: dict[str, Answer] = {
    "no list": sending(b"", 404),
    "a redirect": REDIRECT,
    "not HTML": sending(b"\x00\xff" * 1000),
    "another host": sending(f'<a href="http://attacker.example/{NAMES[0]}"><a href="//x/{NAMES[0]}">'.encode()),
    "another directory": sending(
        f'<a href="../other/{NAMES[0]}"><a href="/{NAMES[0]}"><a href="%2e/{NAMES[0]}">'.encode()
    ),
    "other names": sending(b'<a href="latest.tar.gz"><a href="' + b"1" * 41 + b'.tar.gz">'),
    "the same name": listing(DELETED),
    "a late name": sending(b" " * 256 * 1024 + f'<a href="{NAMES[0]}">'.encode()),
}


@each_program
@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_list(family: str, page: Answer, tmp_path: Path) -> None:
    """Only names of commits in the same directory count, among the first 256 KiB, and no redirect is followed."""
    with serving(folder({"": page, NAMES[0]: archive(ARCHIVE)})) as server:
        assert "does not have the archive" in fetch(family, tmp_path, url(server), ARCHIVE).last_line
    assert asked_for(server) == [f"GET {DELETED}", "GET "]


@each_program
def test_a_long_list(family: str, tmp_path: Path) -> None:
    """A hundred archives are looked at."""
    names = [f"{number:040x}.tar.gz" for number in range(300)]
    with serving(folder({"": listing(*names)})) as server:
        assert "does not have the archive" in fetch(family, tmp_path, url(server), ARCHIVE).last_line
    assert asked_for(server).count("GET ") == 1
    assert len([line for line in asked_for(server) if line.startswith("HEAD ")]) == 100


@each_program
@pytest.mark.parametrize("date", ["", "x" * 60_000, "Sat, 99 Foo 999999999999 99:99:99 GMT", "\x01"])
def test_a_hostile_date(family: str, date: str, tmp_path: Path) -> None:
    """An archive without a readable date is the oldest."""
    odd = sending(ARCHIVE, headers=f"Last-Modified: {date}\r\n" if len(date) < 9000 else f"X: {date[:9000]}\r\n")
    with serving(folder({"": listing(*NAMES[:2]), NAMES[0]: odd, NAMES[1]: archive(OTHER)})) as server:
        done = fetch(family, tmp_path, url(server), ARCHIVE, SOURCE_TIMEOUT="5")
    if date != "\x01":  # Node.js refuses such a header, and Python does not
        assert done.code == 0, done
        assert asked_for(server)[-2:] == [f"GET {NAMES[1]}", f"GET {NAMES[0]}"]
    assert done.code in (0, 1)


@each_program
def test_a_redirect_of_a_later_archive_is_not_followed(family: str, tmp_path: Path) -> None:
    """The last line says that it is a redirect."""
    with serving(folder({"": listing(NAMES[0]), NAMES[0]: REDIRECT})) as server:
        assert "a redirect (status 302), which is not" in fetch(family, tmp_path, url(server), ARCHIVE).last_line
    assert asked_for(server) == [f"GET {DELETED}", "GET ", f"HEAD {NAMES[0]}", f"GET {NAMES[0]}"]


@each_program
def test_a_list_that_never_ends(family: str, tmp_path: Path) -> None:
    """The list counts for the time limit of the whole download."""

    def endless(connection: StreamRequestHandler) -> None:
        connection.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.wfile.write(b"x")
            time.sleep(0.05)

    with serving(folder({"": endless})) as server:
        line = fetch(family, tmp_path, url(server), ARCHIVE, SOURCE_TIMEOUT="1").last_line
    assert "did not send the archive within 1 seconds" in line


@each_program
def test_a_momentary_failure_in_between(family: str, tmp_path: Path) -> None:
    """The whole attempt is repeated."""
    pages = [sending(b"", 503), archive(ARCHIVE)]
    found = {
        "": listing(NAMES[0]),
        NAMES[0]: lambda connection: pages[min(len(connection.server.requests) // 5, 1)](connection),
    }
    with serving(folder(found)) as server:
        assert fetch(family, tmp_path, url(server), ARCHIVE).code == 0
    assert asked_for(server).count(f"GET {DELETED}") == 2
