"""The table: read, written in one canonical form, and the rows with their names."""

from pathlib import Path
from typing import Any

import yaml
from support.yaml_files import read_yaml

FILE = Path(__file__).with_name("table.yaml")
FAMILIES = ("python", "nodejs")
EQUAL, UNJUDGED = "equal", "?"
HEADER = """\
# Requests to handlers of python/ and nodejs/, and their answers: `kyma` is what Kyma's own server answered, `ours` what
# this one answers where it differs; `verdict` is equal, or names the reason under `differences`.
# record.py writes `kyma` and `ours`; people write the rest. asking.py says what of an answer is recorded.
"""
ORDER = ("env", "first", "ask", "watch", "kyma", "ours", "verdict")
LANGUAGES = {("nodejs", "python"): "Both", ("nodejs",): "Node.js", ("python",): "Python"}


def read() -> dict[str, Any]:
    """Return `differences`, and for each family a map of names to rows."""
    table: dict[str, Any] = read_yaml(FILE)
    return table


def write(table: dict[str, Any]) -> None:
    """Write the table, sorted, one line for each part of a row."""
    lines = [HEADER, "differences:\n"]
    lines += [f"  {name}: {_flow(table['differences'][name])}\n" for name in sorted(table["differences"])]
    for family in FAMILIES:
        lines.append(f"\n{family}:\n")
        for name in sorted(table[family]):
            row = table[family][name]
            lines.append(f"  {_flow(name)}:\n")
            lines += [f"    {key}: {_flow(row[key])}\n" for key in ORDER if key in row]
    FILE.write_text("".join(lines), encoding="utf-8")


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def reasons(row: dict[str, Any]) -> list[str]:
    """Return the names of the row's differences, none for an equal one."""
    verdict = row["verdict"]
    if verdict == EQUAL:
        return []
    return verdict if isinstance(verdict, list) else [verdict]


def language(table: dict[str, Any], name: str) -> str:
    """Return "Python", "Node.js" or "Both", by the rows that have the difference `name`."""
    families = sorted(family for family in FAMILIES if any(name in reasons(row) for row in table[family].values()))
    return LANGUAGES[tuple(families)]


def page(table: dict[str, Any]) -> str:
    """Return the differences as a Markdown table, by language and then by name."""
    rows = sorted((language(table, name), name, sentence) for name, sentence in table["differences"].items())
    lines = [f"| {each} | {sentence.removeprefix(f'{each}: ')} |\n" for each, _, sentence in rows]
    return "".join(["| language | difference |\n", "| --- | --- |\n", *lines])
