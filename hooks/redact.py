"""
Turn a text that others wrote into one line that may stand in a status.

The line holds no credential, is bounded, and is the same for two occurrences of one fault: addresses of memory, ports
and times are left out. The text is bounded before it is searched and every pattern is linear, so no text of a pod
costs more than a constant. Where it is unclear whether a word is a credential, it is redacted.
"""

import re
from collections.abc import Callable, Iterator

TEXT_CHARACTERS = 8192
"""How much of a text is searched: twice what a kubelet keeps of a termination message."""
LINE_CHARACTERS = 1024
MASK = "***"

# In every pattern a repetition is possessive, bounded, or ends where the next search begins: that keeps it linear.
_URL = re.compile(r"(//|\\/\\/)([^\s\"<>`]++)")
_PORTS = re.compile(r"(?:\[[0-9A-Fa-f:.%]*+\]|[^:,\[\]]*+)(?::\d{0,5}+)?(?:,[^:,]*+(?::\d{0,5}+)?)*+")
"""What may stand between // and the next slash without a password: hosts, each with its port."""
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9-]{1,63}+\.)(?:[A-Za-z0-9-]{1,63}+\.){0,16}+[A-Za-z]{2,63}+|localhost|\d{1,3}(?:\.\d{1,3}){3})"
    r"(?=[/:?#,;)'\]]|$)"
)
_AUTHORITY = re.compile(r"[^/?#\\]*+")
_AT_SIGN = re.compile(r"(?<!/)@(?![v^~]?\d)|@(?=\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![.\w-]))")
"""What may end a password: neither the @ of a scope nor that of a version."""

_KEY = re.compile(
    r"(?i)(token|passw(?:or)?d|passphrase|secret|credential|signature|authorization|cookie|session[_-]?id|_auth"
    r"|(?:api|access|private|account|sign(?:ing)?|encryption|master|shared|client|deploy|auth)[_-]?key"
    r"|(?<![a-z])(?:sig|pwd|pass|jwt|auth|sid)(?![a-z]))([\w-]{0,32}+)"
    r"(\\?[\"']?\s?(?::=?|=(?!=)>?|={2,3}(?![=\s]?v?\d))\s?+)"
)
"""A name that says its value is a credential, the rest of the name, and what separates them. == 1.0 is a version."""
_PLURAL = re.compile(r"(?i)s?(?:[_-]?(?:key|value|id|base64|b64))?")
"""How a name may go on where a colon follows: secretName is no secret."""
_FLAG = re.compile(r"(?i)(?<!-)--[a-z-]{0,32}?(?:token|passw(?:or)?d|secret|key)(?![\w-])\s(?!-)")
_VALUE = re.compile(
    r"[|>][+-]?\s\S++|\\\"(?:(?!\\\").)*+(?:\\\")?|[bru]{0,2}\"(?:[^\"\\]|\\.)*+\"?|[bru]{0,2}'(?:[^'\\]|\\.)*+'?|\[[^\]]*+\]?|\{[^}]*+\}?"
    r"|(?:[^\s,;&\"']|[,;&](?!\s|$|[\w.-]{1,64}\s?[=:])|[\"'](?![\s,;:)\]}>]|$))*+"
)
"""One value: in quotes, in brackets, or up to white space or the next name."""
_SCHEME = re.compile(r"(?:[A-Za-z][\w-]{0,32}+ )?+(?:[\w-]{1,64}+=(?=[^=\s,;]))?+")
_PARAMETER = re.compile(r"[,;] [\w-]{1,64}+=")
"""How the value of a header begins, and how it goes on."""
_PROSE = re.compile(r"(?!(?:bearer|basic|digest|token|apikey|key)\b)[a-z]{1,32}+(?=[:\s])|(?:YES|NO)\)")
"""A plain word that more follows: "failed to fetch token: unexpected status" names no token."""

_WHOLE = (
    (re.compile(r"(?i)(?<=%3a%2f%2f)[^\s\"&@]{1,256}?%40"), ""),
    (re.compile(r"-----BEGIN [^-]{0,64}+-----.*?(?:-----END [^-]{0,64}+-----|$)"), MASK),
    (re.compile(r"\A.*-----END [^-]{0,64}+-----"), MASK),  # a kubelet keeps the end of a log: BEGIN may be cut off
)
_SHAPES = (
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
"""What is a credential by its own shape, whatever stands before it."""
_UNSTABLE = (
    (re.compile(r"0x[0-9a-f]{6,}+"), "0x..."),
    (re.compile(r"(?<=\d\.\d)(\d{0,2}):\d{4,5}\b"), r"\1"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*+"), "..."),
)


def one_line(text: str) -> str:
    """Return `text` as one line of at most LINE_CHARACTERS, without credentials and what changes by itself."""
    line = " ".join(_bounded(text).split())
    for pattern, replacement in _WHOLE:
        line = pattern.sub(replacement, line)
    line = _URL.sub(_without_user, line)
    line = "".join(_masked(line, _KEY, _value_end))
    line = "".join(_masked(line, _FLAG, _flag_end))
    for pattern, replacement in (*_SHAPES, *_UNSTABLE):
        line = pattern.sub(replacement, line)
    return line[:LINE_CHARACTERS]


def _bounded(text: str) -> str:
    """Return the beginning of `text`; a word that the end cuts is left out, since it may be half a credential."""
    return text if len(text) <= TEXT_CHARACTERS else " ".join((*text[:TEXT_CHARACTERS].split()[:-1], "..."))


def _without_user(match: re.Match[str]) -> str:
    """Return a URL without what stands before the @ of its host; one that stops before that @ is masked."""
    slashes, run = match.groups()
    left = "".join(_without_users(run))
    return slashes + (left or MASK)


def _without_users(run: str) -> Iterator[str]:
    """Yield a URL piece by piece, each beginning behind a //: a URL may hold another one."""
    at = 0
    while at < len(run):
        following = run.find("//", at)
        end = _user_end(run, at, len(run) if following < 0 else following)
        following = run.find("//", end)
        at = len(run) if following < 0 else following + 2
        yield run[end:at]


def _user_end(run: str, at: int, stop: int) -> int:
    """Return where the host begins: a password may hold a slash or an @, a path may hold an @ too."""
    authority = _AUTHORITY.match(run, at, stop)
    name_end = authority.end() if authority else at
    end = run.rfind("@", at, name_end) + 1 or at
    name = run[end:name_end].rstrip(".,:;!?)'")
    if end == at and not _PORTS.fullmatch(name):
        return run.rfind("@", at) + 1 or len(run)
    is_half = (":" in name) == (end == at) and not _HOST.match(name)
    for sign in _AT_SIGN.finditer(run, name_end, stop):
        if is_half or _HOST.match(run, sign.end()):
            end = sign.end()
    return end


def _masked(line: str, names: re.Pattern[str], value_end: Callable[[re.Match[str]], int]) -> Iterator[str]:
    """Yield `line` in pieces, with MASK in place of each value; `value_end` is the end of a name that has none."""
    at = done = 0
    while match := names.search(line, at):
        at = value_end(match)
        if at > match.end():
            yield line[done : match.end()] + MASK
            done = at
    yield line[done:]


def _flag_end(match: re.Match[str]) -> int:
    return _after_value(match.string, match.end())


def _value_end(match: re.Match[str]) -> int:
    """Return the end of the credential behind a name, the end of the name's first word if there is none."""
    line, at = match.string, match.end()
    word, rest, separator = match.groups()
    has_colon = ":" in separator and "=" not in separator
    if rest.lower().startswith("iz"):  # a tokenizer
        return match.end(1)
    if has_colon and (not _PLURAL.fullmatch(rest) or (_PROSE.match(line, at) and _is_prose(match))):
        return match.end(1)
    if word.lower() not in ("authorization", "cookie"):
        return _after_value(line, at)
    scheme = _SCHEME.match(line, at)
    at = _after_value(line, scheme.end() if scheme else at)
    while parameter := _PARAMETER.match(line, at):
        at = _after_value(line, parameter.end())
    return at


def _is_prose(match: re.Match[str]) -> bool:
    """Say whether a name before a colon and a plain word is the end of a path, of Go's `"%s" : %w`, or of a phrase."""
    before = match.string[max(0, match.start() - 64) : match.start()].rpartition(" ")[2]
    is_phrase = not before and match[1] in ("token", "authorization", "signature", "credential")
    return "/" in before or " :" in match[3] or is_phrase or match.string.startswith(("YES)", "NO)"), match.end())


def _after_value(line: str, at: int) -> int:
    value = _VALUE.match(line, at)
    return value.end() if value else at
