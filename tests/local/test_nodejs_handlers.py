"""The forms in which a handler for Node.js may be written."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import node26
from support.runtime_servers import NEEDS, get, layout, send, started

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


def test_a_handler_of_the_newer_style(tmp_path: Path) -> None:
    (tmp_path / "handler.js").write_text(NEWER)
    names: dict[str, Any] = {"FUNC_NAME": "hello", "SERVICE_NAMESPACE": "demo", "FUNC_RUNTIME": "nodejs26"}
    limits: dict[str, Any] = {"FUNC_TIMEOUT": "1", "FUNC_BODY_MB_LIMIT": "0.5"}
    with started("nodejs", HANDLER_PATH=str(tmp_path / "handler.js"), PATH=node26.path(), **names, **limits) as server:
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


CTS = "module.exports = { main: (event: unknown) => 'cts' as string };"
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
        ({"main": "handler.ts"}, {"handler.js": TS}, b'{"text":"object"}'),
        ({"main": "handler.mts"}, {"handler.js": TS}, b'{"text":"object"}'),
        ({"main": "handler.cts", "type": "module"}, {"handler.js": CTS}, b"cts"),
        ({"main": "src/app.ts"}, {"src/app.ts": TS}, b'{"text":"object"}'),
    ],
)
def test_a_handler_in_another_form(
    tmp_path: Path, package: dict[str, object], files: dict[str, str], answer: bytes
) -> None:
    """Also in the newest Node.js, which is what TypeScript needs."""
    handler = written(tmp_path / "function", files | {"package.json": json.dumps(package)})
    needs_newer = str(package.get("main")).endswith("ts")
    for path in {node26.path()} | (set() if needs_newer else {os.environ["PATH"]}):
        with started("nodejs", HANDLER_PATH=handler, PATH=path) as server:
            assert get(server, "/")[2] == answer


@pytest.mark.skipif(node_is(22, 15), reason="this Node.js has the newer style")
def test_a_server_that_cannot_start_ends(tmp_path: Path) -> None:
    """An older Node.js cannot run the newer style: the process ends with the version in its last line."""
    handler = written(tmp_path, {"handler.js": CJS})
    with started("nodejs", ready=False, HANDLER_PATH=handler, FUNC_RUNTIME="nodejs26") as server:
        assert server.process.wait(30) == 1
        assert "could not be started with Node.js v" in server.output.splitlines()[-1]


@pytest.mark.parametrize("name", ["handler.js", "handler.ts"])
def test_an_es_module_needs_no_type(tmp_path: Path, name: str) -> None:
    """Nothing is printed where package.json does not name the module system; other warnings are."""
    source = "process.emitWarning('on purpose', { code: 'OTHER' }); export const main = () => 'typeless';"
    handler = written(tmp_path, {"handler.js": source, "package.json": json.dumps({"main": name})})
    for path in {node26.path()} | ({os.environ["PATH"]} if name == "handler.js" else set()):
        with started("nodejs", HANDLER_PATH=handler, PATH=path) as server:
            assert get(server, "/")[2] == b"typeless"
            assert [line for line in server.output.splitlines() if "trace-warnings" not in line] == [
                f"(node:{server.process.pid}) [OTHER] Warning: on purpose"
            ]


def written(folder: Path, files: dict[str, str]) -> str:
    """Write the files and return the path of handler.js among them, which need not be there."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder / "handler.js")


@pytest.mark.skipif(node_is(22, 18), reason="this Node.js runs TypeScript")
def test_an_older_nodejs_says_that_it_cannot_run_typescript(tmp_path: Path) -> None:
    handler = written(tmp_path, {"handler.js": TS, "package.json": '{"main": "handler.ts"}'})
    with started("nodejs", ready=False, HANDLER_PATH=handler) as server:
        assert server.process.wait(30) == 1
        assert "TypeScript needs Node.js 22.18" in server.output.splitlines()[-1]


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
