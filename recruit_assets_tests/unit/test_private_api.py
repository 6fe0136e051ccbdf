"""Only the modules in COMPAT use the private API of libraries. Each has a test that fails when the library changes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import recruit_assets

PACKAGE = Path(recruit_assets.__file__).parent
COMPAT = {
    "defs/webserver/compat.py",
    "stores/cassandra/batch_encoder.py",
    "stores/dagster/compat.py",
    "stores/dagster/sqlite.py",
    "stores/kafka/compat.py",
    "stores/mysql/compat.py",
    "stores/spark/compat.py",
}
MODULES = sorted(str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py"))
PUBLIC = {"_asdict", "_fields", "_make", "_replace"}
"""Methods of named tuples: documented, in spite of the underscore."""


@pytest.mark.parametrize("module", [module for module in MODULES if module not in COMPAT])
def test_a_module_uses_only_public_api(module: str) -> None:
    assert list(private_uses((PACKAGE / module).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", sorted(COMPAT))
def test_a_compat_module_names_the_versions_that_it_was_checked_with(module: str) -> None:
    source = (PACKAGE / module).read_text(encoding="utf-8")

    assert "\nCHECKED_WITH = {" in source
    assert list(private_uses(source)) or module == "stores/spark/compat.py"  # where what is private has no underscore


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from dagster._core.instance import InstanceRef", "1: dagster._core.instance"),
        ("from kafka import _private", "1: kafka._private"),
        ("def f():\n    import dagster._check as check", "2: dagster._check"),
        ("connection._force_close()", "1: ._force_close"),
        ("class A(Base):\n    def f(self):\n        self._of_the_base.g()", "3: ._of_the_base"),
        ("SparkConf(_jvm=jvm)", "1: _jvm="),
        ("getattr(gateway, '_gateway_client')", "1: ._gateway_client"),
        ("from unittest.mock import patch", "1: unittest.mock"),
        ("import gc\ngc.get_objects()", "2: gc.get_objects"),
    ],
)
def test_a_private_use_is_found(source: str, found: str) -> None:
    assert list(private_uses(source)) == [found]


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations",
        "from recruit_assets.runtime import settings",
        "class A:\n    def f(self):\n        self._x = 1\n        return self._x, self._g()\n    def _g(self): ...",
        "class A:\n    _x: int\n    def f(self, other):\n        return other._x",
        "row._asdict(), row.__dict__",
        "import gc\ngc.freeze()",
    ],
)
def test_a_use_of_our_own_or_of_public_names_is_allowed(source: str) -> None:
    assert list(private_uses(source)) == []


def private_uses(source: str) -> Iterator[str]:
    """Line and name of each private name that the module uses but doesn't define, and of mocks and gc.get_objects."""
    tree = ast.parse(source)
    ours = PUBLIC | set(defined_names(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                used = [name.name for name in names if is_private(name.name)]
            case ast.ImportFrom(module=str(module), names=names) if not module.startswith("recruit_assets"):
                whole = [f"{module}.{name.name}" for name in names]
                used = [module] if is_private(module) else [name for name in whole if is_private(name)]
            case ast.Attribute(value=ast.Name(id="gc"), attr="get_objects"):
                used = ["gc.get_objects"]
            case ast.Attribute(attr=name) if is_private(name) and name not in ours:
                used = [f".{name}"]
            case ast.keyword(arg=str(name)) if is_private(name) and name not in ours:
                used = [f"{name}="]
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(str(name)), *_]
            ) if is_private(name):
                used = [f".{name}"]
            case _:
                continue
        yield from (f"{node.lineno}: {name}" for name in used)


def is_private(dotted: str) -> bool:
    """True if a part of the name begins with one underscore, or for unittest.mock."""
    parts = dotted.split(".")
    return parts[0] == "unittest" or any(part.startswith("_") and not part.startswith("__") for part in parts)


def defined_names(tree: ast.AST) -> Iterator[str]:
    """Methods, functions, attributes and parameters that the module defines."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.arg(arg=name)
            ):
                yield name
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
