"""Launch plans are activated and deactivated through the real handler: at most one version of a name is active."""

from functools import partial

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifier
from flyteidl.admin.launch_plan_pb2 import (
    ACTIVE,
    INACTIVE,
    ActiveLaunchPlanRequest,
)

from flyteadmin.errors import Code, FlyteAdminError
from flyteadmin.launch_plans import reading as launch_plan_reading
from tests.builders import DOMAIN, PROJECT
from tests.entities import (
    integer,
    launch_plan_request,
    task_request,
    workflow_request,
)
from tests.register_calls import at_once, change_state, code, launch_plan, refusal, registered

pytestmark = pytest.mark.usefixtures("aws")


def active_version() -> str:
    wanted = NamedEntityIdentifier(project=PROJECT, domain=DOMAIN, name="doubling")
    return launch_plan_reading.get_active(ActiveLaunchPlanRequest(id=wanted)).id.version


def with_versions(number: int) -> list[str]:
    versions = [f"v{each}" for each in range(1, number + 1)]
    registered(task_request(), workflow_request(), *(launch_plan_request(version=each) for each in versions))
    return versions


@pytest.mark.conformance("REG-16", "REG-17")
def test_activating_a_version_deactivates_the_other() -> None:
    with_versions(2)
    assert code(change_state("v1", ACTIVE)) == Code.OK
    assert code(change_state("v2", ACTIVE)) == Code.OK
    assert (active_version(), launch_plan("v1").closure.state) == ("v2", INACTIVE)
    assert code(change_state("v2", ACTIVE)) == Code.OK
    assert code(change_state("v1", INACTIVE)) == Code.OK
    assert active_version() == "v2"
    assert code(change_state("v2", INACTIVE)) == Code.OK
    assert launch_plan("v2").closure.state == INACTIVE
    assert code(change_state("v1", ACTIVE)) == Code.OK
    assert active_version() == "v1"


@pytest.mark.conformance("REG-17")
def test_activations_and_deactivations_at_once_leave_at_most_one_active() -> None:
    versions = with_versions(3)
    changes = [(version, state) for version in versions for state in (ACTIVE, INACTIVE)]
    at_once([partial(change_state, *change) for change in changes])
    active = [version for version in versions if launch_plan(version).closure.state == ACTIVE]
    try:
        assert active == [active_version()]
    except FlyteAdminError as none:
        assert (none.code, active) == (Code.NOT_FOUND, [])  # noqa: PT017  # either is right


@pytest.mark.conformance("REG-17")
def test_a_version_that_is_not_there_can_not_change_its_state() -> None:
    for state in (ACTIVE, INACTIVE):
        status, message = refusal(change_state("v1", state))
        assert status == Code.NOT_FOUND
        assert message.startswith("missing entity of type LAUNCH_PLAN with identifier")


@pytest.mark.conformance("REG-17")
def test_there_are_two_states() -> None:
    with_versions(1)
    answer = change_state("v1", 7)  # type: ignore[arg-type]  # no state
    assert refusal(answer)[0] == Code.INVALID_ARGUMENT
    assert refusal(answer)[1].startswith("Unrecognized launch plan state 7")


def test_a_schedule_that_nothing_would_run_is_not_activated() -> None:
    registered(task_request(), workflow_request())
    request = launch_plan_request()
    request.spec.entity_metadata.schedule.cron_schedule.schedule = "@daily"
    request.spec.fixed_inputs.literals["x"].CopyFrom(integer(1))
    registered(request)
    assert code(change_state("v1", ACTIVE)) == Code.UNIMPLEMENTED
    assert launch_plan().closure.state == INACTIVE
