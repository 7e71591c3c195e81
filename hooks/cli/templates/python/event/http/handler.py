from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from function import Context, Event


def main(event: Event, context: Context) -> tuple[str, int, dict[str, str]]:
    name = event["extensions"]["request"].query.get("name", "World")
    return f"Hello {name}!", 200, {"Content-Type": "text/plain; charset=utf-8"}
