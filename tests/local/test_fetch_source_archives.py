"""fetch-source of each runtime family with archives that other people have made, hostile ones too."""

import gzip
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fetch_source import each_program, entry, fetch, files, measured, packed, raw, sending, serving

pytestmark = pytest.mark.sampled

DEEP = "/".join("d" * 70)
MIB = 1024**2
MINUS_512 = b"\xff" * 10 + b"\xfe\0"


def changed(data: bytes, at: int, new: bytes) -> bytes:
    """Return an entry with other bytes at `at` of its header, and the checksum that fits."""
    header = data[:at] + new + data[at + len(new) : 512]
    total = sum(header[:148]) + 8 * 32 + sum(header[156:])
    return header[:148] + b"%06o\0 " % total + header[156:] + data[512:]


def record(key: bytes, value: bytes) -> bytes:
    """Return a record of an extended header."""
    size = len(key) + len(value) + 3
    size += len(str(size + len(str(size))))
    return b"%d %s=%s\n" % (size, key, value)


def pax(body: bytes) -> bytes:
    """Return an extended header with exactly this body."""
    return raw(entry("x", body, type=b"x"), form=tarfile.USTAR_FORMAT)


def symlink(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=b"2", linkname=target)


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=b"1", linkname=target)


FILE = entry("fn/a", b"a")
OUTSIDE = "outside of the directory"
TWICE = "is in it twice, or below a file"
REFUSED: dict[str, tuple[bytes, str]] = {
    "absolute": (packed(entry("/etc/x", b"x")), '"/etc/x" is an absolute path'),
    "climbing": (packed(entry("fn/../../x", b"x")), '"fn/../../x" has .. in it'),
    "climbing-elsewhere": (packed(FILE, entry("other/../fn/x")), '"other/../fn/x" has .. in it'),
    "symlink-absolute": (packed(symlink("fn/l", "/etc")), f'"fn/l" is a symbolic link to "/etc", {OUTSIDE}'),
    "symlink-up": (packed(symlink("fn/l", "..")), f'"fn/l" is a symbolic link to "..", {OUTSIDE}'),
    "symlink-up-later": (packed(symlink("fn/d/l", "../a/../../x")), OUTSIDE),
    "symlink-empty": (packed(symlink("fn/l", "")), OUTSIDE),
    "symlink-newline": (packed(symlink("fn/l", "a\nb")), "has control characters"),
    "links-through-links": (packed(symlink("fn/d/up", ".."), symlink("fn/l", "d/up/../x")), OUTSIDE),
    "file-through-symlink": (packed(symlink("fn/l", "d"), entry("fn/l/x", b"x")), f'"l" {TWICE}'),
    "file-over-symlink": (packed(symlink("fn/l", "a"), entry("fn/l", b"x")), f'"l" {TWICE}'),
    "hard-link-absolute": (packed(hard_link("fn/l", "/etc/passwd")), '"/etc/passwd" is an absolute path'),
    "hard-link-up": (packed(hard_link("fn/l", "fn/../../x")), "has .. in it"),
    "hard-link-elsewhere": (packed(entry("b"), hard_link("fn/l", "b")), f'"fn/l" is a hard link to "b", {OUTSIDE}'),
    "hard-link-nowhere": (packed(hard_link("fn/l", "fn/b")), "which is no file before it"),
    "hard-link-later": (packed(hard_link("fn/l", "fn/a"), FILE), "which is no file before it"),
    "hard-link-directory": (packed(hard_link("fn/l", "fn")), "which is no file before it"),
    "hard-link-symlink": (packed(FILE, symlink("fn/s", "a"), hard_link("fn/l", "fn/s")), "which is no file before it"),
    "device": (packed(entry("fn/null", type=b"3", devmajor=1, devminor=3)), '"fn/null" is a device'),
    "block-device": (packed(entry("fn/sda", type=b"4")), '"fn/sda" is a device'),
    "fifo": (packed(entry("fn/pipe", type=b"6")), '"fn/pipe" is a fifo'),
    "sparse-gnu": (packed(entry("fn/s", b"x", type=b"S"), form=tarfile.GNU_FORMAT), '"fn/s" is a sparse file'),
    "sparse-pax": (packed(entry("fn/s", b"1\n0\n", pax_headers={"GNU.sparse.major": "1"})), "is a sparse file"),
    "unknown-type": (packed(entry("fn/v", type=b"V")), '"fn/v" is a entry of an unknown type'),
    "newline": (packed(entry("fn/a\nb")), '"fn/a\\nb" has control characters'),
    "escape": (packed(entry("fn/\x1b[2J")), '"fn/\\u001b[2J" has control characters'),
    "nul": (packed(entry("fn/a", pax_headers={"path": "fn/a\0b"})), '"fn/a\\u0000b" has control characters'),
    "no-utf-8": (packed(entry("fn/\udcff")), "is not UTF-8"),
    "long-name": (packed(entry("fn/" + "n" * 256)), "is too long: 255 bytes are allowed, 1024 with directories"),
    "long-path": (packed(entry("fn/" + "nnn/" * 300)), "is too long: 255 bytes are allowed, 1024 with directories"),
    "long-target": (packed(symlink("fn/l", "n/" * 600)), "is too long"),
    "deep": (packed(entry(f"fn/{DEEP}/x")), "has more than 64 directories"),
    "twice": (packed(FILE, FILE), f'"fn/a" {TWICE}'),
    "file-over-directory": (packed(entry("fn/d/x"), entry("fn/d", b"x")), f'"fn/d" {TWICE}'),
    "directory-over-file": (packed(FILE, entry("fn/a", type=b"5")), TWICE),
    "below-a-file": (packed(FILE, entry("fn/a/b/c", b"x")), f'"fn/a/b/c" {TWICE}'),
    "own-name": (packed(entry("fn/.fetched-source", b"x")), "has a name that is reserved"),
    "no-path": (packed(entry("else/a")), 'it has no directory "fn"'),
    "path-is-a-prefix": (packed(entry("fn2/a")), 'it has no directory "fn"'),
    "path-is-a-file": (packed(entry("fn", b"x")), '"fn" is a file, not a directory'),
    "path-is-a-symlink": (packed(symlink("fn", "else")), '"fn" is a symbolic link, not a directory'),
    "pax-size-too-small": (packed(pax(b"10 size=1\n"), entry("fn/a", b"a" * 600)), "damaged: "),
    "pax-size-negative": (packed(pax(b"11 size=-1\n"), FILE), 'damaged: an entry has the size "-1"'),
    "pax-size-huge": (packed(pax(b"24 size=999999999999999\n"), FILE), "its files need more than"),
    "pax-record-too-long": (packed(pax(b"99 path=fn/b\n"), FILE), "damaged: an extended header has a broken record"),
    "pax-record-too-short": (packed(pax(b"3 path=fn/b\n"), FILE), "damaged: an extended header has a broken record"),
    "pax-record-of-nothing": (packed(pax(b"0 path=fn/b\n"), FILE), "damaged: an extended header has a broken record"),
    "pax-record-negative": (packed(pax(b"-5 path=fn/b\n"), FILE), "damaged: an extended header has a broken record"),
    "pax-record-digits": (packed(pax(b"1" * 99_999), FILE), "damaged: an extended header has a broken record"),
    "pax-large": (packed(pax(b"x" * 262_145), FILE), "it has an extended header of more than 262144 bytes"),
    "long-name-large": (packed(entry("x", b"x" * 262_145, type=b"L"), FILE), "more than 262144 bytes"),
    "negative-size": (packed(changed(raw(entry("fn/a")), 124, MINUS_512)), "damaged: "),
    "huge-size": (packed(changed(raw(entry("fn/a")), 124, b"\x80" + b"\x7f" * 11)), "its files need more than"),
    "bad-number": (packed(changed(raw(entry("fn/a")), 124, b"12x45678901\0")), "damaged: "),
    "bad-checksum": (packed(FILE, raw(entry("fn/b"))[:-400] + b"x" + bytes(399)), "damaged: "),
    "garbage-between": (packed(FILE, b"garbage!" * 64, entry("fn/b")), "damaged: "),
    "no-end": (gzip.compress(raw(FILE)), "damaged: it ends within an entry"),
    "half-a-file": (gzip.compress(raw(FILE)[:700]), "damaged: it ends within an entry"),
    "data-after-the-end": (packed(FILE) + zlib.compress(b"x"), "damaged: "),
}


@each_program
@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_hostile_archives(family: str, data: bytes, reason: str, tmp_path: Path) -> None:
    """An archive with one bad entry is refused as a whole, in one line that names it; nothing outside is touched."""
    code = tmp_path / "volume" / "code"
    with serving(sending(data)) as server:
        line = fetch(family, code, server.url, data, SOURCE_PATH="fn").last_line
    assert line.startswith("the archive is ")
    assert reason in line
    assert len(line) < 400
    assert {path.name for path in code.iterdir()} == {".fetching-source"}
    assert [path.name for path in tmp_path.rglob("*") if code not in path.parents] == ["volume", "code"]


ODD = ["-rf", "a b", "a\\b", "$(id)", "'\"", "C:", "...", "__proto__"]
ACCEPTED: dict[str, tuple[bytes, dict[str, str]]] = {
    "symlinks": (
        packed(FILE, symlink("fn/d/up", ".."), symlink("fn/d/l", "../a"), symlink("fn/x", "d/l"), symlink("fn/y", "z")),
        {"a": "a", "d/up": "-> ..", "d/l": "-> ../a", "x": "-> d/l", "y": "-> z"},
    ),
    "symlink-loop": (packed(symlink("fn/a", "b"), symlink("fn/b", "a")), {"a": "-> b", "b": "-> a"}),
    "hard-link": (packed(FILE, hard_link("fn/d/b", "./fn/a")), {"a": "a", "d/b": "a"}),
    "links-elsewhere": (
        packed(symlink("l", "/etc"), entry("null", type=b"3"), hard_link("h", "../x"), FILE),
        {"a": "a"},
    ),
    "gnu-long-names": (
        packed(entry("fn/" + "é/" * 60 + "n" * 200, b"x"), form=tarfile.GNU_FORMAT),
        {"é/" * 60 + "n" * 200: "x"},
    ),
    "pax-long-names": (packed(entry("fn/" + "é" * 127 + "/中" * 40, b"x")), {"é" * 127 + "/中" * 40: "x"}),
    "gnu-long-target": (packed(symlink("fn/l", "n/" * 200), form=tarfile.GNU_FORMAT), {"l": "-> " + "n/" * 200}),
    "ustar-prefix": (
        packed(entry(f"fn/{'d' * 90}/{'n' * 90}", b"x"), form=tarfile.USTAR_FORMAT),
        {f"{'d' * 90}/{'n' * 90}": "x"},
    ),
    "pax-size": (packed(pax(b"10 size=1\n"), changed(raw(FILE), 124, b"00000000000\0")), {"a": "a"}),
    "pax-others": (
        packed(
            entry("g", record(b"comment", b"0" * 40), type=b"g"),
            pax(record(b"SCHILY.xattr.user.x", b"\n\0\xff\n5\n") + record(b"path", b"fn/overridden")),
            entry("x", b"x"),
        ),
        {"overridden": "x"},
    ),
    "dots-and-slashes": (
        packed(entry("./", type=b"5"), entry("./fn//./b", b"b"), entry("././fn/", type=b"5")),
        {"b": "b"},
    ),
    "directories-twice": (packed(entry("fn", type=b"5"), FILE, entry("fn", type=b"5")), {"a": "a"}),
    "directory-with-size": (packed(changed(raw(entry("fn/d", type=b"5")), 124, b"00000010000\0"), FILE), {"a": "a"}),
    "two-gzip-members": (gzip.compress(raw(FILE)) + gzip.compress(bytes(1024)), {"a": "a"}),
    "odd-names": (packed(*(entry(f"fn/{name}", b"x") for name in ODD)), dict.fromkeys(ODD, "x")),
}


@each_program
@pytest.mark.parametrize(("data", "found"), ACCEPTED.values(), ids=ACCEPTED)
def test_unusual_archives(family: str, data: bytes, found: dict[str, str], tmp_path: Path) -> None:
    """What is unusual and harmless is unpacked."""
    with serving(sending(data)) as server:
        done = fetch(family, tmp_path, server.url, data, SOURCE_PATH="fn")
    assert (done.code, done.stderr) == (0, "")
    assert files(tmp_path) == found


def repeated(block: bytes, mebibytes: int) -> bytes:
    """Return gzip members that unpack to so many times a mebibyte of a repeated block."""
    return gzip.compress(block * (MIB // len(block)), mtime=0) * mebibytes


def zeros(*before: bytes) -> bytes:
    return gzip.compress(b"".join(before)) + repeated(bytes(1024), 256)


# Made by the test that needs them: some take as long as all others together.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "zeros": (zeros, "it unpacks to more than 33554432 bytes"),
    "file-elsewhere": (lambda: zeros(changed(raw(entry("b")), 124, b"02000000000\0")), "unpacks to more than"),
    "file": (lambda: zeros(changed(raw(entry("fn/b")), 124, b"02000000000\0")), "more than 8388608 bytes"),
    "files": (lambda: packed(*(entry(f"fn/{n}", b"x") for n in range(2049))), "more than 8388608 bytes"),
    "directories": (lambda: packed(*(entry(f"fn/{n}/a/b/c") for n in range(600))), "more than 8388608 bytes"),
    "hard-links": (
        lambda: packed(FILE, *(hard_link(f"fn/{n}", "fn/a") for n in range(2049))),
        "more than 8388608 bytes",
    ),
}
MANY: dict[str, tuple[Callable[[], bytes], str]] = {
    "entries": (lambda: repeated(raw(entry("b")), 500), "it has more than 100000 entries"),
    "extended-headers": (lambda: repeated(pax(record(b"path", b"fn/n")), 1000), "more than 100000 entries"),
    "symlinks": (lambda: packed(*(symlink(f"fn/{n}", "n/" * 400) for n in range(10_001))), "10000 symbolic links"),
}


@each_program
@pytest.mark.parametrize(("make", "reason"), BOMBS.values(), ids=BOMBS)
def test_bombs(family: str, make: Callable[[], bytes], reason: str, tmp_path: Path) -> None:
    """What unpacks to more than allowed is refused, and the program stays small."""
    data = make()
    with serving(sending(data)) as server:
        done, peak = measured(family, tmp_path, server.url, data, SOURCE_PATH="fn", SOURCE_MAX_BYTES=str(16 * MIB))
    assert reason in done.last_line
    assert peak < 100 * MIB


@each_program
@pytest.mark.parametrize(("make", "reason"), MANY.values(), ids=MANY)
def test_many_entries(family: str, make: Callable[[], bytes], reason: str, tmp_path: Path) -> None:
    """The number of entries is limited too, and the program stays small: an XS pod has 256Mi."""
    data = make()
    with serving(sending(data)) as server:
        done, peak = measured(family, tmp_path, server.url, data, SOURCE_PATH="fn")
    assert reason in done.last_line
    assert peak < 160 * MIB


names = st.text(st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="/"), min_size=1, max_size=60)
paths = st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=6).map("/".join)


@each_program
@settings(max_examples=10)
@given(
    tree=st.lists(st.tuples(paths, st.binary(max_size=1100), st.booleans()), max_size=8),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_archives_of_tarfile(
    family: str, tree: list[tuple[str, bytes, bool]], form: Literal[1, 2], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What Python's tarfile packs is unpacked: every name, byte and x bit."""
    parts = [entry(f"fn/{n}/{path}", data, mode=0o700 if x else 0o600) for n, (path, data, x) in enumerate(tree)]
    data = packed(entry("fn", type=b"5"), *parts, form=form)
    code = tmp_path_factory.mktemp("code")
    with serving(sending(data)) as server:
        done = fetch(family, code, server.url, data, SOURCE_PATH="fn")
    assert (done.code, done.stderr) == (0, "")
    for n, (path, content, is_executable) in enumerate(tree):
        found = code / str(n) / path
        assert (found.read_bytes(), bool(found.stat().st_mode & 0o100)) == (content, is_executable)


@each_program
@settings(max_examples=10)
@given(at=st.integers(0, 511), junk=st.binary(min_size=1, max_size=12), which=st.integers(0, 2))
def test_changed_headers(
    family: str, at: int, junk: bytes, which: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever a header has, the archive is unpacked or refused in one line."""
    parts = [raw(entry("fn/a", b"a" * 600)), raw(symlink("fn/l", "a" * 120)), raw(FILE)]
    parts[which] = changed(parts[which], min(at, 512 - len(junk)), junk)
    data = packed(*parts)
    code = tmp_path_factory.mktemp("volume") / "code"
    with serving(sending(data)) as server:
        done = fetch(family, code, server.url, data, SOURCE_PATH="fn")
    assert done.code == 0 or done.last_line.startswith("the archive is "), done
    assert [path.name for path in code.parent.iterdir()] == ["code"]


@each_program
@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "pax"])
def test_archives_of_gnu_tar(family: str, form: str, tmp_path: Path) -> None:
    """What tar packs in each of its formats is unpacked."""
    if "GNU tar" not in subprocess.run(["tar", "--version"], check=True, capture_output=True, text=True).stdout:
        pytest.skip("LEFT OUT: tar is not GNU tar")
    code, name = tmp_path / "fn", "n" * (30 if form == "v7" else 99)
    deep = code / ("d" * 40) / ("e" * 20)
    deep.mkdir(parents=True)
    (deep / name).write_text("x" * 100_000)
    (code / "a").write_text("a")
    (code / "b").hardlink_to(code / "a")
    (code / "l").symlink_to("d" * 40)
    command = ["tar", f"--format={form}", "--owner=else:4711", "-C", str(tmp_path), "-cz", "./fn"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    with serving(sending(data)) as server:
        done = fetch(family, tmp_path / "to", server.url, data, SOURCE_PATH="fn")
    assert (done.code, done.stderr) == (0, "")
    assert files(tmp_path / "to") == files(code)


@each_program
def test_archives_of_git(family: str, tmp_path: Path) -> None:
    """What `git archive` packs is unpacked."""
    if not shutil.which("git"):
        pytest.skip("LEFT OUT: git is not on PATH")
    git = ["git", "-C", str(tmp_path / "repository"), "-c", "user.name=x", "-c", "user.email=x@y"]
    (tmp_path / "repository" / "fn").mkdir(parents=True)
    (tmp_path / "repository" / "fn" / "é中").write_text("x")
    (tmp_path / "repository" / "fn" / "l").symlink_to("é中")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *arguments], check=True)
    data = subprocess.run([*git, "archive", "--format=tar.gz", "HEAD"], check=True, capture_output=True).stdout
    with serving(sending(data)) as server:
        done = fetch(family, tmp_path / "to", server.url, data, SOURCE_PATH="fn")
    assert (done.code, done.stderr) == (0, "")
    assert files(tmp_path / "to") == {"é中": "x", "l": "-> é中"}
