"""
The patterns of texts in a Function's spec, each with the words for what it matches.

crds/functions.yaml has the same patterns. The API server repeats a pattern in its message; the hook states it in words.
"""

from enum import StrEnum

from hooks.kubernetes_names import SUBDOMAIN_SHAPE, VARIABLE_SHAPE


class Pattern(StrEnum):
    """A regular expression, as a str. `words` state what it matches, except for the length; `example` is a match."""

    words: str
    example: str

    def __new__(cls, regex: str, words: str, example: str) -> "Pattern":
        found = str.__new__(cls, regex)
        found._value_, found.words, found.example = regex, words, example
        return found

    @classmethod
    def of(cls, regex: str) -> "Pattern":
        """Return the row of a regular expression; raises KeyError if there is none."""
        return {each.value: each for each in cls}[regex]

    @property
    def message(self) -> str:
        """The message for a text that does not match."""
        return f"{self.words}, such as {self.example}"

    RUNTIME = r"^[a-z][a-z0-9-]*$", "must consist of a-z, 0-9 and '-', and start with a letter", "python312"
    OBJECT_NAME = (
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        SUBDOMAIN_SHAPE,
        "my-name",
    )
    LABEL_VALUE = (
        r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
        "must be empty, or letters, digits, '-', '_' and '.', first and last a letter or digit",
        "my-value",
    )
    CONFIG_KEY = (
        r"^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$",
        "must consist of letters, digits, '-', '_' and '.', and be neither '.' nor start with '..'",
        "app.properties",
    )
    VARIABLE_NAME = r"^[ -<>-~]*$", VARIABLE_SHAPE, "MY_NAME"
    RESOURCE_FIELD = (
        r"^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.*)$",
        "must be 'limits.' or 'requests.' and then cpu, memory, ephemeral-storage or hugepages-<size>",
        "limits.memory",
    )
    MOUNT_PATH = (
        r"^/[^:\x00-\x1f\x7f]*$",
        "must be an absolute path without ':' and control characters",
        "/etc/config",
    )
    INTERVAL = (
        r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$",
        "must be whole hours, minutes and seconds in this order, each optional and of at most 6 digits",
        "1h30m",
    )
    LOCALHOST_PROFILE = (
        r"^[!-~]([ -~]*[!-~])?$",
        "must consist of printable ASCII characters, first and last not a space",
        "my-profile",
    )
    SYSCTL = (
        r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
        "must be parts joined by '.' or '/': each a-z, 0-9, '-' and '_', first and last a letter or digit",
        "net.ipv4.tcp_syncookies",
    )
