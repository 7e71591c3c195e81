"""Texts as one line: credentials are masked, and ordinary messages are unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.redact import MASK, MAX_LINE_CHARACTERS, MAX_TEXT_CHARACTERS, one_line

SECRET = "hunter2/S3cr@t"
HIDDEN = {
    "https://user:hunter2@pypi.example/simple": "https://pypi.example/simple",
    "https://user:hun/ter2@pypi.example/simple": "https://pypi.example/simple",
    "https://user:hunter2/@host": "https://host",
    "https://user:hun@ter2@host/simple": "https://host/simple",
    "https://user:hun@te/r2@host.example/simple": "https://host.example/simple",
    "https://user:12/hunter2@host.example:8080/simple": "https://host.example:8080/simple",
    "https://user:12/hunter2@host": "https://host",
    "https://user:hun#ter2?@host": "https://host",
    "redis://:hunter2@db:6379/0": "redis://db:6379/0",
    "https://user:12/hunter2@10.0.0.1/x": "https://10.0.0.1/x",
    "https://hunter2@verdaccio/lodash@4.17.21": "https://verdaccio/lodash@4.17.21",
    "curl -u user:hunter2 https://host": f"curl -u {MASK} https://host",
    "password: |\n  hunter2\nuser: me": f"password: {MASK} user: me",
    "secretkey=hunter2": f"secretkey={MASK}",
    "authKey: hunter2": f"authKey: {MASK}",
    "https://hunter2@host/simple": "https://host/simple",
    "https://hun/ter2@host.example/simple": "https://host.example/simple",
    "https://user:hun//ter2@host/simple": "https://host/simple",
    "https://user:hunter2": f"https://{MASK}",
    "https:\\/\\/user:hunter2@host": "https:\\/\\/host",
    "//user:hunter2@host/x": "//host/x",
    "url=https%3A%2F%2Fuser%3Ahunter2%40host": "url=https%3A%2F%2Fhost",
    "https://a.example/?next=https://u:hunter2@b": "https://a.example/?next=https://b",
    "https://u:hunter2@a.example/@x/y?next=https://v:hunter2@b": "https://a.example/@x/y?next=https://b",
    "GET https://user:hunter2@host/@scope%2fpkg - Not found": "GET https://host/@scope%2fpkg - Not found",
    "postgres://app:hunter2@db:5432/app": "postgres://db:5432/app",
    "git+https://oauth2:hunter2@git.example/a.git@main#egg=a": "git+https://git.example/a.git@main#egg=a",
    "Authorization: token hunter2": f"Authorization: {MASK}",
    "Authorization: Bearer abc.def": f"Authorization: {MASK}",
    "authorization: basic aHVudGVyMg==": f"authorization: {MASK}",
    "Proxy-Authorization: Custom hunter2": f"Proxy-Authorization: {MASK}",
    "Authorization=hunter2, code 7": f"Authorization={MASK}, code 7",
    "{'Authorization': 'token hunter2'}": f"{{'Authorization': {MASK}}}",
    'Authorization: Digest username="a", response="hunter2", x': f"Authorization: {MASK}, x",
    "Cookie: a=hunter2; b=hunter2": f"Cookie: {MASK}",
    "//registry.example/:_auth=aHVudGVyMg==": f"//registry.example/:_auth={MASK}",
    "//registry.example/:_authToken=hunter2": f"//registry.example/:_authToken={MASK}",
    "//registry.example/:_password = hunter2": f"//registry.example/:_password = {MASK}",
    "x-api-key: hunter2": f"x-api-key: {MASK}",
    "X-Auth-Token: hunter2": f"X-Auth-Token: {MASK}",
    "AWS_SECRET_ACCESS_KEY=hunter2": f"AWS_SECRET_ACCESS_KEY={MASK}",
    "SECRET_KEY_BASE=hunter2": f"SECRET_KEY_BASE={MASK}",
    "DB_PASS=hunter2 x": f"DB_PASS={MASK} x",
    "secretAccessKey: hunter2": f"secretAccessKey: {MASK}",
    "token_password: hunter2": f"token_password: {MASK}",
    "secretName: password=hunter2": f"secretName: password={MASK}",
    "https://a.example/b?x=1&sig=hunter2%3D&se=2": f"https://a.example/b?x=1&sig={MASK}&se=2",
    "https://a.example/b?signature=hunter2": f"https://a.example/b?signature={MASK}",
    "?X-Amz-Signature=hunter2&x=1": f"?X-Amz-Signature={MASK}&x=1",
    "?X-Amz-Credential=hunter2/a/b&x=1": f"?X-Amz-Credential={MASK}&x=1",
    "AccountKey=hunter2==;EndpointSuffix=x": f"AccountKey={MASK};EndpointSuffix=x",
    "Server=a;Password=hunter2;Database=b": f"Server=a;Password={MASK};Database=b",
    "password=a,hunter2;hunter2&hunter2, then": f"password={MASK}, then",
    "password = 4711": f"password = {MASK}",
    "password==hunter2": f"password=={MASK}",
    "password := hunter2": f"password := {MASK}",
    ":password=>'hunter2 x'": f":password=>{MASK}",
    '{"password": "hunter2 x", "a": 1}': f'{{"password": {MASK}, "a": 1}}',
    '{"password" : "hunter2 \\" x"}': f'{{"password" : {MASK}}}',
    "{'password': b'hunter2 x'}": f"{{'password': {MASK}}}",
    '{\\"password\\": \\"hunter2 x\\", \\"a\\": 1}': f'{{\\"password\\": {MASK}, \\"a\\": 1}}',
    '"tokens": ["hunter2 a", "hunter2 b"]': f'"tokens": {MASK}',
    "password: hunter2": f"password: {MASK}",
    "password: hunter two": f"password: {MASK} two",
    'password: "hunter2 and no end': f"password: {MASK}",
    "--password hunter2 x": f"--password {MASK} x",
    "--auth-token hunter2": f"--auth-token {MASK}",
    "token ghp_hunter2hunter2": f"token {MASK}",
    "github_pat_hunter2_hunter2 x": f"{MASK} x",
    "glpat-hunter2hunter2": MASK,
    "npm_hunter2hunter2hunter2": MASK,
    "xoxb-hunter2-hunter2": MASK,
    "key AKIAHUNTER2HUNTER2AB": f"key {MASK}",
    "eyJhunter2hunter2.eyJhunter2.hunter2": MASK,
    "curl: Bearer hunter2.hunter2": f"curl: Bearer {MASK}",
    "a -----BEGIN RSA PRIVATE KEY-----\nhunter2\nhunter2=\n-----END RSA PRIVATE KEY----- b": f"a {MASK} b",
    "a -----BEGIN PRIVATE KEY-----\nhunter2\nhunter2": f"a {MASK}",
    "hunter2\nhunter2=\n-----END PRIVATE KEY-----\nb": f"{MASK} b",
}
"""Texts with a credential, and their redacted lines."""

ORDINARY = (
    "ERROR: Could not find a version that satisfies the requirement foo==99 (from versions: none)",
    "ERROR: No matching distribution found for tokenizers==0.15",
    "ERROR: No matching distribution found for secretstorage>=3.3,<4",
    "ERROR: Ignored the following versions that require a different python version: 1.0 Requires-Python >=3.14",
    "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError': /simple/foo/",
    "ERROR: HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded with url: /simple/foo/",
    "ERROR: 401 Client Error: Unauthorized for url: https://pypi.example:8443/simple/foo/",
    "Looking in indexes: https://pypi.org/simple, https://pypi.example:8443/simple",
    "fatal: unable to access 'https://git.example/a/b.git/': Could not resolve host: git.example",
    "Cloning https://git.example/a/b.git (to revision main) from git+https://git.example/a/b.git@main#egg=b",
    "No solution found when resolving dependencies: Because there is no version of csrf-token==99 and you require it",
    "Because only pyjwt<=2.8 is available and you require pyjwt>=9, we can conclude that it cannot be used.",
    "code E404 404 Not Found - GET https://registry.example.org/@types%2fnope - Not found",
    "404 '@types/nope@*' is not in this registry.",
    "notarget No matching version found for tokenizer@^99.",
    "code ECONNREFUSED request to https://localhost:4873/lodash failed, reason: connect ECONNREFUSED",
    "code ERESOLVE Found: react@18.2.0 node_modules/react from https://registry.example.org/react/-/react-18.2.0.tgz",
    "code EUSAGE need auth This command requires you to be logged in.",
    'rpc error: code = NotFound desc = failed to pull and unpack image "a/b:1": not found',
    "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
    'failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "https://a.b/t": 401',
    "failed to fetch oauth token: denied: requested access to the resource is denied",
    "couldn't find key password in Secret default/half",
    'secret "nowhere" not found',
    'MountVolume.SetUp failed for volume "db-password" : secret "db" not found',
    "references non-existent secret key: user.name",
    "open /etc/creds/password: no such file or directory",
    "FileNotFoundError: [Errno 2] No such file or directory: '/var/run/secrets/token'",
    "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu.",
    "Evicted: The node was low on resource: memory",
    "The handler could not be loaded. SyntaxError: invalid syntax (handler.py, line 1)",
    "KeyError: 'password'",
    "credential: expired key",
    "signature: expired key",
    "Access denied for user 'a'@'10.0.0.1' (using password: NO)",
    "NameError: name 'token' is not defined",
    "SyntaxError: Unexpected token '}'",
    "TypeError: main() got an unexpected keyword argument 'api_key'",
    "OperationalError: (1045, \"Access denied for user 'a'@'10.0.0.1' (using password: YES)\")",
    "Error: Cannot find module '@scope/name' Require stack: - /usr/src/app/handler.js",
    "GET http://verdaccio:4873/lodash@4.17.21 - Not found, GET http://verdaccio:4873/@scope%2fpkg",
    "ValueError: unsupported tokenizer=gpt, side=left, author=me, passive=true, inside: yes",
    "git+http://git.example:3000/a/b.git@main did not run successfully.",
    "TypeError [ERR_INVALID_URL]: Invalid URL: http://[::1]:8080/",
    "MongoServerSelectionError: mongodb://a:27017,b:27017/db",
)
STABLE = {
    "<Thing object at 0x7f0123456789>": "<Thing object at 0x...>",
    "2026-01-01T01:00:00.123Z is late": "... is late",
    "read udp 10.0.0.1:40123->10.0.0.10:53: i/o timeout": "read udp 10.0.0.1->10.0.0.10:53: i/o timeout",
    "a\n  b\tc": "a b c",
}


@pytest.mark.parametrize(("text", "left"), HIDDEN.items())
def test_credentials_are_masked(text: str, left: str) -> None:
    """The credential is masked, and the text around it is unchanged."""
    assert one_line(text) == left


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_messages_are_unchanged(text: str) -> None:
    """Common messages of installers, kubelets and interpreters are repeated word for word."""
    assert one_line(text) == text


@pytest.mark.parametrize(("text", "left"), STABLE.items())
def test_lines_are_stable(text: str, left: str) -> None:
    """Two occurrences of an error have the same line: it has no addresses, ports, times and extra white space."""
    assert one_line(text) == left


@pytest.mark.parametrize("text", [text for text in HIDDEN if "hunter2" in text])
@pytest.mark.parametrize("before", [0, 7, 20])
def test_truncation_leaves_no_part_of_a_credential(text: str, before: int) -> None:
    """Wherever the limit cuts a text, no part of the credential is left, even if white space before it collapses."""
    at = text.index("hunter2")
    for cut in range(at, at + len("hunter2") + 1):
        padded = " " * (MAX_TEXT_CHARACTERS - cut) + text + "x" * before
        assert "hu" not in one_line(padded)


@given(st.text(max_size=300), st.sampled_from(sorted(HIDDEN)))
def test_preceding_text_does_not_prevent_masking(before: str, text: str) -> None:
    """A credential after white space is masked after any text that opens no quote or bracket."""
    plain = before.translate(dict.fromkeys(map(ord, "\"'[{\\=:-/"), " "))
    assert "hunter2" not in one_line(f"{plain}\n{text}")


@given(st.text(max_size=3000))
def test_a_line_is_bounded(text: str) -> None:
    """Any text gives one line of a bounded length."""
    line = one_line(text * 20)
    assert len(line) <= MAX_LINE_CHARACTERS
    assert len(line.splitlines()) <= 1
