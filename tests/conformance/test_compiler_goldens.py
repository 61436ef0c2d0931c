"""Upstream's own compiler goldens: 87 tasks, 43 workflows and 43 custom resources, from real flytekit projects."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowSpec
from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflowClosure
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.core.workflow_pb2 import WorkflowTemplate
from google.protobuf import json_format

from flyteadmin.compiler.requirements import get_requirements
from flyteadmin.compiler.task_compiler import compile_task
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow

GOLDENS = Path(__file__).parents[2].parent / "shared/goldens/compiler"
SNACKS = GOLDENS / "snacks-core"
EXECUTION = WorkflowExecutionIdentifier(project="hello", domain="domain", name="name")

pytestmark = pytest.mark.skipif(not GOLDENS.is_dir(), reason="upstream's compiler goldens are not at hand")


@pytest.fixture(scope="module")
def tasks() -> dict[str, CompiledTask]:
    """Every task of the examples, compiled from a spec that upstream's test added three settings to; by file."""
    return {path.stem: compile_task(_template(path)) for path in sorted(SNACKS.glob("*_1.pb"))}


def _template(path: Path) -> TaskTemplate:
    template = TaskSpec.FromString(path.read_bytes()).template
    if template.HasField("container"):
        for number in "123":
            template.container.config.add(key=f"testKey{number}", value=f"testValue{number}")
    return template


def _golden_task(stem: str) -> CompiledTask:
    text = (SNACKS / "compiled" / f"{stem}_task.json").read_text()
    return json_format.Parse(text, CompiledTask(), ignore_unknown_fields=True)


def _golden_closure(stem: str) -> CompiledWorkflowClosure:
    text = (SNACKS / "compiled" / f"{stem}_wf.json").read_text()
    return json_format.Parse(text, CompiledWorkflowClosure(), ignore_unknown_fields=True)


def _golden_resource(stem: str) -> dict[str, Any]:
    """Upstream's own normalisation (runs of white space), and the kind that goes over the wire."""
    text = (SNACKS / "k8s" / f"{stem}_wf_crd.json").read_text()
    resource: dict[str, Any] = json.loads(re.sub(r"\s+", " ", text))
    return {**resource, "kind": "FlyteWorkflow"}


def _workflow_stems() -> Iterator[str]:
    return (path.name.removesuffix("_wf.json") for path in sorted((SNACKS / "compiled").glob("*_wf.json")))


def test_all_tasks_compile_as_upstream(
    tasks: dict[str, CompiledTask], record_property: Callable[[str, object], None]
) -> None:
    equal = [stem for stem, task in tasks.items() if task == _golden_task(stem)]

    record_property("figure", f"tasks equal to upstream's: {len(equal)}/{len(tasks)}")
    assert (len(equal), len(tasks)) == (87, 87), set(tasks) - set(equal)


@pytest.mark.conformance("REG-08")
def test_all_workflows_compile_as_upstream(
    tasks: dict[str, CompiledTask], record_property: Callable[[str, object], None]
) -> None:
    by_id = {task.template.id.SerializeToString(): task for task in tasks.values()}
    compiled = {}
    for stem in _workflow_stems():
        template = WorkflowSpec.FromString((SNACKS / f"{stem}.pb").read_bytes()).template
        required = get_requirements(template, []).task_ids
        compiled[stem] = compile_workflow(template, [], [by_id[i.SerializeToString()] for i in required], [])

    equal = [stem for stem, closure in compiled.items() if closure == _golden_closure(stem)]

    record_property("figure", f"workflows equal to upstream's: {len(equal)}/{len(compiled)}")
    assert (len(equal), len(compiled)) == (43, 43), set(compiled) - set(equal)


def test_all_custom_resources_are_built_as_upstream(record_property: Callable[[str, object], None]) -> None:
    expected = {stem: _golden_resource(stem) for stem in _workflow_stems()}
    built = {}
    for stem, resource in expected.items():
        inputs = json_format.ParseDict(resource["inputs"], LiteralMap())
        built[stem] = build_flyteworkflow(_golden_closure(stem), inputs, EXECUTION, "namespace").to_json_object()

    equal = [stem for stem in expected if built[stem] == expected[stem]]

    record_property("figure", f"custom resources equal to upstream's: {len(equal)}/{len(expected)}")
    assert (len(equal), len(expected)) == (43, 43), set(expected) - set(equal)


def test_custom_resources_are_read_back_as_they_were() -> None:
    expected = [_golden_resource(stem) for stem in _workflow_stems()]

    assert [FlyteWorkflow.model_validate(resource).to_json_object() for resource in expected] == expected


def test_the_dynamic_job_of_upstream_compiles() -> None:
    job = json_format.Parse((GOLDENS / "dynamic/success_1.json").read_text(), DynamicJobSpec())
    template = WorkflowTemplate(id=Identifier(name="dynamic"), nodes=job.nodes, outputs=job.outputs)
    for binding in job.outputs:
        kind = job.tasks[0].interface.outputs.variables["o0"].type
        template.interface.outputs.variables[binding.var].type.CopyFrom(kind)

    closure = compile_workflow(template, job.subworkflows, [compile_task(task) for task in job.tasks], [])

    assert {node.id for node in closure.primary.template.nodes} == {"start-node", "end-node"} | {
        node.id for node in job.nodes
    }
