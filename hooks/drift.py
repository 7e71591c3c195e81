"""
What somebody added to a child and merging cannot mend: adopted in one answer, it is gone with the next.

Metacontroller's merge takes away only what it has sent before. So a harmful addition is first answered as observed,
which changes nothing but the record of what was last applied; from then on the usual answer removes it. Which of the
two is due is read from that record. Without one that counts (records.py) nothing is adopted.

additions.py has the fields.
"""

from hooks.children import KINDS
from hooks.manifest import Manifest, can_be_written
from hooks.protocol import HookRequest
from hooks.records import last_applied


def adopting(desired: list[Manifest], request: HookRequest) -> list[Manifest]:
    """Return the desired children, where something is to be adopted with that field as observed."""
    return [_adopting(child, request.child(child["kind"])) for child in desired]


def _adopting(desired: Manifest, live: Manifest | None) -> Manifest:
    adopt = KINDS[desired["kind"]].adopt
    # The record is decoded only where an addition is found, so that a settled child costs a few comparisons.
    if live is None or adopt is None or adopt(desired, live, None) is desired:
        return desired
    record = last_applied(live)
    answer: Manifest = desired if record is None else adopt(desired, live, record)
    return answer if answer is desired or can_be_written(answer) else desired
