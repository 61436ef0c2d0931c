"""Lists of matchable attributes through the real handler: what they have, and what they cost."""

from collections import Counter
from collections.abc import Callable
from itertools import batched

import pytest
from flyteidl.admin.matchable_resource_pb2 import ListMatchableAttributesRequest, MatchableResource
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest, ProjectRegisterResponse

from bench.counting import Recorder, read_units, stages
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.errors import Code
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from tests import in_process
from tests.attribute_calls import (
    EACH_KIND,
    OF_DOMAIN,
    OF_PROJECT,
    WORKFLOW,
    labelled,
    listed,
    parallel,
    plugins,
    update,
)
from tests.attribute_rows import put_attributes
from tests.builders import DOMAIN, PROJECT

KINDS = MatchableResource
CONFIG = KINDS.WORKFLOW_EXECUTION_CONFIG


@pytest.fixture
def admin(aws: Aws) -> Admin:
    return in_process.admin()


@pytest.mark.conformance("ATT-11")
def test_a_list_has_every_row_of_a_kind_the_narrowest_first(admin: Admin) -> None:
    assert list(listed(admin, CONFIG).configurations) == []
    another = ProjectRegisterRequest(project=Project(id="another", name="another"))
    admin.call("RegisterProject", another, ProjectRegisterResponse)
    for number, scope in enumerate((OF_PROJECT, WORKFLOW, ("another", "production"), OF_DOMAIN), start=1):
        update(admin, scope, parallel(number))
        update(admin, scope, labelled("not listed"))
    put_attributes(parallel(9), workflow="doubling", launch_plan="plan")
    put_attributes(EACH_KIND[KINDS.TASK_RESOURCE], project="another", domain="")
    found = [
        (entry.project, entry.domain, entry.workflow, entry.launch_plan, entry.attributes)
        for entry in listed(admin, CONFIG).configurations
    ]
    assert found == [
        (PROJECT, DOMAIN, "doubling", "plan", parallel(9)),
        (PROJECT, DOMAIN, "doubling", "", parallel(2)),
        ("another", "production", "", "", parallel(3)),
        (PROJECT, DOMAIN, "", "", parallel(4)),
        (PROJECT, "", "", "", parallel(1)),
    ]


@pytest.mark.conformance("ATT-11")
def test_an_unknown_kind_is_listed_nowhere_and_found_nowhere(admin: Admin) -> None:
    with pytest.raises(CallFailed) as failure:
        listed(admin, 8)  # type: ignore[arg-type]
    assert failure.value.code is Code.INVALID_ARGUMENT
    assert "resource_type" in failure.value.status.message


def test_what_is_larger_than_an_answer_is_fetched_elsewhere(admin: Admin) -> None:
    for number in range(150):
        put_attributes(EACH_KIND[KINDS.CLUSTER_ASSIGNMENT], plugins(spark="x" * 30_000), workflow=f"w{number}")
    request = ListMatchableAttributesRequest(resource_type=KINDS.PLUGIN_OVERRIDE)
    assert admin.send("ListMatchableAttributes", request).status == 303
    assert len(listed(admin, KINDS.CLUSTER_ASSIGNMENT).configurations) == 150


def test_what_a_list_costs(aws: Aws, record_property: Callable[[str, object], None]) -> None:
    """Four thousand scopes, as a thousand projects with a row of their own and one for each domain have."""
    recorder = Recorder()
    recorder.attach()
    admin, value = in_process.admin(), parallel(5).SerializeToString()
    scopes = [
        (f"p{number}", domain) for number in range(1000) for domain in ("", "development", "staging", "production")
    ]
    for group in batched(scopes, 500):
        batch_put(
            [
                AttributesRow(scope=scope_key(*scope, "", ""), updated_at=0, workflow_execution_config=value)
                for scope in group
            ]
        )
    with recorder.recording() as calls:
        found = listed(admin, CONFIG)
    assert len(found.configurations) == 4000
    counted = Counter(call.operation for call in calls)
    assert counted == {"Query": 1, "BatchGetItem": 40}
    record_property(
        "figure",
        f"ListMatchableAttributes at 4,000 scopes: {len(calls)} requests in {stages(calls)} stages,"
        f" {read_units(calls):,.0f} read units, {found.ByteSize():,} bytes",
    )
