"""
Turns a text of another component into one line for a status.

The line contains no credential, has a bounded length, and is the same for each occurrence of an error: memory
addresses, ports and times are removed. Text is truncated first and every pattern is linear, so any text takes bounded
time. A word that may or may not be a credential is redacted.
"""

import re
from collections.abc import Callable, Iterator

MAX_TEXT_CHARACTERS = 8192
"""How much of a text is read: twice the kubelet's limit of a termination message."""
MAX_LINE_CHARACTERS = 1024
MASK = "***"

# Every repetition is possessive, bounded, or ends where the next search begins. That keeps the search linear.
_URL = re.compile(r"(//|\\/\\/)([^\s\"<>`]++)")
_PORTS = re.compile(r"(?:\[[0-9A-Fa-f:.%]*+\]|[^:,\[\]]*+)(?::\d{0,5}+)?(?:,[^:,]*+(?::\d{0,5}+)?)*+")
"""The text between // and the next slash of a URL without a password: hosts with optional ports."""
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9-]{1,63}+\.)(?:[A-Za-z0-9-]{1,63}+\.){0,16}+[A-Za-z]{2,63}+|localhost|\d{1,3}(?:\.\d{1,3}){3})"
    r"(?=[/:?#,;)'\]]|$)"
)
_AUTHORITY = re.compile(r"[^/?#\\]*+")
_AT_SIGN = re.compile(r"(?<!/)@(?![v^~]?\d)|@(?=\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![.\w-]))")
"""An @ that may end a password: not that of an npm scope or of a version."""

_CREDENTIAL_NAME = re.compile(
    r"(?i)(token|passw(?:or)?d|passphrase|secret|credential|signature|authorization|cookie|session[_-]?id|_auth"
    r"|(?:api|access|private|account|sign(?:ing)?|encryption|master|shared|client|deploy|auth)[_-]?key"
    r"|(?<![a-z])(?:sig|pwd|pass|jwt|auth|sid)(?![a-z]))([\w-]{0,32}+)"
    r"(\\?[\"']?\s?(?::=?|=(?!=)>?|={2,3}(?![=\s]?v?\d))\s?+)"
)
"""A name of a credential, the rest of the word, and the separator. `== 1.0` is a version and no separator."""
_NAME_ENDING = re.compile(r"(?i)s?(?:[_-]?(?:key|value|id|base64|b64))?")
"""How the word may end before a colon: `secrets:` and `secretKey:` name a secret, `secretName:` does not."""
_FLAG = re.compile(r"(?i)(?<!-)--[a-z-]{0,32}?(?:token|passw(?:or)?d|secret|key)(?![\w-])\s(?!-)")
_VALUE = re.compile(
    r"[|>][+-]?\s\S++|\\\"(?:(?!\\\").)*+(?:\\\")?|[bru]{0,2}\"(?:[^\"\\]|\\.)*+\"?|[bru]{0,2}'(?:[^'\\]|\\.)*+'?|\[[^\]]*+\]?|\{[^}]*+\}?"
    r"|(?:[^\s,;&\"']|[,;&](?!\s|$|[\w.-]{1,64}\s?[=:])|[\"'](?![\s,;:)\]}>]|$))*+"
)
"""One value: quoted, in brackets, or up to white space or the next name."""
_SCHEME = re.compile(r"(?:[A-Za-z][\w-]{0,32}+ )?+(?:[\w-]{1,64}+=(?=[^=\s,;]))?+")
_PARAMETER = re.compile(r"[,;] [\w-]{1,64}+=")
"""Start and continuation of the value of an HTTP header: its scheme, and further parameters."""
_PROSE = re.compile(r"(?!(?:bearer|basic|digest|token|apikey|key)\b)[a-z]{1,32}+(?=[:\s])|(?:YES|NO)\)")
"""A plain word with more text after it: "failed to fetch token: unexpected status" contains no token."""

_BLOCKS = (
    (re.compile(r"(?i)(?<=%3a%2f%2f)[^\s\"&@]{1,256}?%40"), ""),
    (re.compile(r"-----BEGIN [^-]{0,64}+-----.*?(?:-----END [^-]{0,64}+-----|$)"), MASK),
    (re.compile(r"\A.*-----END [^-]{0,64}+-----"), MASK),  # the kubelet keeps the end of a log: BEGIN may be cut off
)
"""Users in percent-encoded URLs, and PEM blocks. Their boundaries are gone once the other patterns are applied."""
_CREDENTIAL_FORMATS = (
    (
        re.compile(
            r"\b(?:gh[a-z]_[A-Za-z0-9]{8,}+|github_pat_\w{8,}+|glpat-[\w-]{8,}+|npm_[A-Za-z0-9]{10,}+|pypi-Ag[\w-]{8,}+"
            r"|xox[a-z]-[\w-]{8,}+|xapp-[\w-]{8,}+|A[KS]IA[A-Z0-9]{12,}+|AIza[\w-]{10,}+|ya29\.[\w-]{8,}+"
            r"|hv[sb]\.[\w-]{8,}+|dckr_pat_[\w-]{8,}+|hf_[A-Za-z0-9]{16,}+|[sr]k-[\w-]{20,}+|[sr]k_(?:live|test)_\w{8,}+"
            r"|eyJ[\w-]{10,}+(?:\.[\w-]*+){0,4}+)"
        ),
        MASK,
    ),
    (re.compile(r"((?:^|\s)(?:-u|--user)[ =])[^\s:]{1,64}+:\S++"), rf"\1{MASK}"),
    (re.compile(r"\b([Bb]earer|[Bb]asic) (?=.[a-z._~+/-]{0,64}+[A-Z0-9])[\w.~+/-]{8,}+=*+"), rf"\1 {MASK}"),
)
"""Credentials with a format of their own, which need no name before them."""
_UNSTABLE = (
    (re.compile(r"0x[0-9a-f]{6,}+"), "0x..."),
    (re.compile(r"(?<=\d\.\d)(\d{0,2}):\d{4,5}\b"), r"\1"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*+"), "..."),
)


def one_line(text: str) -> str:
    """Return `text` as one line of at most MAX_LINE_CHARACTERS, without credentials, ports, times and addresses."""
    line = " ".join(_truncate(text).split())
    for pattern, replacement in _BLOCKS:
        line = pattern.sub(replacement, line)
    line = _URL.sub(_remove_user, line)
    line = "".join(_mask_values(line, _CREDENTIAL_NAME, _end_of_credential))
    line = "".join(_mask_values(line, _FLAG, _end_of_flag_value))
    for pattern, replacement in (*_CREDENTIAL_FORMATS, *_UNSTABLE):
        line = pattern.sub(replacement, line)
    return line[:MAX_LINE_CHARACTERS]


def _truncate(text: str) -> str:
    """Return the start of `text` without the word at the limit, which may be half a credential."""
    return text if len(text) <= MAX_TEXT_CHARACTERS else " ".join((*text[:MAX_TEXT_CHARACTERS].split()[:-1], "..."))


def _remove_user(match: re.Match[str]) -> str:
    """Return a URL without user and password; it is masked if it ends inside them."""
    slashes, run = match.groups()
    rest = "".join(_parts_without_users(run))
    return slashes + (rest or MASK)


def _parts_without_users(run: str) -> Iterator[str]:
    """Yield the parts of a URL, split after each //, without users: a URL may contain another one."""
    at = 0
    while at < len(run):
        following = run.find("//", at)
        end = _end_of_user(run, at, len(run) if following < 0 else following)
        following = run.find("//", end)
        at = len(run) if following < 0 else following + 2
        yield run[end:at]


def _end_of_user(run: str, at: int, stop: int) -> int:
    """Return the start of the host. A password may contain a slash or an @, and so may a path."""
    authority = _AUTHORITY.match(run, at, stop)
    name_end = authority.end() if authority else at
    end = run.rfind("@", at, name_end) + 1 or at
    name = run[end:name_end].rstrip(".,:;!?)'")
    if end == at and not _PORTS.fullmatch(name):
        return run.rfind("@", at) + 1 or len(run)
    # `name:1` and a name without a domain may be the start of a password that contains a slash.
    is_incomplete = (":" in name) == (end == at) and not _HOST.match(name)
    for sign in _AT_SIGN.finditer(run, name_end, stop):
        if is_incomplete or _HOST.match(run, sign.end()):
            end = sign.end()
    return end


def _mask_values(line: str, names: re.Pattern[str], end_of_value: Callable[[re.Match[str]], int]) -> Iterator[str]:
    """Yield the parts of `line`, values replaced by MASK; `end_of_value` returns the end of a name without a value."""
    at = done = 0
    while match := names.search(line, at):
        at = end_of_value(match)
        if at > match.end():
            yield line[done : match.end()] + MASK
            done = at
    yield line[done:]


def _end_of_flag_value(match: re.Match[str]) -> int:
    return _end_of_value(match.string, match.end())


def _end_of_credential(match: re.Match[str]) -> int:
    """Return the end of the credential after a name, or the end of the name's first word if there is none."""
    line, at = match.string, match.end()
    word, rest, separator = match.groups()
    has_colon = ":" in separator and "=" not in separator
    if rest.lower().startswith("iz"):  # a tokenizer
        return match.end(1)
    if has_colon and (not _NAME_ENDING.fullmatch(rest) or (_PROSE.match(line, at) and _is_prose(match))):
        return match.end(1)
    if word.lower() not in ("authorization", "cookie"):
        return _end_of_value(line, at)
    scheme = _SCHEME.match(line, at)
    at = _end_of_value(line, scheme.end() if scheme else at)
    while parameter := _PARAMETER.match(line, at):
        at = _end_of_value(line, parameter.end())
    return at


def _is_prose(match: re.Match[str]) -> bool:
    """Return whether a name before a colon and a plain word ends a path, a phrase, or a string in Go's `"%s" : %w`."""
    before = match.string[max(0, match.start() - 64) : match.start()].rpartition(" ")[2]
    is_phrase = not before and match[1] in ("token", "authorization", "signature", "credential")
    return "/" in before or " :" in match[3] or is_phrase or match.string.startswith(("YES)", "NO)"), match.end())


def _end_of_value(line: str, at: int) -> int:
    value = _VALUE.match(line, at)
    return value.end() if value else at
