"""The files of a new Function: their content for each family and template. @NAME@ stands for the Function's name."""

from collections.abc import Mapping

TEMPLATES = ("http", "cloudevent")
SCHEMA = "https://raw.githubusercontent.com/buildless-functions/buildless-functions/main/docs/function.schema.json"

_MANIFEST = f"""\
# yaml-language-server: $schema={SCHEMA}
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata:
  name: @NAME@
spec:
  runtime: @RUNTIME@
  # The source is @HANDLER@, the packages are those of @PACKAGES@.
"""
_IGNORED = ".env\n__pycache__/\nnode_modules/\n"
_REQUIREMENTS = "# One package a line, for example: requests>=2.32,<3\n"

_PYTHON = {
    "http": """\
def main(event, context):
    name = event["extensions"]["request"].query.get("name", "World")
    return f"Hello {name}!"
""",
    "cloudevent": """\
def main(event, context):
    print("received", event["ce-type"], event["ce-id"])
    return {"received": event["data"]}
""",
}
_PYTHON_TEST = {
    "http": '''\
"""Run with: python -m unittest"""

import unittest
from types import SimpleNamespace

import handler


class TestHandler(unittest.TestCase):
    def test_greets(self):
        event = {"extensions": {"request": SimpleNamespace(query={"name": "you"})}}
        self.assertEqual(handler.main(event, {}), "Hello you!")
''',
    "cloudevent": '''\
"""Run with: python -m unittest"""

import unittest

import handler


class TestHandler(unittest.TestCase):
    def test_answers_with_the_data(self):
        event = {"ce-type": "com.example.tried", "ce-id": "1", "data": {"a": 1}}
        self.assertEqual(handler.main(event, {}), {"received": {"a": 1}})
''',
}
_NODE = {
    "http": """\
@EXPORT@function main(event@ANY@, context@ANY@) {
  const name = event.extensions.request.query.name ?? 'World';
  return `Hello ${name}!`;
}
""",
    "cloudevent": """\
@EXPORT@function main(event@ANY@, context@ANY@) {
  console.log('received', event['ce-type'], event['ce-id']);
  return { received: event.data };
}
""",
}
_NODE_TEST = {
    "http": """\
// Run with: npm test
@IMPORTS@
test('greets', () => {
  const event = { extensions: { request: { query: { name: 'you' } } } };
  assert.equal(main(event, {}), 'Hello you!');
});
""",
    "cloudevent": """\
// Run with: npm test
@IMPORTS@
test('answers with the data', () => {
  const event = { 'ce-type': 'com.example.tried', 'ce-id': '1', data: { a: 1 } };
  assert.deepEqual(main(event, {}), { received: { a: 1 } });
});
""",
}
_COMMON_JS = """\
const assert = require('node:assert');
const { test } = require('node:test');
const { main } = require('./handler.js');
"""
_ES_MODULE = """\
import assert from 'node:assert';
import { test } from 'node:test';
import { main } from './handler.ts';
"""
_PACKAGE = '{\n  "private": true,\n  "scripts": { "test": "node --test" },\n  "dependencies": {}\n}\n'
_PACKAGE_TS = _PACKAGE.replace('  "scripts"', '  "main": "handler.ts",\n  "type": "module",\n  "scripts"')


def files_of(family: str, name: str, runtime: str, template: str, *, typescript: bool) -> Mapping[str, str]:
    """Return the content of each file of a new Function, by name."""
    made = _python(template) if family == "python" else _typescript(template) if typescript else _node(template)
    handler, packages = list(made)[:2]
    texts = {"function.yaml": _MANIFEST, **made, ".gitignore": _IGNORED}
    values = {"@NAME@": name, "@RUNTIME@": runtime, "@HANDLER@": handler, "@PACKAGES@": packages}
    return {file: _filled(text, values) for file, text in texts.items()}


def _python(template: str) -> Mapping[str, str]:
    return {
        "handler.py": _PYTHON[template],
        "requirements.txt": _REQUIREMENTS,
        "test_handler.py": _PYTHON_TEST[template],
    }


def _node(template: str) -> Mapping[str, str]:
    handler = _filled(_NODE[template], {"@EXPORT@": "", "@ANY@": ""}) + "\nmodule.exports = { main };\n"
    test = _filled(_NODE_TEST[template], {"@IMPORTS@": _COMMON_JS})
    return {"handler.js": handler, "package.json": _PACKAGE, "handler.test.js": test}


def _typescript(template: str) -> Mapping[str, str]:
    handler = _filled(_NODE[template], {"@EXPORT@": "export ", "@ANY@": ": any"})
    test = _filled(_NODE_TEST[template], {"@IMPORTS@": _ES_MODULE})
    return {"handler.ts": handler, "package.json": _PACKAGE_TS, "handler.test.ts": test}


def _filled(text: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text
