"""
Strings on which a regular expression takes the longest, made from the expression itself.

An expression backtracks in a long run of text that one of its repetitions matches, before text that does not match. So
each piece of the expression is repeated, alone and in pairs, with and without a beginning that leads to the repetition.
"""

import gc
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LARGEST = 131_072
"""Characters of a requirements.txt, the longest text that any expression is matched with."""
SCREENED = 1000
"""Characters at which the slowest strings are chosen: a cubic expression takes seconds, a quadratic milliseconds."""
FLOOR_SECONDS = 0.03
"""Shorter times are harmless, and cannot be compared."""
RATIO = 8.0
"""For four times the text, four times the time is linear and sixteen times quadratic; noise may double either."""
ROUNDS = 12
"""Other processes only add time, so a size is measured this often at most, until the least time passes."""
MOST_PIECES = 12

_CATEGORIES = {
    op.CATEGORY_DIGIT: "0",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_NOT_WORD: " ",
}
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_ANY = " a0A-_.:/\"'=@,;\\\n\0é"


def pumps(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the beginning, the repeated text and the end of every string."""
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    pieces = list(dict.fromkeys(piece for piece in _pieces(tree) if piece))
    pieces = sorted(pieces, key=len)
    pieces = [*pieces[: MOST_PIECES // 2], *pieces[MOST_PIECES // 2 :][-MOST_PIECES // 2 :]]
    repeated = [*pieces, *map("".join, itertools.permutations(pieces, 2))]
    begins = list(dict.fromkeys(["", *_leads(tree)]))[:4]
    return itertools.product(begins, repeated, ("\0",))


def _pieces(tree: Any) -> Iterator[str]:
    """Yield a text for every part of an expression at every depth."""
    literals = ""
    for code, argument in tree:
        literals = literals + chr(argument) if code is op.LITERAL else ""
        yield literals
        yield from _of_class(code, argument)
        yield _shortest([(code, argument)])
        for inner in _inner(code, argument):
            yield _shortest(inner)
            yield from _pieces(inner)


def _of_class(code: Any, argument: Any) -> Iterator[str]:
    """Yield characters from both ends of each range of a class."""
    if code is op.IN:
        matches = re.compile(_class_text(argument))
        yield from (character for character in _ANY if matches.match(character))
        for kind, value in argument:
            if kind is op.RANGE:
                yield from map(chr, value)


def _class_text(argument: Any) -> str:
    words = {op.CATEGORY_DIGIT: r"\d", op.CATEGORY_SPACE: r"\s", op.CATEGORY_WORD: r"\w"}
    words |= {op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_NOT_WORD: r"\W"}
    text = ""
    for kind, value in argument:
        match kind:
            case op.NEGATE:
                text += "^"
            case op.LITERAL:
                text += re.escape(chr(value))
            case op.RANGE:
                text += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
            case op.CATEGORY:
                text += words[value]
    return f"[{text}]"


def _inner(code: Any, argument: Any) -> Iterator[Any]:
    """Yield the expressions within one part of an expression."""
    if code in _REPEATS:
        yield argument[2]
    elif code is op.SUBPATTERN:
        yield argument[3]
    elif code is op.ATOMIC_GROUP:
        yield argument
    elif code is op.BRANCH:
        yield from argument[1]
    elif code in (op.ASSERT, op.ASSERT_NOT):
        yield argument[1]


def _shortest(tree: Any) -> str:
    """Return a short text that an expression matches or nearly matches, with each repetition at least once."""
    text = ""
    for code, argument in tree:
        if code is op.LITERAL:
            text += chr(argument)
        elif code is op.IN:
            text += next(_of_class(code, argument), "")
        elif code in (op.ANY, op.NOT_LITERAL):
            text += "a" if argument != ord("a") else "b"
        elif code in _REPEATS:
            text += _shortest(argument[2]) * max(1, min(argument[0], 40))
        elif code not in (op.ASSERT, op.ASSERT_NOT):
            text += next((_shortest(inner) for inner in _inner(code, argument)), "")
    return text


def _leads(tree: Any) -> Iterator[str]:
    """Yield a text before each part of an expression, first of the outermost level."""
    for index in range(1, len(tree)):
        yield _shortest(list(tree)[:index])
    for code, argument in tree:
        for inner in _inner(code, argument):
            yield from _leads(inner)


def slowest(
    run: Callable[[str], Any], texts: Iterable[tuple[str, str, str]], count: int = 3
) -> list[tuple[str, str, str]]:
    """Return the `count` slowest strings at SCREENED characters; fail if one is not linear at fewer."""
    measured = []
    for parts in texts:
        for length in (10, 15, 20, 25, 250, SCREENED):
            if (seconds := cpu_seconds(run, text(parts, length))) > FLOOR_SECONDS:
                check_growth(run, parts, length)
        measured.append((seconds, parts))
    return [parts for _, parts in sorted(measured, reverse=True)[:count]]


def check_linear(run: Callable[[str], Any], parts: tuple[str, str, str], largest: int = LARGEST) -> None:
    """Fail if the time of `run` grows faster than the text, up to `largest` characters."""
    length = SCREENED
    while length < largest:
        length = min(2 * length, largest)
        if cpu_seconds(run, text(parts, length)) > FLOOR_SECONDS:
            check_growth(run, parts, length)


def check_growth(run: Callable[[str], Any], parts: tuple[str, str, str], length: int) -> None:
    """Fail unless the time for a length is less than RATIO times that for a quarter of it, in ROUNDS rounds."""
    quarter, whole = float("inf"), float("inf")
    for _ in range(ROUNDS):
        quarter = min(quarter, cpu_seconds(run, text(parts, length // 4)))
        whole = min(whole, cpu_seconds(run, text(parts, length)))
        if whole < FLOOR_SECONDS or whole < RATIO * quarter:
            return
    raise AssertionError(f"{parts!r}: {length // 4} characters take {quarter:.3f} s, {length} take {whole:.3f} s")


def text(parts: tuple[str, str, str], length: int) -> str:
    begin, repeated, end = parts
    return begin + (repeated * (length // len(repeated) + 1))[:length] + end


def cpu_seconds(run: Callable[[str], Any], value: str) -> float:
    """Return the CPU time of one run, without garbage collection, whose time depends on other tests."""
    gc.disable()
    try:
        begin = time.process_time()
        run(value)
        return time.process_time() - begin
    finally:
        gc.enable()
