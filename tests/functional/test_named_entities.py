"""Names and descriptions through the real handlers: what is said about all versions of an entity, and about one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.admin.common_pb2 import (
    NAMED_ENTITY_ACTIVE,
    NAMED_ENTITY_ARCHIVED,
    NamedEntity,
    NamedEntityGetRequest,
    NamedEntityIdentifier,
    NamedEntityMetadata,
    NamedEntityState,
    NamedEntityUpdateRequest,
    NamedEntityUpdateResponse,
    ObjectGetRequest,
)
from flyteidl.admin.description_entity_pb2 import Description, DescriptionEntity, SourceCode
from flyteidl.admin.task_pb2 import TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import DATASET, LAUNCH_PLAN, TASK, UNSPECIFIED, WORKFLOW, ResourceType
from google.protobuf.message import Message

from flyteadmin.errors import Code
from flyteadmin.named_entities import repository
from local.admin import CallFailed
from tests.builders import DOMAIN, PROJECT
from tests.entities import identifier, task_request, workflow_request
from tests.in_process import admin

pytestmark = pytest.mark.usefixtures("aws")


def call[M: Message](rpc: str, request: Message, of: type[M]) -> M:
    return admin().call(rpc, request, of)


def refusal(rpc: str, request: Message) -> tuple[Code, str]:
    with pytest.raises(CallFailed) as failed:
        call(rpc, request, NamedEntity)
    return failed.value.code, failed.value.status.message


def named(name: str = "double") -> NamedEntityIdentifier:
    return NamedEntityIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def name(kind: ResourceType = TASK, of: str = "double") -> NamedEntity:
    return call("GetNamedEntity", NamedEntityGetRequest(resource_type=kind, id=named(of)), NamedEntity)


def said(
    description: str = "",
    state: NamedEntityState = NAMED_ENTITY_ACTIVE,
    *,
    of: str = "double",
    kind: ResourceType = TASK,
) -> NamedEntityUpdateRequest:
    metadata = NamedEntityMetadata(description=description, state=state)
    return NamedEntityUpdateRequest(resource_type=kind, id=named(of), metadata=metadata)


def say(request: NamedEntityUpdateRequest) -> None:
    call("UpdateNamedEntity", request, NamedEntityUpdateResponse)


def register_task(**fields: str) -> None:
    call("CreateTask", task_request(**fields), TaskCreateResponse)


@pytest.mark.conformance("REG-24")
def test_a_name_that_nothing_was_said_about() -> None:
    register_task()
    assert name() == NamedEntity(resource_type=TASK, id=named(), metadata=NamedEntityMetadata())
    asked = NamedEntityGetRequest(resource_type=WORKFLOW, id=named())
    code, message = refusal("GetNamedEntity", asked)
    assert (code, message.startswith("missing entity of type WORKFLOW with identifier")) == (Code.NOT_FOUND, True)


@pytest.mark.conformance("REG-22")
def test_the_state_is_always_written_and_an_empty_description_is_none() -> None:
    register_task()
    say(said("doubles", NAMED_ENTITY_ARCHIVED))
    assert name().metadata == NamedEntityMetadata(description="doubles", state=NAMED_ENTITY_ARCHIVED)
    say(said(""))
    assert name().metadata == NamedEntityMetadata(description="doubles", state=NAMED_ENTITY_ACTIVE)
    register_task(version="v2")
    assert name().metadata.description == "doubles", "a further version leaves what was said"


@pytest.mark.conformance("REG-22")
def test_only_a_name_that_is_known_can_be_described() -> None:
    assert refusal("UpdateNamedEntity", said("nothing"))[0] == Code.NOT_FOUND
    assert refusal("GetNamedEntity", NamedEntityGetRequest(resource_type=TASK, id=named()))[0] == Code.NOT_FOUND


@pytest.mark.conformance("REG-22", "VAL-10")
@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (said(kind=UNSPECIFIED), "invalid value for resource_type"),
        (said("x" * 301), "size of description exceeded length 300"),
        (said(state=9), "invalid value for state"),  # type: ignore[arg-type]
        (said(of="n" * 513), "size of name exceeded length 512"),
        (said(kind=DATASET, state=NAMED_ENTITY_ARCHIVED), "Cannot get NamedEntityMetadata for resource type: DATASET"),
        (NamedEntityUpdateRequest(resource_type=TASK, id=named()), "missing metadata"),
    ],
)
def test_what_can_not_be_said(request_: NamedEntityUpdateRequest, message: str) -> None:
    code, text = refusal("UpdateNamedEntity", request_)
    assert (code, text.startswith(message)) == (Code.INVALID_ARGUMENT, True), text


def test_of_many_updates_at_once_none_is_lost_and_none_undoes_the_other() -> None:
    register_task()
    changes = [said("doubles", NAMED_ENTITY_ARCHIVED), *[said("", NAMED_ENTITY_ARCHIVED)] * 7]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(say, changes))
    assert name().metadata == NamedEntityMetadata(description="doubles", state=NAMED_ENTITY_ARCHIVED)
    row = repository.read(identifier(TASK, "double"))
    assert row is not None
    assert row.version == 1 + len(changes)


@pytest.mark.conformance("REG-25")
def test_a_description_that_came_with_a_version() -> None:
    request = task_request()
    written = DescriptionEntity(
        short_description="doubles",
        long_description=Description(value="It doubles."),
        source_code=SourceCode(link="https://example.com/double.py"),
    )
    request.spec.description.CopyFrom(written)
    call("CreateTask", request, TaskCreateResponse)
    written.id.CopyFrom(request.id)
    found = call("GetDescriptionEntity", ObjectGetRequest(id=request.id), DescriptionEntity)
    assert found == written


@pytest.mark.conformance("REG-25")
def test_a_description_of_megabytes_lies_in_the_store_and_reads_the_same() -> None:
    register_task()
    request = workflow_request()
    request.spec.description.long_description.value = "long " * 20_000
    call("CreateWorkflow", request, WorkflowCreateResponse)
    found = call("GetDescriptionEntity", ObjectGetRequest(id=request.id), DescriptionEntity)
    assert found.long_description.value == "long " * 20_000
    assert found.HasField("source_code")


@pytest.mark.conformance("REG-25", "VAL-01")
def test_descriptions_that_are_not_there() -> None:
    register_task()
    described = ObjectGetRequest(id=identifier(TASK, "double"))
    assert refusal("GetDescriptionEntity", described)[0] == Code.NOT_FOUND
    launch_plan = ObjectGetRequest(id=identifier(LAUNCH_PLAN, "double"))
    assert refusal("GetDescriptionEntity", launch_plan)[0] == Code.NOT_FOUND
    no_kind = ObjectGetRequest(id=identifier(9, "double"))  # type: ignore[arg-type]
    assert refusal("GetDescriptionEntity", no_kind)[0] == Code.INVALID_ARGUMENT


@pytest.mark.conformance("KD-12")
def test_a_version_that_loses_leaves_no_description() -> None:
    """Version, name and description are one transaction."""
    register_task()
    loser = task_request(image="registry.example/task:2")
    loser.spec.description.short_description = "another"
    assert refusal("CreateTask", loser)[0] == Code.INVALID_ARGUMENT
    assert refusal("GetDescriptionEntity", ObjectGetRequest(id=loser.id))[0] == Code.NOT_FOUND
    loser.id.name = "winner"
    call("CreateTask", loser, TaskCreateResponse)
    assert call("GetDescriptionEntity", ObjectGetRequest(id=loser.id), DescriptionEntity).short_description == "another"
