"""
Existing Functions go on: what Kyma's servers answer, ours answers too, or differs for a reason that is written down.

The table of tests/local/differential holds answers of Kyma's own servers, recorded by record.py beside it.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local.differential import servers, table
from local.differential.backend import running
from support.cases import ROOT
from support.runtime_servers import NEEDS

TABLE = table.read()
PAGE = ROOT / "docs" / "migrating-from-kyma.md"
ROWS = [
    pytest.param(family, row, id=f"{family}-{name}", marks=NEEDS[family])
    for family in table.FAMILIES
    for name, row in TABLE[family].items()
]


@pytest.fixture(scope="module")
def ours() -> Iterator[Callable[[str, dict[str, Any]], dict[str, Any]]]:
    with running() as backend, contextlib.ExitStack() as stack:
        yield servers.Running(servers.ours, backend, stack).ask


@pytest.mark.sampled
@pytest.mark.parametrize(("family", "row"), ROWS)
def test_answers_as_kyma_or_as_the_table_says(ours: Callable[..., dict[str, Any]], family: str, row: Any) -> None:
    answer = ours(family, row)
    if row["verdict"] == table.EQUAL:
        assert answer == row["kyma"]
    else:
        assert answer != row["kyma"], "the difference is gone: the verdict is equal now"
        assert answer == row["ours"]


def test_every_difference_has_its_sentence_and_every_sentence_a_row() -> None:
    named = {reason for family in table.FAMILIES for row in TABLE[family].values() for reason in table.reasons(row)}
    assert named == set(TABLE["differences"])


def test_page(request: pytest.FixtureRequest) -> None:
    """docs/migrating-from-kyma.md has every difference; --bless writes them."""
    text = PAGE.read_text(encoding="utf-8")
    wanted = text[: text.index("| language |")] + table.page(TABLE)
    if request.config.getoption("--bless"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "run with --bless, then read the diff"


@pytest.mark.parametrize("name", TABLE["differences"])
def test_a_sentence_names_its_language_and_what_kyma_does(name: str) -> None:
    """Readers of the migration page look for their language, and compare both servers."""
    assert re.fullmatch(rf"{table.language(TABLE, name)}: \S.*; .*\bKyma's .*\.", TABLE["differences"][name])


def test_rows_that_are_equal_say_it_once() -> None:
    """A row has an answer of ours exactly where its verdict is a difference."""
    rows = [row for family in table.FAMILIES for row in TABLE[family].values()]
    assert all(("ours" in row) == bool(table.reasons(row)) for row in rows)
    assert len(rows) >= 300


def test_no_two_rows_ask_the_same() -> None:
    """Each pair is counted once."""
    for family in table.FAMILIES:
        questions = Counter(
            repr([row.get(key) for key in ("env", "first", "ask", "watch")]) for row in TABLE[family].values()
        )
        assert [question for question, times in questions.items() if times > 1] == []
