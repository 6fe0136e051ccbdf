"""The code version of an asset: Dagster shows hours that were computed with another version as stale."""

import ast
import inspect
from collections.abc import Callable
from hashlib import sha256
from textwrap import dedent


def code_version(*rule: Callable[..., object] | object) -> str:
    """A hash of the functions and declarations that decide an hour's numbers.

    Comments, docstrings and layout don't count. Pass every function whose change should make old hours stale: functions
    that these call aren't included.
    """
    parts = [_code(part) if inspect.isfunction(part) else repr(part) for part in rule]
    return sha256("\n".join(parts).encode()).hexdigest()[:12]


def _code(function: Callable[..., object]) -> str:
    """The function's source without comments, docstring and layout."""
    tree = ast.parse(dedent(inspect.getsource(function)))
    (definition,) = tree.body
    if isinstance(definition, ast.FunctionDef) and ast.get_docstring(definition) is not None:
        definition.body = definition.body[1:]
    return ast.dump(tree)
