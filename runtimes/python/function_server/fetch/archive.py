"""
The entries of a tar.gz, one after the other.

tarfile decodes the headers. What connects them is read here: tarfile.TarFile holds extended headers of any size in
memory, takes quadratic time for some sparse files, and mistakes a broken header for the end of the archive.
"""

import re
import tarfile
from collections.abc import Iterator
from typing import IO, NamedTuple

from function_server.fetch.failure import damaged, quoted, refused
from function_server.fetch.gunzip import CHUNK, unpacked

MAX_ENTRIES = 100_000
MAX_EXTENDED_BYTES = 256 * 1024
"""Limit of one extended header; the longest path has 4,096 bytes, and extended attributes are small."""
PAX, GLOBAL = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE), tarfile.XGLTYPE
KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "fifo",
    tarfile.GNUTYPE_SPARSE: "sparse file",
}


class Entry(NamedTuple):
    """`kind` is a value of KINDS, or "entry of an unknown type"; `target` is that of a link."""

    name: str
    kind: str
    is_executable: bool
    target: str


class Stream:
    """An unpacked stream of at most `limit` bytes; raises Failure where it is damaged or longer."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._source = unpacked(file)
        self._rest = memoryview(b"")
        self._limit = self._left = limit

    def some(self, size: int) -> bytes:
        """Return 1 to `size` bytes, or b"" at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._source, b""))
            self._left -= len(self._rest)
        if self._left < 0:
            raise refused(f"it unpacks to more than {self._limit} bytes")
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield `size` bytes."""
        while size > 0:
            data = self.some(min(size, CHUNK))
            if not data:
                raise damaged("it ends within an entry")
            size -= len(data)
            yield data


def entries(stream: Stream) -> Iterator[tuple[Entry, int, Iterator[bytes]]]:
    """
    Yield each entry with the size and the chunks of its content, of which any number may be taken.

    Raises Failure for a damaged archive, and for more than MAX_ENTRIES headers.
    """
    extended: dict[str, str] = {}
    for _ in range(MAX_ENTRIES):
        header = _header(stream)
        if header is None:
            return
        size = _size(header, extended)
        content = stream.chunks(size)
        if header.type in (*PAX, GLOBAL, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            extended |= _extended(header, size, content)
        else:
            yield _entry(header, extended), size, content
            extended = {}
        _drain(content)
        _drain(stream.chunks(-size % tarfile.BLOCKSIZE))
    raise refused(f"it has more than {MAX_ENTRIES} entries")


def _header(stream: Stream) -> tarfile.TarInfo | None:
    """Return the next header; at the end of the archive read the rest and return None."""
    block = b"".join(stream.chunks(tarfile.BLOCKSIZE))
    if block.count(0) == len(block):
        while stream.some(CHUNK):
            pass
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise damaged(str(error)) from None


def _size(header: tarfile.TarInfo, extended: dict[str, str]) -> int:
    """Return the number of bytes that follow the header: none for links, directories and devices."""
    if KINDS.get(header.type, "file") not in ("file", "sparse file"):
        return 0
    is_entry = header.type in KINDS
    size = int(extended["size"]) if is_entry and "size" in extended else header.size
    if size < 0:
        raise damaged("an entry has a negative size")
    return size


def _entry(header: tarfile.TarInfo, extended: dict[str, str]) -> Entry:
    name = extended.get("path", header.name)
    kind = "sparse file" if "sparse" in extended else KINDS.get(header.type, "entry of an unknown type")
    return Entry(name, kind, bool(header.mode & 0o111), extended.get("linkpath", header.linkname))


def _extended(header: tarfile.TarInfo, size: int, content: Iterator[bytes]) -> dict[str, str]:
    """Return what an extended header says about the next entry: path, linkpath, size, sparse."""
    if size > MAX_EXTENDED_BYTES:
        raise refused(f"it has an extended header of more than {MAX_EXTENDED_BYTES} bytes")
    body = b"".join(content)
    if header.type in PAX:
        return dict(_records(body))
    if header.type == GLOBAL:
        return {}
    name = body.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return {"path" if header.type == tarfile.GNUTYPE_LONGNAME else "linkpath": name}


def _records(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield the records of a pax header that matter. Each is "LENGTH KEY=VALUE\\n", and LENGTH counts all of it."""
    position = 0
    while position < len(body):
        length = re.compile(rb"[0-9]{1,6}(?= )").match(body, position)
        end = position + int(length[0]) if length else 0
        key, equals, value = body[length.end() + 1 if length else 0 : end].partition(b"=")
        if not (equals and value.endswith(b"\n") and end <= len(body)):
            raise damaged("an extended header has a broken record")
        if key in (b"path", b"linkpath"):
            yield key.decode(), value[:-1].decode("utf-8", "surrogateescape")
        if key == b"size":
            yield "size", _digits(value[:-1])
        if key.startswith(b"GNU.sparse."):
            yield "sparse", ""
        position = end


def _digits(value: bytes) -> str:
    if not re.fullmatch(rb"[0-9]{1,15}", value):
        raise damaged(f"an entry has the size {quoted(value.decode('latin-1'))}")
    return value.decode()


def _drain(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass
