"""
What is wrong with a Python handler before it runs: its syntax, and a missing main.

Also a script for the Python of the Function's runtime: it reads the source from standard input and prints JSON.
"""

import ast
import json
import sys
import warnings

MISSING = "has no function main"


def problems(source: str) -> list[tuple[int, str]]:
    """Return line (0 for the whole) and message of each problem."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "handler.py", "exec", dont_inherit=True)
            tree = ast.parse(source)
        except SyntaxError as error:
            return [(error.lineno or 0, f"{type(error).__name__}: {error.msg}")]
        except (ValueError, RecursionError, MemoryError) as error:
            return [(0, f"cannot be compiled: {error}")]
    return [] if _may_define(tree, "main") else [(0, MISSING)]


def _may_define(tree: ast.Module, name: str) -> bool:
    """Return whether a module may define a name, in a branch or by an import, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return True
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return True
    return False


if __name__ == "__main__":
    json.dump(problems(sys.stdin.buffer.read().decode()), sys.stdout)
