"""Tests the conditions and updates of names, versions, projects and signals on each emulator."""

import pytest
from flyteidl.admin.common_pb2 import NamedEntityMetadata, NamedEntityState
from flyteidl.admin.description_entity_pb2 import DescriptionEntity
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.admin.matchable_resource_pb2 import MatchableResource
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskSpec
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW, SignalIdentifier

from flyteadmin.attributes import repository as attributes
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.clients.dynamodb.reads import get, query
from flyteadmin.clients.dynamodb.writes import ConditionFailed, Put, TransactionFailed, transact, write
from flyteadmin.cluster_resources import repository as namespaces
from flyteadmin.cluster_resources.models import NamespaceRow
from flyteadmin.description_entities import repository as descriptions
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launch_plans.models import ActiveVersion, LaunchPlanRow
from flyteadmin.named_entities import repository as names
from flyteadmin.projects import repository as projects
from flyteadmin.projects.models import ProjectRow
from flyteadmin.signals import repository as signals
from flyteadmin.signals.models import SignalRow
from flyteadmin.tasks import repository as tasks
from flyteadmin.tasks.models import TaskRow
from flyteadmin.workflows import repository as workflows
from flyteadmin.workflows.models import WorkflowRow
from tests.builders import DOMAIN, PROJECT, execution_id
from tests.entities import identifier

NAME = f"{PROJECT}:{DOMAIN}:doubling"
TASK_ID, WORKFLOW_ID = identifier(TASK, "doubling"), identifier(WORKFLOW, "doubling")


def task_row(version: str = "v1") -> TaskRow:
    return TaskRow(name=NAME, version=version, created_at=1, digest=b"d", task_type="t")


def launch_plan(version: str) -> Put:
    plan = LaunchPlan(id=identifier(LAUNCH_PLAN, "doubling", version))
    return launch_plans.first(launch_plans.new_version(plan, WORKFLOW_ID, "s3://closure", 1), plan)


def active() -> list[str]:
    page = query(LaunchPlanRow, f"{PROJECT}:{DOMAIN}", index="active")
    return [str(row.version) for row in page.items]


def test_a_first_version_makes_its_name_known(database: str) -> None:
    assert names.store_version(TaskRow, tasks.first(task_row(), b"closure"), TASK_ID, None, now=5) is None
    known = names.read(TASK_ID)
    assert known is not None
    assert (known.version, known.description, known.state, known.created_at) == (1, "", 0, 5)
    stored = tasks.read(TASK_ID)
    assert stored is not None
    assert stored.closure == b"closure"


@pytest.mark.parametrize("is_known", [False, True], ids=["in a transaction", "alone"])
def test_a_version_that_is_there_is_brought(database: str, is_known: bool) -> None:
    assert names.store_version(TaskRow, tasks.first(task_row(), b"closure"), TASK_ID, None, now=5) is None
    known = names.read(TASK_ID) if is_known else None
    existing = names.store_version(TaskRow, tasks.first(task_row(), b"other"), TASK_ID, known, now=6)
    assert existing is not None
    assert existing.closure == b"closure"
    assert names.store_version(TaskRow, tasks.first(task_row("v2"), b"closure"), TASK_ID, known, now=6) is None
    again = names.read(TASK_ID)
    assert again is not None
    assert (again.version, again.updated_at) == (1, 5), "what was said of a name stays"


def test_what_is_said_of_a_name_wants_one(database: str) -> None:
    said = NamedEntityMetadata(description="doubles", state=NamedEntityState.NAMED_ENTITY_ARCHIVED)
    assert not names.describe(TASK_ID, said, 7)
    assert names.read(TASK_ID) is None
    write(names.make_known(TASK_ID, 5))
    assert names.describe(TASK_ID, said, 7)
    write(names.make_known(TASK_ID, 9))
    known = names.read(TASK_ID)
    assert known is not None
    assert (known.description, known.state, known.version, known.updated_at) == ("doubles", 1, 2, 7)
    write(names.make_system_generated(TASK_ID, 9))
    generated = names.read(TASK_ID)
    assert generated is not None
    assert (generated.state, generated.description) == (2, "doubles")


def test_versions_of_every_kind_are_stored_once(database: str) -> None:
    workflow = WorkflowRow(name=NAME, version="v1", created_at=1, digest=b"d", closure_uri="s3://closure")
    described = TaskSpec(description=DescriptionEntity(short_description="doubles"))
    [description] = descriptions.descriptions(TaskCreateRequest(id=TASK_ID, spec=described), 1)
    alone = descriptions.description(described.description, TASK_ID, 1)
    assert description.item.attribute_values == alone.item.attribute_values
    operations = [tasks.first(task_row(), b"c"), workflows.first(workflow), launch_plan("v1"), description]
    transact(operations)
    for position, operation in enumerate(operations[:3]):
        with pytest.raises(ConditionFailed) as failure:
            write(operation)
        assert failure.value.old is not None
        with pytest.raises(TransactionFailed) as failures:
            transact(operations)
        assert failures.value.failed == (0, 1, 2)
        assert failures.value.old[position] == failure.value.old
    assert workflows.read(WORKFLOW_ID) is not None
    assert launch_plans.read(identifier(LAUNCH_PLAN, "doubling")) is not None
    stored = descriptions.read(TASK_ID)
    assert stored is not None
    assert DescriptionEntity.FromString(stored.description or b"").short_description == "doubles"


def test_one_version_is_active_at_a_time(database: str) -> None:
    transact([launch_plan("v1"), launch_plan("v2")])
    first, second = (identifier(LAUNCH_PLAN, "doubling", version) for version in ("v1", "v2"))
    assert launch_plans.read_active(PROJECT, DOMAIN, "doubling") is None
    for wanted, version in ((first, "v1"), (second, "v2"), (second, "v2")):
        launch_plans.activate(wanted, 7, lambda _row: None)
        row = launch_plans.read_active(PROJECT, DOMAIN, "doubling")
        assert row is not None
        assert (row.version, row.state, active()) == (version, 1, [version])
    launch_plans.deactivate(first, 8)
    assert active() == ["v2"], "it was not the active one"
    launch_plans.deactivate(second, 8)
    assert (launch_plans.read_active(PROJECT, DOMAIN, "doubling"), active()) == (None, [])
    with pytest.raises(launch_plans.LaunchPlanMissing):
        launch_plans.activate(identifier(LAUNCH_PLAN, "doubling", "v3"), 9, lambda _row: None)


@pytest.mark.parametrize("seen", ["", None, "v3"], ids=["none was active", "there was no marker", "another was active"])
def test_an_activation_over_what_has_changed_changes_nothing(database: str, seen: str | None) -> None:
    transact([launch_plan(version) for version in ("v1", "v2", "v3")])
    launch_plans.activate(identifier(LAUNCH_PLAN, "doubling", "v1"), 7, lambda _row: None)
    marker = ActiveVersion(name=f":{NAME}", active_version=seen) if seen is not None else None
    with pytest.raises(TransactionFailed) as failure:
        transact(launch_plans._operations(NAME, marker, "v2", 8))
    assert failure.value.failed == (0,)
    assert active() == ["v1"]


def test_an_activation_of_what_is_not_there_changes_nothing(database: str) -> None:
    with pytest.raises(TransactionFailed) as failure:
        transact(launch_plans._operations(NAME, None, "v1", 8))
    assert (failure.value.failed, failure.value.old) == ((1,), {1: None})
    assert launch_plans.read_active(PROJECT, DOMAIN, "doubling") is None


def project(name: str) -> ProjectRow:
    return ProjectRow(project=name, name=name, created_at=1, updated_at=1)


def test_a_project_is_made_once_and_replaced_on_the_version_read(database: str) -> None:
    assert projects.create(project("b"))
    assert not projects.create(project("b"))
    assert projects.create(project("a"))
    row, stale = projects.read("b"), projects.read("b")
    assert row is not None
    assert stale is not None
    row.description = "new"
    assert projects.replace(row)
    assert not projects.replace(stale)
    assert [(each.project, each.version, each.description) for each in projects.read_behind("", ascending=True)] == [
        ("a", 1, ""),
        ("b", 2, "new"),
    ]


def signal(name: str, type: bytes = b"\x08\x01") -> SignalRow:
    return SignalRow(execution=f"{PROJECT}:{DOMAIN}:run", signal_id=name, type=type, created_at=1, updated_at=1)


def test_a_signal_is_made_once_and_set_while_its_type_is_the_same(database: str) -> None:
    assert signals.create(signal("approve")).created_at == 1
    assert signals.create(signal("approve", b"\x08\x02")).type == b"\x08\x01"
    signals.set_value(signal("approve"), b"value", 7)
    row = signals.read(SignalIdentifier(signal_id="approve", execution_id=execution_id()))
    assert row is not None
    assert (row.value, row.version, row.updated_at) == (b"value", 2, 7)
    for refused in (signal("approve", b"\x08\x02"), signal("missing")):
        with pytest.raises(ConditionFailed):
            signals.set_value(refused, b"other", 8)


def test_signals_come_in_order_behind_one(database: str) -> None:
    for name in ("c", "a", "é", "b", "B"):
        signals.create(signal(name))
    execution = signal("a").execution
    in_order = query(SignalRow, execution, limit=3)
    assert [row.signal_id for row in in_order.items] == ["B", "a", "b"]
    assert [row.signal_id for row in query(SignalRow, execution, start=in_order.next_key).items] == ["c", "é"]
    behind = query(SignalRow, execution, sort=SignalRow.signal_id > "a", ascending=False)
    assert [row.signal_id for row in behind.items] == ["é", "c", "b"]


def test_attributes_of_every_scope_are_found_at_once(database: str) -> None:
    for scope in (f"{PROJECT}:::", f"{PROJECT}:{DOMAIN}:doubling:"):
        write(Put(AttributesRow(scope=scope, updated_at=1)))
    found = attributes.matching(PROJECT, DOMAIN, "doubling", "plan")
    assert [row.scope for row in found.rows] == [f"{PROJECT}:{DOMAIN}:doubling:", f"{PROJECT}:::"]


def test_attributes_are_written_on_the_version_that_was_read(database: str) -> None:
    labels, config = MatchableResource.EXECUTION_CLUSTER_LABEL, MatchableResource.WORKFLOW_EXECUTION_CONFIG
    at = attributes.key(PROJECT, DOMAIN, "doubling")
    assert attributes.store(at, None, labels, b"a", 1)
    assert not attributes.store(at, None, config, b"b", 2)
    first, second = get(at), get(at)
    assert attributes.store(at, first, config, b"b", 3)
    assert second is not None
    assert not attributes.remove(second, labels, 4)
    newest = get(at)
    assert newest is not None
    assert [attributes.value_of(newest, kind) for kind in (labels, config)] == [b"a", b"b"]
    assert [row.scope for row in attributes.read_all(config)] == [at.partition]
    assert attributes.remove(newest, labels, 5)
    last = get(at)
    assert last is not None
    assert attributes.remove(last, config, 6)
    assert get(at) is None
    assert attributes.store(at, None, labels, b"c", 7)
    assert not attributes.remove(last, config, 8), "the row was made anew"


def test_namespaces_of_a_cluster_are_replaced_on_the_version_that_was_read(database: str) -> None:
    place = namespaces.place_key(PROJECT, DOMAIN)
    assert namespaces.replace(NamespaceRow("east", place, namespace="a"), is_new=True)
    assert not namespaces.replace(NamespaceRow("east", place, namespace="b"), is_new=True)
    first, second = namespaces.read("east", place), namespaces.read("east", place)
    assert first is not None
    assert second is not None
    first.namespace, second.namespace = "c", "d"
    assert namespaces.replace(first, is_new=False)
    assert not namespaces.replace(second, is_new=False)
    assert namespaces.replace(NamespaceRow("west", place, namespace="e"), is_new=True)
    assert [(row.namespace, row.version) for row in namespaces.of_cluster("east")] == [("c", 2)]


def test_attributes_of_projects_and_domains_are_read_without_those_of_workflows(database: str) -> None:
    labels = MatchableResource.EXECUTION_CLUSTER_LABEL
    above = [attributes.key(PROJECT, "", ""), attributes.key(PROJECT, DOMAIN, "")]
    for at in (*above, attributes.key(PROJECT, DOMAIN, "doubling")):
        assert attributes.store(at, None, labels, b"a", 1)
    found = namespaces.attributes_above_workflows()
    assert [found.get(at) is not None for at in above] == [True, True]
    assert found.get(attributes.key(PROJECT, DOMAIN, "doubling")) is None
