"""
The content of a gzip file.

It may have several members, and zeros after the last one, as tapes leave them. The gzip module also accepts a member
after such zeros, which Node.js does not.
"""

import zlib
from collections.abc import Iterator
from typing import IO

from function_server.fetch.failure import damaged, refused

CHUNK = 65_536
PACKED_CHUNK = 4096
"""Small, since what follows a member is copied for each member in it."""
GZIP = 16 + zlib.MAX_WBITS


def unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content in pieces of 1 to CHUNK bytes; raises Failure for a file that is damaged or no gzip file."""
    packed = file.read(PACKED_CHUNK)
    if packed[:2] != b"\x1f\x8b":
        raise refused("it is not a tar.gz file")
    while packed and packed[0] != 0:
        decoder = zlib.decompressobj(GZIP)
        yield from _member(decoder, packed, file)
        packed = decoder.unused_data or file.read(PACKED_CHUNK)
    while packed:
        if packed.count(0) != len(packed):
            raise damaged("data follows its end")
        packed = file.read(CHUNK)


def _member(decoder: "zlib._Decompress", packed: bytes, file: IO[bytes]) -> Iterator[bytes]:
    while True:
        try:
            data = decoder.decompress(packed, CHUNK)
        except zlib.error as error:
            raise damaged(str(error).rpartition(": ")[2]) from None
        if data:
            yield data
        elif not packed and not decoder.eof:
            raise damaged("unexpected end of file")
        if decoder.eof:
            return
        packed = decoder.unconsumed_tail or file.read(PACKED_CHUNK)
