"""
Removes harmful additions of other components to a child (harmful_additions.py lists them).

Metacontroller's merge removes only what it has sent before. So the first response after an addition returns the field
as observed, which changes nothing but the last-applied record. The next response omits it, and Metacontroller removes
it. The hook distinguishes the two steps by the record; without a valid one (records.py) it adopts nothing.
"""

from hooks.children import KINDS
from hooks.manifest import Manifest, is_serializable
from hooks.protocol import HookRequest
from hooks.records import last_applied


def adopt_harmful_additions(desired: list[Manifest], request: HookRequest) -> list[Manifest]:
    """Return the desired children, with each harmful addition that is not yet in the last-applied record."""
    return [_adopt_additions(child, request.child(child["kind"])) for child in desired]


def _adopt_additions(desired: Manifest, live: Manifest | None) -> Manifest:
    adopt = KINDS[desired["kind"]].adopt
    # Parses the record only if there is an addition: this keeps the sync of a settled child cheap.
    if live is None or adopt is None or adopt(desired, live, None) is desired:
        return desired
    record = last_applied(live)
    answer: Manifest = desired if record is None else adopt(desired, live, record)
    return answer if answer is desired or is_serializable(answer) else desired
