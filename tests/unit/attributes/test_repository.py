"""Matchable attributes: the narrowest scope applies as a whole, for an execution's configuration the project too."""

import pytest
from flyteidl.admin.matchable_resource_pb2 import (
    MatchableResource,
    MatchingAttributes,
    PluginOverride,
    PluginOverrides,
    TaskResourceAttributes,
    TaskResourceSpec,
    WorkflowExecutionConfig,
)

from flyteadmin.attributes.matching import MatchingAttributesRows, Scope
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import keys, rows_of, scope_key
from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.reads import Found


def limited(cpu: str) -> bytes:
    limits = TaskResourceAttributes(limits=TaskResourceSpec(cpu=cpu))
    return MatchingAttributes(task_resource_attributes=limits).SerializeToString()


def parallel(number: int) -> bytes:
    config = WorkflowExecutionConfig(max_parallelism=number)
    return MatchingAttributes(workflow_execution_config=config).SerializeToString()


def row(scope: str, **kinds: bytes) -> AttributesRow:
    return AttributesRow(scope=scope, updated_at=1, **kinds)  # type: ignore[arg-type]  # the first argument is another


def matched(*rows: AttributesRow) -> MatchingAttributesRows:
    found = Found({key_of(each): each for each in rows})
    return rows_of(found, keys("p", "d", "w", "l"))


def cpu(rows: MatchingAttributesRows) -> str | None:
    found = rows.most_specific(MatchableResource.TASK_RESOURCE)
    return found.task_resource_attributes.limits.cpu if found is not None else None


def test_the_narrowest_scope_that_sets_a_kind_wins_whole() -> None:
    rows = [row("p:::", task_resource=limited("1")), row("p:d::", task_resource=limited("2"))]
    assert cpu(matched()) is None
    assert cpu(matched(*rows)) == "2"
    assert cpu(matched(*rows, row("p:d:w:", workflow_execution_config=parallel(1)))) == "2"
    assert cpu(matched(*rows, row("p:d:w:", task_resource=limited("3")))) == "3"


def test_a_launch_plans_own_row_counts_for_plugins_and_the_cluster_label_alone() -> None:
    plugins = MatchingAttributes(plugin_overrides=PluginOverrides(overrides=[PluginOverride(task_type="t")]))
    rows = matched(
        row("p:d:w:l", task_resource=limited("4"), plugin_override=plugins.SerializeToString()),
        row("p:d::", task_resource=limited("2"), workflow_execution_config=parallel(1)),
    )
    assert cpu(rows) == "2"
    assert rows.most_specific(MatchableResource.PLUGIN_OVERRIDE) == plugins
    assert rows.scope_of(MatchableResource.PLUGIN_OVERRIDE) is Scope.LAUNCH_PLAN


def parallelisms(rows: MatchingAttributesRows, *, merged: bool) -> list[tuple[Scope, int]]:
    return [(row.scope, row.config.max_parallelism) for row in rows.workflow_execution_configs(merged=merged)]


@pytest.mark.conformance("CFG-02")
def test_a_configuration_is_merged_down_the_scopes_or_never_read_from_between() -> None:
    rows = matched(
        row("p:::", workflow_execution_config=parallel(1)),
        row("p:d::", workflow_execution_config=parallel(2)),
        row("p:d:w:", workflow_execution_config=parallel(3)),
        row("p:d:w:l", workflow_execution_config=parallel(4)),
    )
    assert parallelisms(rows, merged=False) == [(Scope.WORKFLOW, 3), (Scope.PROJECT, 1)]
    assert parallelisms(rows, merged=True) == [(Scope.WORKFLOW, 3), (Scope.PROJECT_DOMAIN, 2), (Scope.PROJECT, 1)]


@pytest.mark.conformance("CFG-16")
@pytest.mark.parametrize("merged", [True, False])
def test_a_row_that_holds_no_configuration_is_ignored(*, merged: bool) -> None:
    empty = MatchingAttributes().SerializeToString()
    rows = matched(row("p:d:w:", workflow_execution_config=empty), row("p:::", workflow_execution_config=parallel(1)))
    assert parallelisms(rows, merged=merged) == [(Scope.PROJECT, 1)]


def test_scopes_of_different_names_never_share_a_key() -> None:
    assert scope_key("p", "d", "a:b", "") != scope_key("p", "d", "a", "b:")
    assert len({key.partition for key in keys("p", "d", "w", "l")}) == 4


def test_a_scope_that_no_key_can_hold_holds_no_attributes() -> None:
    assert [key.partition for key in keys("p", "d", "w" * 2048, "l")] == ["p:d::", "p:::"]
