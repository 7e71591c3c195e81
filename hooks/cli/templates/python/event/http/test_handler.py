"""Run with: python -m unittest"""

import unittest
from types import SimpleNamespace
from typing import Any

import handler


class TestHandler(unittest.TestCase):
    def test_greets(self) -> None:
        event: Any = {"extensions": {"request": SimpleNamespace(query={"name": "you"})}}
        context: Any = {}
        self.assertEqual(handler.main(event, context)[:2], ("Hello you!", 200))
