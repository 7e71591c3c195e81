"""Run with: python -m unittest"""

import sys
import unittest
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

# The runtime has the package `sdk`; here is a substitute.
sdk: Any = SimpleNamespace()
with patch.dict(sys.modules, {"sdk": sdk}):
    import handler


class TestHandler(unittest.TestCase):
    def test_answers_with_the_data(self) -> None:
        sdk.get_cloud_event = lambda: Mock(get_data=lambda: {"a": 1})
        self.assertEqual(handler.main(), ({"received": {"a": 1}}, 200))

    def test_refuses_other_requests(self) -> None:
        sdk.get_cloud_event = lambda: None
        self.assertEqual(handler.main()[1], 400)
