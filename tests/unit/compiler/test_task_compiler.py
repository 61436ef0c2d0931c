"""A task compiles if its container or pod can run; otherwise all that is missing is said at once."""

from collections.abc import Sequence

import pytest
from flyteidl.core.tasks_pb2 import Container, K8sPod, Resources, TaskTemplate
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.task_compiler import compile_task
from tests.unit.compiler.builders import INTEGER, interface, task_id

COMMAND = "Code: ValueRequired, Node Id: container, Description: Value required [command]."
IMAGE = "Code: ValueRequired, Node Id: container, Description: Value required [image]."
POD = "Code: InvalidValue, Node Id: root, Description: Invalid value [k8s pod spec]."
NAME = "Code: InvalidValue, Node Id: root, Description: Invalid value [k8s pod spec container name]."


def container_task(**fields: object) -> TaskTemplate:
    container = Container(**{"image": "image", "args": ["run"]} | fields)  # type: ignore[arg-type]  # as the test says
    return TaskTemplate(id=task_id(), interface=interface({"x": INTEGER}), container=container)


def pod_task(spec: dict[str, object] | None) -> TaskTemplate:
    pod = K8sPod() if spec is None else K8sPod(pod_spec=ParseDict(spec, Struct()))
    return TaskTemplate(id=task_id(), k8s_pod=pod)


def asks(*entries: tuple[int, str]) -> Resources:
    requests = [Resources.ResourceEntry(name=name, value=value) for name, value in entries]  # type: ignore[arg-type]
    return Resources(requests=requests, limits=requests)


def pods(*names: str) -> dict[str, object]:
    return {"containers": [{"name": name, "image": "image"} for name in names]}


@pytest.mark.parametrize(
    "template",
    [
        container_task(),
        container_task(args=[], command=["run"]),
        container_task(resources=asks((Resources.CPU, "500m"), (Resources.MEMORY, "1.5Gi"), (Resources.GPU, "1"))),
        TaskTemplate(id=task_id(), container=Container(image="image")),
        TaskTemplate(id=task_id(), type="sensor"),
        pod_task(pods("main", "side-car-1")),
        pod_task({"containers": [{"name": "a", "resources": {"limits": {"cpu": 2, "memory": "1Gi"}}}]}),
        pod_task({}),
    ],
)
def test_a_complete_task_is_wrapped_as_it_is(template: TaskTemplate) -> None:
    assert compile_task(template).template == template


@pytest.mark.conformance("REG-07")
@pytest.mark.parametrize(
    ("template", "errors"),
    [
        (container_task(args=[]), [COMMAND]),
        (container_task(image=""), [IMAGE]),
        (container_task(image="", args=[]), [COMMAND, IMAGE]),
        (
            container_task(resources=asks((Resources.CPU, "a lot"), (Resources.EPHEMERAL_STORAGE, "1Gb"))),
            [
                "Code: UnrecognizedValue, Node Id: resources.CPU, Description: Unrecognized value [a lot].",
                "Code: UnrecognizedValue, Node Id: resources.EPHEMERAL_STORAGE, Description: Unrecognized value [1Gb].",
            ],
        ),
        (
            container_task(resources=asks((77, ""))),
            ["Code: UnrecognizedValue, Node Id: resources.77, Description: Unrecognized value []."],
        ),
        (
            TaskTemplate(container=Container(image="image")),
            ["Code: ValueRequired, Node Id: root, Description: Value required [Id]."],
        ),
        (pod_task(None), [POD]),
        (pod_task({"containers": "none"}), [POD]),
        (pod_task({"containers": [{"name": 1}]}), [POD]),
        (pod_task({"containers": [{"name": "a", "resources": {"limits": {"cpu": "much"}}}]}), [POD]),
        (pod_task({"containers": [{"name": "a", "ports": [{"containerPort": 1.5}]}]}), [POD]),
        (pod_task({"containers": [{"image": "no name"}]}), [NAME]),
        (pod_task(pods("Main")), [NAME]),
        (pod_task(pods("a" * 64, "-a")), [NAME]),
    ],
)
def test_an_incomplete_task_says_all_that_is_missing(template: TaskTemplate, errors: Sequence[str]) -> None:
    with pytest.raises(CompileErrors) as raised:
        compile_task(template)

    assert [str(error) for error in raised.value.errors] == list(errors)
    assert raised.value.message.startswith(f"Collected Errors: {len(errors)}\n\tError 0: {errors[0]}\n")
