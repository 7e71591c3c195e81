"""Run with: python -m unittest"""

import sys
import unittest
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

# The runtime has Flask; here is a substitute.
flask: Any = SimpleNamespace()
with patch.dict(sys.modules, {"flask": flask}):
    import handler


class TestHandler(unittest.TestCase):
    def test_greets(self) -> None:
        flask.request = SimpleNamespace(args={"name": "you"})
        self.assertEqual(handler.main()[:2], ("Hello you!", 200))
