import flask


def main() -> tuple[str, int, dict[str, str]]:
    name = flask.request.args.get("name", "World")
    return f"Hello {name}!", 200, {"Content-Type": "text/plain; charset=utf-8"}
