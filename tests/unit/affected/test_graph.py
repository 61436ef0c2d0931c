"""The tests that a change touches follow from the files alone."""

from pathlib import Path

import pytest

from tests.affected.graph import distances, needs

FILES = {
    "layers/common/flyteadmin/tasks/__init__.py": "",
    "layers/common/flyteadmin/tasks/rules.py": "",
    "layers/common/flyteadmin/tasks/service.py": "from flyteadmin.tasks import rules\n",
    "functions/get/handler.py": "from flyteadmin.tasks.service import get\n",
    "local/server.py": "from pathlib import Path\nTEMPLATE = Path(__file__).parents[1] / 'template.yaml'\n",
    "local/cluster.py": "",
    "template.yaml": "",
    "tests/__init__.py": "",
    "tests/helper.py": "import flyteadmin.tasks.rules\n",
    "tests/in_process.py": "def handlers(folder): return folder.glob('*/handler.py')\n",
    "tests/functional/conftest.py": "from local import cluster\nfrom tests import in_process\n",
    "tests/functional/test_api.py": "def test_a(): ...\n",
    "tests/functional/test_get.py": "def test_a():\n    from functions.get.handler import get\n",
    "tests/local/test_server.py": "import subprocess\nCOMMAND = ['python', '-m', 'local.server']\n",
    "tests/unit/test_rules.py": "from ..helper import case\n",
    "tests/unit/cases/cases.json": "",
    "tests/unit/test_cases.py": "CASES = 'cases/cases.json'\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("layers/common/flyteadmin/tasks/rules.py", {"unit/test_rules": 2, "functional/test_get": 3}),
        ("functions/get/handler.py", {"functional/test_get": 1}),
        ("template.yaml", {"local/test_server": 2}),
        ("local/server.py", {"local/test_server": 1}),
        ("local/cluster.py", {"functional/test_api": 2, "functional/test_get": 2}),
        ("tests/in_process.py", {"functional/test_api": 2, "functional/test_get": 2}),
        ("tests/functional/conftest.py", {"functional/test_api": 1, "functional/test_get": 1}),
        ("tests/unit/cases/cases.json", {"unit/test_cases": 1}),
        ("tests/unit/test_cases.py", {"unit/test_cases": 0}),
    ],
)
def test_a_change_touches_who_imports_names_or_starts_it(root: Path, changed: str, tests: dict[str, int]) -> None:
    reached = distances([changed], needs(root, FILES))
    found = {file: steps for file, steps in reached.items() if "/test_" in file}
    assert found == {f"tests/{test}.py": steps for test, steps in tests.items()}
