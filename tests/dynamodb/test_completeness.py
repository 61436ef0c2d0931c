"""Checks that the suite is complete: it calls each function that reads or writes DynamoDB by name."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.dynamodb.conftest import DATABASES, GIVEN

LAYER = Path("layers/common/flyteadmin")
_ASKS = {"Put", "Update", "batch_get", "batch_put", "get", "query", "query_all", "query_each", "transact", "write"}


def asking(path: Path) -> Iterator[str]:
    """Yield the public functions of a module that ask the database themselves or through a private one."""
    functions = {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    called = {
        name: {
            call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        }
        for name, node in functions.items()
    }
    ask = {name for name, calls in called.items() if calls & _ASKS}
    while more := {name for name, calls in called.items() if calls & ask} - ask:
        ask |= more
    yield from (name for name in ask if not name.startswith("_"))


def test_every_function_that_asks_the_database_is_asked_here(
    record_property: Callable[[str, object], None],
) -> None:
    suite = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    attributes = {node.attr for node in ast.walk(ast.parse(suite)) if isinstance(node, ast.Attribute)}
    modules = [*LAYER.glob("*/repository.py"), LAYER / "events/log.py"]
    asks = {(path, name) for path in modules for name in asking(path)}
    assert len(asks) > 30
    assert not (missed := sorted(f"{path}: {name}" for path, name in asks if name not in attributes)), missed
    given = GIVEN or "none that DYNAMODB_ENDPOINT names (a DynamoDB Local)"
    record_property("figure", f"DynamoDB: {len(asks)} functions asked of {', '.join(DATABASES)}; and of {given}")
