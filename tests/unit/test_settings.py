"""A setting that nothing reads is none: an operator would set it and see no effect."""

import ast
import inspect
from pathlib import Path

import pytest
from pydantic import BaseModel

from flyteadmin import settings

ROOT = Path(settings.__file__).parents[3]


def named(tree: ast.Module) -> set[str]:
    """The attributes and the texts of a module, since a loop over names reads by text."""
    nodes = list(ast.walk(tree))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.fixture(scope="module")
def read() -> set[str]:
    """Return the names that the code of functions and bridge uses."""
    folders = (ROOT / "layers/common/flyteadmin", ROOT / "functions", ROOT / "bridge")
    files = [path for folder in folders for path in folder.rglob("*.py")]
    return {name for path in files for name in named(ast.parse(path.read_text()))}


@pytest.mark.parametrize(
    "model",
    [model for _, model in inspect.getmembers(settings, inspect.isclass) if model.__module__ == settings.__name__],
)
def test_every_setting_is_read_by_something(model: type[BaseModel], read: set[str]) -> None:
    assert [name for name in model.model_fields if name not in read] == []
