"""Changes that others make to children: each row of docs/changes-by-others.md on the offline model."""

from copy import deepcopy

import pytest
from support import drift_rows
from support.cases import NOW, ROOT, complete, settle
from support.drift_rows import ROWS, Row
from support.offline_metacontroller import LAST_APPLIED, Manifest, World
from support.responses import comparable_child, respond

from hooks.config import Config, Git

CONFIG = Config(git=Git(enabled=True))
PAGE = ROOT / "docs" / "changes-by-others.md"


def settled(spec: Manifest) -> World:
    world = World(complete({"spec": spec}), git=True)
    settle(world, CONFIG, NOW)
    return world


# The model does not adopt children: tests/cluster/test_foreign_additions.py runs those rows.
@pytest.mark.parametrize("row", [row for row in ROWS if "ownerReferences" not in row.field], ids=Row.line)
def test_row(row: Row) -> None:
    """Metacontroller undoes or keeps a change as the table says, in as many writes, and then writes nothing."""
    world = settled(row.spec)
    key = (row.kind, "hello")
    before = world.children[key]
    world.children[key] = changed = row.changed(before)
    assert changed != before
    writes = settle(world, CONFIG, NOW)
    assert writes.count(f"update {'/'.join(key)}") == row.writes
    after = comparable_child(world.children[key])
    match row.outcome:
        case "restored" | "removed":
            assert after == comparable_child(before)
        case "joined":
            assert after not in (comparable_child(before), comparable_child(changed))
        case "echoed":
            assert after["spec"] == comparable_child(changed)["spec"]
        case "kept":
            assert after == comparable_child(changed)


def test_all_at_once() -> None:
    """Harmful additions to every field, made at the same time, are removed by two writes of each child."""
    world = settled(drift_rows.SPEC)
    before = {key: comparable_child(child) for key, child in world.children.items()}
    # One for each field, since two changes of one variable or one probe would conflict.
    removed = [row for row in ROWS if row.outcome == "removed" and "External" not in row.what]
    rows = {(row.kind, row.field): row for row in removed if row.kind != "GitRepository"}
    assert len(rows) > 15
    for row in rows.values():
        world.children[row.kind, "hello"] = row.changed(world.children[row.kind, "hello"])
    writes = settle(world, CONFIG, NOW)
    assert writes.count("update Service/hello") == writes.count("update Deployment/hello") == 2
    assert {key: comparable_child(child) for key, child in world.children.items()} == before


def test_a_corrected_spec_removes_an_adopted_addition() -> None:
    """A spec that breaks between adoption and removal freezes the addition; the corrected spec removes it."""
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
    """Without a last-applied record, as under server-side apply, an addition does not change the answer."""
    world = settled(drift_rows.SPEC)
    usual = respond(world.request())["children"]
    for child in world.children.values():
        del child["metadata"]["annotations"][LAST_APPLIED]
    world.children["Service", "hello"]["spec"]["selector"]["theirs"] = "x"
    assert respond(world.request())["children"] == usual


def test_page(request: pytest.FixtureRequest) -> None:
    """docs/changes-by-others.md holds exactly the rows that are tested; --bless writes them."""
    text = PAGE.read_text(encoding="utf-8")
    start = text.index("| kind |")
    wanted = text[:start] + drift_rows.table()
    if request.config.getoption("--bless"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "run with --bless, then read the diff"
