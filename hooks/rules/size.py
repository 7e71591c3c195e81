"""The bytes that a user's text takes in the annotation where Metacontroller stores a child as last applied."""

from typing import Any

import orjson

SOURCE_BYTES = 200 * 1024
"""For source and dependencies. All annotations of an object together may have 262,144 bytes."""
OTHER_BYTES = 40 * 1024
"""For all other fields that a user adds to a pod."""
MOUNT_BYTES = 160
"""For the volume and the volumeMount of a mounted object, without its name and its path."""


def encoded_bytes(value: Any) -> int:
    """
    Return the bytes of a JSON value as Go encodes it, with every $ doubled, as the hook writes it in variables.

    Go, unlike orjson, escapes <, >, &, U+2028 and U+2029: each takes six bytes.
    """
    text = orjson.dumps(value)
    markup = text.count(b"<") + text.count(b">") + text.count(b"&")
    separators = text.count(b"\xe2\x80\xa8") + text.count(b"\xe2\x80\xa9")
    return len(text) + text.count(b"$") + 5 * markup + 3 * separators
