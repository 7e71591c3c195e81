"""How many bytes a user's text takes where Metacontroller keeps its copy of a child: in an annotation, as Go's JSON."""

from typing import Any

import orjson

SOURCE_BYTES = 200 * 1024
"""For source and dependencies. All annotations of an object together may hold 262,144 bytes."""
OTHER_BYTES = 40 * 1024
"""For everything else that a user may write into a pod."""
MOUNT_BYTES = 160
"""What we write around the name and the path of a mounted object: its volume, and where it is mounted."""


def encoded_bytes(value: Any) -> int:
    """
    Return the bytes that JSON `value` takes as Go writes it, with every $ doubled.

    Go's encoder, unlike ours, writes <, > and & as six bytes, U+2028 and U+2029 too.
    """
    text = orjson.dumps(value)
    markup = text.count(b"<") + text.count(b">") + text.count(b"&")
    separators = text.count(b"\xe2\x80\xa8") + text.count(b"\xe2\x80\xa9")
    return len(text) + text.count(b"$") + 5 * markup + 3 * separators
