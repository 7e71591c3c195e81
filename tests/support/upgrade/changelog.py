"""The newest section of CHANGELOG.md; only an "(unreleased)" one allows a change (hooks/cli/releases.py)."""

from support.cases import ROOT

from hooks.cli.releases import Section, sections

FILE = ROOT / "CHANGELOG.md"


def newest(text: str) -> Section:
    """Return the first section of a changelog."""
    return next(sections(text))
