"""The hook's WSGI app with a clock that tests set: the file CLOCK has the seconds that it is ahead."""

import os
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from hooks import app

__all__ = ["create_app"]


class _Clock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Clock":
        ahead = timedelta(seconds=float(Path(os.environ["CLOCK"]).read_text()))
        return cls.fromtimestamp((datetime.now(UTC) + ahead).timestamp(), tz)


setattr(app, "datetime", _Clock)  # noqa: B010 - the module imports the class, and mypy forbids to assign one
create_app = app.create_app
