"""Run with: python -m unittest"""

import unittest
from typing import Any

import handler


class TestHandler(unittest.TestCase):
    def test_answers_with_the_data(self) -> None:
        event: Any = {"ce-type": "com.example.tried", "ce-id": "1", "data": {"a": 1}}
        context: Any = {}
        self.assertEqual(handler.main(event, context), {"received": {"a": 1}})
