"""fetch-source of each runtime family: what it downloads, and what it leaves in the directory."""

import gzip
import os
import ssl
import stat
import subprocess
import time
from pathlib import Path
from socketserver import StreamRequestHandler

import pytest
from support.dockerfile import steps
from support.fetch_source import (
    PROGRAMS,
    Answer,
    digest,
    each_program,
    entry,
    fetch,
    files,
    packed,
    sending,
    serving,
)
from support.left_out import require_program
from support.ports import free_port

from hooks.runtimes import FAMILIES

pytestmark = pytest.mark.sampled

ARCHIVE = packed(
    entry("fn", type=b"5", mode=0o750),
    entry("fn/handler.py", b"code", mode=0o600),
    entry("fn/bin/run", b"#!", mode=0o4711),
    entry("fn/.dot/.env", b"x", mode=0o600, uid=4711, uname="else"),
    entry("other/README.md", b"readme"),
)
BELOW_FN = {"handler.py": "code", "bin/run": "#!", ".dot/.env": "x"}
EVERYTHING = {f"fn/{name}": text for name, text in BELOW_FN.items()} | {"other/README.md": "readme"}


@each_program
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", EVERYTHING),
        (".", EVERYTHING),
        ("/", EVERYTHING),
        ("fn", BELOW_FN),
        ("./fn//", BELOW_FN),
        ("fn/bin", {"run": "#!"}),
    ],
)
def test_one_directory_is_unpacked(family: str, path: str, found: dict[str, str], tmp_path: Path) -> None:
    """The current directory has the files below SOURCE_PATH, dotfiles too, and nothing else but the marker."""
    with serving(sending(ARCHIVE)) as server:
        done = fetch(family, tmp_path, server.url, ARCHIVE, SOURCE_PATH=path)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == f"fetched main@1 ({digest(ARCHIVE)}): {len(found)} files\n"
    assert files(tmp_path) == found
    assert {each.name for each in tmp_path.iterdir()} == {name.split("/")[0] for name in found} | {".fetched-source"}


@each_program
def test_modes(family: str, tmp_path: Path) -> None:
    """A file stays executable; it is readable, and has no setuid bit."""
    with serving(sending(ARCHIVE)) as server:
        fetch(family, tmp_path, server.url, ARCHIVE)
    modes = {name: stat.S_IMODE((tmp_path / "fn" / name).stat().st_mode) for name in (".", "handler.py", "bin/run")}
    assert modes == {".": 0o755, "handler.py": 0o644, "bin/run": 0o755}


@each_program
def test_a_restart_fetches_nothing(family: str, tmp_path: Path) -> None:
    """A second start with the same digest and path sends no request and touches no file, whatever has been added."""
    with serving(sending(ARCHIVE)) as server:
        fetch(family, tmp_path, server.url, ARCHIVE, SOURCE_PATH="fn")
        (tmp_path / "handler.py").write_text("touched")
        (tmp_path / "node_modules").mkdir()
        done = fetch(family, tmp_path, server.url, ARCHIVE, SOURCE_PATH="/fn/")
        assert (done.code, done.stdout) == (0, f"main@1 ({digest(ARCHIVE)}) is here already\n")
        assert len(server.requests) == 1
        assert (tmp_path / "handler.py").read_text() == "touched"


@each_program
def test_an_interrupted_fetch_is_repeated(family: str, tmp_path: Path) -> None:
    """What an interrupted fetch has left, in the directory or beside, is replaced; so are files of another path."""
    (tmp_path / ".fetching-source/fn/half").mkdir(parents=True)
    (tmp_path / "handler.py/x").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("/nowhere")
    with serving(sending(ARCHIVE)) as server:
        assert fetch(family, tmp_path, server.url, ARCHIVE, SOURCE_PATH="fn").code == 0
        assert files(tmp_path) == BELOW_FN
        assert fetch(family, tmp_path, server.url, ARCHIVE, SOURCE_PATH="other").code == 0
    assert (tmp_path / "README.md").read_text() == "readme"


@each_program
def test_a_failure_leaves_no_marker(family: str, tmp_path: Path) -> None:
    """After a failure in the middle the next start fetches again, and then has all files."""
    broken = packed(entry("a", b"a"), entry("/b", b"b"))
    with serving(sending(broken), sending(ARCHIVE)) as server:
        assert "absolute" in fetch(family, tmp_path, server.url, broken).last_line
        assert files(tmp_path) == {".fetching-source/a": "a"}
        assert fetch(family, tmp_path, server.url, ARCHIVE).code == 0
    assert files(tmp_path) == EVERYTHING


# A DNS server finds a name with a final dot; the files that resolve names on this machine do not.
RESOLVER = {
    "nodejs": """import dns from "node:dns"; const { lookup } = dns;
        dns.lookup = (name, ...rest) => lookup(name === "localhost." ? "127.0.0.1" : name, ...rest);""",
    "python": """import socket; lookup = socket.getaddrinfo
socket.getaddrinfo = lambda name, *rest: lookup("127.0.0.1" if name == "localhost." else name, *rest)""",
}


def resolver(directory: Path) -> dict[str, str]:
    """Return the variables that make both programs use RESOLVER."""
    (directory / "sitecustomize.py").write_text(RESOLVER["python"])
    (directory / "resolver.mjs").write_text(RESOLVER["nodejs"])
    return {"PYTHONPATH": str(directory), "NODE_OPTIONS": f"--import={directory}/resolver.mjs"}


@each_program
def test_a_host_with_a_final_dot(family: str, tmp_path: Path) -> None:
    """source-controller's URLs have a dot at the end of the host; the query is sent as it stands."""
    with serving(sending(ARCHIVE)) as server:
        url = server.url.replace("127.0.0.1", "localhost.") + "?a=b%2Fc"
        assert fetch(family, tmp_path / "code", url, ARCHIVE, **resolver(tmp_path)).code == 0
        assert server.requests == ["GET /gitrepository/ns/name/x.tar.gz?a=b%2Fc HTTP/1.1\r\n"]


@each_program
def test_https(family: str, tmp_path: Path) -> None:
    """Over https the certificate has to be valid for the host, with or without a final dot."""
    require_program("openssl")
    made = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt"), "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", *made]
    subprocess.run(make, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    trust = {"SSL_CERT_FILE": str(tmp_path / "crt"), "NODE_EXTRA_CA_CERTS": str(tmp_path / "crt")} | resolver(tmp_path)
    with serving(sending(ARCHIVE), context=context) as server:
        url = server.url.replace("http:", "https:")
        for number, host in enumerate(("localhost", "localhost.")):
            done = fetch(family, tmp_path / str(number), url.replace("127.0.0.1", host), ARCHIVE, **trust)
            assert (done.code, done.stderr) == (0, "")
        requests = len(server.requests)
        for env in (trust, resolver(tmp_path)):
            host = "127.0.0.1" if env is trust else "localhost"
            done = fetch(family, tmp_path / "no", url.replace("127.0.0.1", host), ARCHIVE, SOURCE_TIMEOUT="1", **env)
            assert "cannot be reached: " in done.last_line
        assert len(server.requests) == requests


@each_program
def test_proxies_are_not_used(family: str, tmp_path: Path) -> None:
    """Variables of a proxy, which a Function may have, change nothing."""
    with serving(sending(ARCHIVE)) as server:
        proxies = {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1", "NODE_USE_ENV_PROXY": "1"}
        assert fetch(family, tmp_path, server.url, ARCHIVE, **proxies).code == 0


@each_program
@pytest.mark.parametrize(
    "first",
    [sending(b"", 503), sending(ARCHIVE[:100], length=len(ARCHIVE)), lambda _: None],
    ids=["unavailable", "closed-early", "no-answer"],
)
def test_momentary_failures_are_repeated(family: str, first: Answer, tmp_path: Path) -> None:
    """source-controller may restart: a second attempt succeeds."""
    with serving(first, sending(ARCHIVE)) as server:
        done = fetch(family, tmp_path, server.url, ARCHIVE)
        assert (done.code, len(server.requests)) == (0, 2), done
    assert files(tmp_path) == EVERYTHING


def dripping(head: bytes, byte: bytes) -> Answer:
    """Return an answer that sends `byte` again and again, each time within any timeout between two bytes."""

    def answer(connection: StreamRequestHandler) -> None:
        connection.wfile.write(head)
        while True:
            connection.wfile.write(byte)
            time.sleep(0.05)

    return answer


@each_program
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"), "did not send the archive within 1 s"),
        (dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), "did not send the archive within 1 s"),
        (dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "did not send the archive within 1 s"),
        (dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "did not send the archive within 1 s"),
        (sending(b"", 503), "answered with status 503"),
        (dripping(b"HTTP/1.1 503 X\r\nContent-Length: 100000\r\n\r\n", b"x"), "answered with status 503"),
        (sending(ARCHIVE[:100], length=len(ARCHIVE)), "did not send the whole archive"),
        (sending(b"", 302, headers="Location: http://127.0.0.1:1/x\r\n"), "a redirect (status 302), which is not"),
        (sending(b"", 404), f"does not have the archive of main@1 ({digest(ARCHIVE)}): source-controller keeps"),
        (sending(b"", 403), "answered with status 403"),
        (sending(ARCHIVE, 206), "answered with status 206"),
        (sending(ARCHIVE + b"x"), f"has another digest: {digest(ARCHIVE + b'x')}"),
        (lambda connection: connection.wfile.write(b"\x1b[2Jgarbage\r\n" * 9), "cannot be reached: "),
        (lambda connection: connection.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n"), "has another digest"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_bad_servers(family: str, answer: Answer, reason: str, tmp_path: Path) -> None:
    """Nothing is unpacked, and the last line names the host and what is wrong with it."""
    with serving(answer) as server:
        line = fetch(family, tmp_path, server.url, ARCHIVE, SOURCE_TIMEOUT="1").last_line
    assert reason in line
    assert "\x1b" not in line
    assert not files(tmp_path)


@each_program
def test_no_server(family: str, tmp_path: Path) -> None:
    """Where nothing listens the last line says so."""
    url = f"http://127.0.0.1:{free_port()}/x"
    assert "cannot be reached" in fetch(family, tmp_path, url, ARCHIVE, SOURCE_TIMEOUT="2").last_line


@each_program
@pytest.mark.parametrize("has_length", [True, False])
def test_a_large_archive_is_not_stored(family: str, has_length: bool, tmp_path: Path) -> None:
    """An archive is cut off at a quarter of SOURCE_MAX_BYTES, with and without Content-Length."""
    data = os.urandom(50_001)
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + (b"Content-Length: 50001\r\n" if has_length else b"")
    with serving(lambda connection: connection.wfile.write(head + b"\r\n" + data)) as server:
        done = fetch(family, tmp_path, server.url, data, SOURCE_MAX_BYTES="200000")
    assert done.last_line == "the archive is refused: it has more than 50000 bytes"


@each_program
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SOURCE_URL", "", "must be an http or https URL"),
        ("SOURCE_URL", "ftp://host/x", "must be an http or https URL"),
        ("SOURCE_URL", "file:///etc/passwd", "must be an http or https URL"),
        ("SOURCE_URL", "http://", "must be an http or https URL"),
        ("SOURCE_URL", "http://host:99999/", "must be an http or https URL"),
        ("SOURCE_URL", "http://host/\r\nX: y", "must be an http or https URL"),
        ("SOURCE_URL", "http://user:secret@host/", "must not contain a user"),
        ("SOURCE_DIGEST", "", "must be sha256: and 64 hexadecimal digits"),
        ("SOURCE_DIGEST", f"sha512:{'0' * 128}", "must be sha256: and 64 hexadecimal digits"),
        ("SOURCE_DIGEST", f"sha256:{'0' * 63}", "must be sha256: and 64 hexadecimal digits"),
        ("SOURCE_DIGEST", f"sha256:{'0' * 64}\n", "must be sha256: and 64 hexadecimal digits"),
        ("SOURCE_PATH", "a/../b", "must not contain .."),
        ("SOURCE_MAX_BYTES", "-1", "must be a whole number from 1 to 9007199254740991"),
        ("SOURCE_TIMEOUT", "86401", "must be a whole number from 1 to 86400"),
    ],
)
def test_bad_settings(family: str, name: str, value: str, reason: str, tmp_path: Path) -> None:
    """The last line names the variable and what is accepted, and nothing is sent."""
    with serving(sending(ARCHIVE)) as server:
        line = fetch(family, tmp_path, server.url, ARCHIVE, **{name: value}).last_line
        assert not server.requests
    assert line.startswith(f"{name}: Invalid value: ")
    assert reason in line
    assert "secret" not in line


PADDED = ARCHIVE + bytes(100_000)
EDGE = bytearray(ARCHIVE[:10]) + b"n" * (65_535 - len(ARCHIVE)) + b"\0" + ARCHIVE[10:]
EDGE[3] |= 8
"""The archive with a file name in its header, so that it ends with the first chunk that Node.js reads."""
NOT_GZIP = "the archive is refused: it is not a tar.gz file"
NO_ARCHIVE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", NOT_GZIP),
    "garbage": (b"garbage" * 1000, NOT_GZIP),
    "tar": (gzip.decompress(ARCHIVE), NOT_GZIP),
    "zstd": (b"\x28\xb5\x2f\xfd" + ARCHIVE, NOT_GZIP),
    "zeros first": (bytes(5) + ARCHIVE, NOT_GZIP),
    "no tar": (gzip.compress(b"garbage" * 1000), "the archive is damaged: "),
    "empty": (gzip.compress(b""), "the archive is damaged: it ends within an entry"),
    "no entries": (gzip.compress(bytes(1024)), "the archive is refused: it is empty"),
    "truncated": (ARCHIVE[:-20], "the archive is damaged: unexpected end of file"),
    "header": (ARCHIVE[:10], "the archive is damaged: unexpected end of file"),
    "checksum": (ARCHIVE[:-8] + bytes(4) + ARCHIVE[-4:], "the archive is damaged: incorrect data check"),
    "length": (ARCHIVE[:-4] + bytes(4), "the archive is damaged: incorrect length check"),
    "half a member": (ARCHIVE + ARCHIVE[:-1], "the archive is damaged: unexpected end of file"),
    "one byte": (ARCHIVE + b"x", "the archive is damaged: unexpected end of file"),
    "many bytes": (ARCHIVE + b"garbage" * 10_000, "the archive is damaged: incorrect header check"),
    "one byte after a chunk": (bytes(EDGE + b"x"), "the archive is damaged: unexpected end of file"),
    "a byte after zeros": (PADDED + b"x", "the archive is damaged: data follows its end"),
    "a member after zeros": (PADDED + ARCHIVE, "the archive is damaged: data follows its end"),
    "zeros and a byte after a chunk": (bytes(EDGE + bytes(9) + b"x"), "the archive is damaged: data follows its end"),
}


@each_program
@pytest.mark.parametrize(("data", "reason"), NO_ARCHIVE.values(), ids=NO_ARCHIVE)
def test_what_is_no_archive(family: str, data: bytes, reason: str, tmp_path: Path) -> None:
    """What has the right digest and is no whole tar.gz is refused, in the same words in both languages."""
    with serving(sending(data)) as server:
        assert fetch(family, tmp_path, server.url, data).last_line.startswith(reason)


WHOLE: dict[str, bytes] = {
    "zeros": ARCHIVE + bytes(10),
    "many zeros": PADDED,
    "zeros after a chunk": bytes(EDGE + bytes(9)),
    "a member": ARCHIVE + gzip.compress(b"tail"),
    "an empty member": ARCHIVE + gzip.compress(b""),
    "a member after a chunk": bytes(EDGE + gzip.compress(b"tail")),
    "zeros after two members": ARCHIVE + gzip.compress(b"tail") + bytes(10),
}


@each_program
@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_what_may_follow(family: str, data: bytes, tmp_path: Path) -> None:
    """Members of gzip may follow each other, and zeros the last one."""
    with serving(sending(data)) as server:
        assert fetch(family, tmp_path, server.url, data).code == 0
    assert files(tmp_path) == EVERYTHING


@each_program
def test_a_directory_that_cannot_be_written(family: str) -> None:
    """A directory that cannot be written is the reason, and nothing is fetched."""
    with serving(sending(ARCHIVE)) as server:
        line = fetch(family, Path("/proc"), server.url, ARCHIVE).last_line
        assert not server.requests
    assert line.startswith("the directory cannot be written: ")


@pytest.mark.parametrize("family", PROGRAMS)
def test_the_images_have_the_program(family: str) -> None:
    """The Dockerfile copies the program, and no mount may cover it."""
    program, folder = Path(PROGRAMS[family][1]), Path(PROGRAMS[family][1]).parent
    copied = [step.rest.split() for step in steps(folder / "Dockerfile") if step.word == "COPY"]
    assert [program.name for names in copied if program.name in names[:-1]] == [program.name]
    assert program.name in {Path(path).name for path in FAMILIES[family].needs}
