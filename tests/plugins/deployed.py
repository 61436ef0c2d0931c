"""Tells which tests meet what is deployed: a function's own handler, the bridge, the stack, or template.yaml.

`item.stash[MET]` is true once a test did. A handler counts in the test itself, whatever its fixtures called; a bridge
counts in fixtures too, which start it.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

MET = pytest.StashKey[bool]()

_monitoring = sys.monitoring
_TOOL = 4  # one of the two numbers that Python gives to nobody
_TEMPLATE_TESTS = "tests/infrastructure/"
_STACK_TESTS = "tests/e2e/"
_FUNCTIONS = Path(__file__).parents[2] / "functions"
_HANDLERS = [f"functions.{path.parent.name}.handler" for path in _FUNCTIONS.glob("*/handler.py")]

_ENTRANCES: dict[str, Callable[[Any], FunctionType]] = {
    "flyteadmin.api.handler": lambda module: module.ApiHandler.__call__,
    "functions.process_event.handler": lambda module: module.lambda_handler,
    "functions.notify.handler": lambda module: module.lambda_handler,
    "bridge.server": lambda module: module.running.__wrapped__,
}
"""The entry of a call: a function by the module that has it."""


class Watch:
    """Notices entrances; it costs nothing elsewhere, since Python reports the starts of these functions only."""

    def __init__(self) -> None:
        """Report to this object."""
        self.handler = self.bridge = False
        self._watched: dict[CodeType, str] = {}
        _monitoring.use_tool_id(_TOOL, "conformance")
        _monitoring.register_callback(_TOOL, _monitoring.events.PY_START, self._started)

    def end(self) -> None:
        """Report nothing any more."""
        _monitoring.free_tool_id(_TOOL)

    def begin(self) -> None:
        """Forget what was met, and watch what has been imported since."""
        self.handler = self.bridge = False
        for name in _ENTRANCES.keys() & sys.modules.keys() - set(self._watched.values()):
            code = _ENTRANCES[name](sys.modules[name]).__code__
            self._watched[code] = name
            _monitoring.set_local_events(_TOOL, code, _monitoring.events.PY_START)

    def _started(self, code: CodeType, _offset: int) -> None:
        if self.handler:
            return
        if self._watched.get(code) == "bridge.server":
            self.bridge = True
        elif "lambda_handler" in sys._getframe(1).f_locals or _is_deployed(sys._getframe(1).f_locals.get("self")):
            self.handler = True


def _is_deployed(handler: object) -> bool:
    return any(getattr(sys.modules.get(name), "lambda_handler", None) is handler for name in _HANDLERS)


class DeployedPlugin:
    """The hooks of one session."""

    def __init__(self, root: Path) -> None:
        """Watch."""
        self.root = root
        self.watch = Watch()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Begin with the fixtures: they start bridges."""
        self.watch.begin()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Tell what the test met."""
        self.watch.handler = False
        try:
            return (yield)
        finally:
            item.stash[MET] = self.watch.handler or self.watch.bridge or self._is_by_its_place(item)

    def _is_by_its_place(self, item: pytest.Item) -> bool:
        path = item.path.relative_to(self.root).as_posix()
        return path.startswith(_TEMPLATE_TESTS) or (
            path.startswith(_STACK_TESTS) and "stack" in getattr(item, "fixturenames", ())
        )

    def pytest_unconfigure(self) -> None:
        """Leave the interpreter as it was."""
        self.watch.end()


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks, in workers too."""
    config.pluginmanager.register(DeployedPlugin(config.rootpath), "deployed")
