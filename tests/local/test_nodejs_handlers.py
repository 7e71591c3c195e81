"""The forms in which a handler for Node.js may be written."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.runtime_servers import NEEDS, get, layout, send, started, wait_until_listening

from hooks.cli import runtime_cache

pytestmark = NEEDS["nodejs"]


NEWER = """
const sdk = require('sdk');
const paths = {
  '/sends': (request, response) => response.status(201).json({ query: request.query, body: request.body ?? null }),
  '/later': (_request, response) => void setTimeout(() => response.send('later'), 50),
  '/returns': async (_request, response) => { response.end('sent'); return 'ignored'; },
  '/fails': async () => { throw new Error('secret-in-the-error'); },
  '/never': () => 'ignored',
  '/event': (request, response) => response.json(sdk.getCloudEvent(request)),
  '/context': (_request, response) => response.json([sdk.getFunctionName(), sdk.getNamespace(), sdk.getRuntime(),
    sdk.getTimeout(), sdk.getBodySizeLimit(), typeof sdk.getTracer().startSpan, typeof sdk.emitCloudEvent]),
};
exports.main = (request, response) => paths[request.path](request, response);
"""
EVENT = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s", "ce-id": "i", "Content-Type": "application/json"}


def node_is(*version: int) -> bool:
    return tuple(int(part) for part in (runtime_cache.node_version() or "0.0").split(".")[:2]) >= version


@pytest.mark.skipif(not node_is(22, 15), reason="LEFT OUT: handlers of the newer style need Node.js 22.15")
def test_a_handler_of_the_newer_style(tmp_path: Path) -> None:
    (tmp_path / "handler.js").write_text(NEWER)
    names: dict[str, Any] = {"FUNC_NAME": "hello", "SERVICE_NAMESPACE": "demo", "FUNC_RUNTIME": "nodejs26"}
    limits: dict[str, Any] = {"FUNC_TIMEOUT": "1", "FUNC_BODY_MB_LIMIT": "0.5"}
    with started("nodejs", HANDLER_PATH=str(tmp_path / "handler.js"), **names, **limits) as server:
        sent = send(
            server, {"method": "POST", "path": "/sends?a=1", "body": "x", "headers": {"Content-Type": "text/plain"}}
        )
        assert (sent[0], json.loads(sent[2])) == (201, {"query": {"a": "1"}, "body": "x"})
        assert [get(server, path)[2] for path in ("/later", "/returns", "/fails", "/never")] == [
            b"later",
            b"sent",
            b"Internal server error",
            b"Request timed out",
        ]
        expected = ["hello", "demo", "nodejs26", 1, 0.5, "function", "function"]
        assert json.loads(get(server, "/context")[2]) == expected
        event = send(server, {"method": "POST", "path": "/event", "headers": EVENT, "body": "7"})[2]
        assert {"type": "t", "source": "s", "id": "i", "data": 7}.items() <= json.loads(event).items()
        assert get(server, "/event")[2] == b"null"
        faulty = {"method": "POST", "path": "/event", "headers": EVENT | {"ce-id": ""}, "body": "7"}
        assert send(server, faulty)[2] == b"null"
        assert send(server, {"method": "POST", "path": "/sends", "body": "x" * 600_000})[0] == 413


CJS = "module.exports = { main: () => 'cjs' };"
ESM = "import fs from 'node:fs'; export const main = () => `mjs${typeof fs.promises}`;"
TS = "type Answer = { text: string }; export default (event: unknown): Answer => ({ text: typeof event as string });"


@pytest.mark.parametrize(
    ("package", "files", "answer"),
    [
        ({"main": "handler.mjs"}, {"handler.js": ESM}, b"mjsobject"),
        ({"main": "./handler.cjs", "type": "module"}, {"handler.js": CJS}, b"cjs"),
        ({"main": "index.js"}, {"handler.js": CJS}, b"cjs"),
        ({"main": "index.js"}, {"handler.js": CJS, "index.js": "broken("}, b"cjs"),
        ({"main": "src/app.cjs"}, {"src/app.cjs": CJS}, b"cjs"),
        ({"main": 7}, {"handler.js": CJS}, b"cjs"),
        ({}, {"handler.js": "module.exports = () => 'default';"}, b"default"),
        ({}, {"handler.js": ESM}, b"mjsobject"),
        ({"type": "module"}, {"handler.js": "export default () => 'default';"}, b"default"),
        ({"type": "module"}, {"handler.js": "export default { main: () => 'inner' };"}, b"inner"),
        pytest.param({"main": "handler.ts"}, {"handler.js": TS}, b'{"text":"object"}', id="TypeScript"),
    ],
)
def test_a_handler_in_another_form(
    tmp_path: Path, package: dict[str, object], files: dict[str, str], answer: bytes
) -> None:
    place = tmp_path / "function"
    for name, text in (files | {"package.json": json.dumps(package)}).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    with started("nodejs", ready=False, HANDLER_PATH=str(place / "handler.js")) as server:
        if "handler.ts" in package.values() and not node_is(22, 18):
            assert server.process.wait(30) == 1
            assert "TypeScript needs Node.js 22.18" in server.output
        else:
            wait_until_listening(server)
            assert get(server, "/")[2] == answer


def test_all_that_express_adds_is_known() -> None:
    """A name that is missing would be undefined until a handler has used another one."""
    script = """
      import { createRequire } from 'node:module';
      import { EXPRESS } from './lib/messages.mjs';
      const express = createRequire(import.meta.url)('express');
      const of = (kind) => [Object.keys(express[kind]).sort().join(), EXPRESS[kind].split(' ').sort().join()];
      console.log(JSON.stringify([of('request'), of('response')]));
    """
    (layout("nodejs") / "names.mjs").write_text(script)
    names = subprocess.run(["node", "names.mjs"], cwd=layout("nodejs"), capture_output=True, text=True, check=True)
    for express, ours in json.loads(names.stdout):
        assert express == ours
