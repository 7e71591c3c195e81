from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from function import Context, Event


def main(event: Event, context: Context) -> dict[str, object]:
    print("received", event["ce-type"], event["ce-id"])
    return {"received": event["data"]}
