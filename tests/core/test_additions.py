"""What becomes of foreign changes, row by row, on the model of Metacontroller; docs/drift.md says the same."""

from copy import deepcopy

import pytest
from support import drift_rows
from support.cases import NOW, ROOT, complete, settle
from support.drift_rows import ROWS, Row
from support.offline_metacontroller import LAST_APPLIED, Manifest, World
from support.responses import comparable_child, respond

from hooks.config import Config

CONFIG = Config()
PAGE = ROOT / "docs" / "drift.md"


def settled(spec: Manifest) -> World:
    world = World(complete({"spec": spec}))
    settle(world, CONFIG, NOW)
    return world


# The model knows no adoption of children: tests/cluster/test_foreign_additions.py has those rows.
@pytest.mark.parametrize("row", [row for row in ROWS if "ownerReferences" not in row.field], ids=Row.line)
def test_row(row: Row) -> None:
    """A foreign change is undone or kept as the table says, in as many writes, and nothing is written after that."""
    world = settled(row.spec)
    key = (row.kind, "hello")
    before = world.children[key]
    world.children[key] = changed = row.changed(before)
    writes = settle(world, CONFIG, NOW)
    assert writes.count(f"update {'/'.join(key)}") == row.writes
    after = comparable_child(world.children[key])
    match row.outcome:
        case "healed" | "removed":
            assert after == comparable_child(before)
        case "joined":
            assert after not in (comparable_child(before), comparable_child(changed))
        case "echoed":
            assert after["spec"] == comparable_child(changed)["spec"]
        case "kept":
            assert after == comparable_child(changed)


def test_all_at_once() -> None:
    """Harmful additions to every field, made in one moment, are gone after two writes of each child."""
    world = settled(drift_rows.SPEC)
    before = {key: comparable_child(child) for key, child in world.children.items()}
    # One for each field: two changes of one variable or one probe would be in each other's way.
    rows = {(row.kind, row.field): row for row in ROWS if row.outcome == "removed" and "External" not in row.what}
    assert len(rows) > 15
    for row in rows.values():
        world.children[row.kind, "hello"] = row.changed(world.children[row.kind, "hello"])
    writes = settle(world, CONFIG, NOW)
    assert writes.count("update Service/hello") == writes.count("update Deployment/hello") == 2
    assert {key: comparable_child(child) for key, child in world.children.items()} == before


def test_a_mended_function_lets_go_of_what_it_had_adopted() -> None:
    """A spec that breaks between the two answers holds the addition; the mended one removes it."""
    world = settled(drift_rows.SPEC)
    before = comparable_child(world.children["Service", "hello"])
    world.children["Service", "hello"]["spec"]["selector"]["theirs"] = "x"
    world.apply(respond(world.request()))
    sound = deepcopy(world.parent["spec"])
    world.edit(sound | {"runtime": "cobol"})
    assert settle(world, CONFIG, NOW) == ["status"]
    world.edit(sound)
    settle(world, CONFIG, NOW)
    assert comparable_child(world.children["Service", "hello"]) == before


def test_nothing_is_adopted_without_a_record() -> None:
    """Where nothing says what was last applied (server-side apply), the answer is the usual one."""
    world = settled(drift_rows.SPEC)
    usual = respond(world.request())["children"]
    for child in world.children.values():
        del child["metadata"]["annotations"][LAST_APPLIED]
    world.children["Service", "hello"]["spec"]["selector"]["theirs"] = "x"
    assert respond(world.request())["children"] == usual


def test_page(request: pytest.FixtureRequest) -> None:
    """docs/drift.md has exactly the rows that are tested; --bless writes them."""
    text = PAGE.read_text(encoding="utf-8")
    start = text.index("| kind |")
    wanted = text[:start] + drift_rows.table()
    if request.config.getoption("--bless"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "run with --bless, then read the difference"
