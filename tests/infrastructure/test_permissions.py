"""Each role may do what it names, on what it names, once; what the pollers do with a role is held to their mappings."""

from collections import Counter
from fnmatch import fnmatchcase

import pytest

from local.aws.audit import allowed
from tests.infrastructure.permissions import (
    ONLY_ON_AWS,
    ONLY_WITH_A_WRONG_FILE,
    Grant,
    Role,
    document_without,
    polled,
    roles,
    without,
)
from tests.infrastructure.template import EVERYTHING_SET, ROOT, Template, load

TEMPLATE = load(EVERYTHING_SET)
ROLES = roles(TEMPLATE)
BY_ID = {role.logical_id: role for role in ROLES}
GRANTS = [(role, grant) for role in ROLES for grant in role.grants]
NOT_NARROWED = {"ec2:DescribeNetworkInterfaces"}

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.function)
each_grant = pytest.mark.parametrize(
    ("role", "grant"), GRANTS, ids=[f"{role.function}-{grant.action}-{grant.sid}" for role, grant in GRANTS]
)


def some(resource: str) -> str:
    """Return a resource that a grant covers."""
    return resource.replace("*", "something")


def test_each_function_has_a_role_of_its_own() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert Counter(role.function for role in ROLES) == dict.fromkeys(folders, 1)


@each_grant
def test_a_grant_names_its_action_and_its_resource(role: Role, grant: Grant) -> None:
    assert "*" not in grant.action
    assert grant.resource.startswith("arn:aws:") or grant.action in NOT_NARROWED


@each_grant
def test_what_is_taken_away_is_denied_for_no_other_grant_repeats_it(role: Role, grant: Grant) -> None:
    resource = some(grant.resource)
    assert allowed([role.policy()], grant.action, resource)
    assert not allowed([without(role, grant.action, grant.resource).policy()], grant.action, resource)


@each_role
def test_an_action_taken_away_is_denied_on_everything(role: Role) -> None:
    for action in sorted(role.actions):
        rest = without(role, action)
        assert rest.actions == role.actions - {action}
        assert not any(allowed([rest.policy()], g.action, some(g.resource)) for g in role.grants if g.action == action)


@each_role
def test_an_action_is_taken_out_of_the_template_that_is_deployed(role: Role) -> None:
    before = {each.logical_id: each.actions for each in ROLES}
    for action in sorted(role.actions):
        document = document_without(TEMPLATE.document, role.logical_id, action)
        after = {each.logical_id: each.actions for each in roles(Template(document, EVERYTHING_SET))}
        assert after == before | {role.logical_id: role.actions - {action}}


def test_a_poller_has_all_that_it_does_with_the_role() -> None:
    needed = list(polled(TEMPLATE))
    assert {role for role, _ in needed} == {
        "ProcessEventRole",
        "NotifyRole",
        "ApplyNamespacesRole",
        "AskNamespacesRole",
    }
    for role, grant in needed:
        assert allowed([BY_ID[role].policy()], grant.action, grant.resource), (role, grant)


def test_no_role_polls_but_for_its_mapping() -> None:
    polling = {action for _, grant in polled(TEMPLATE) if (action := grant.action) != "sqs:SendMessage"}
    granted = {(role.logical_id, g.action, g.resource) for role, g in GRANTS if g.action in polling}
    needed = {(role, grant.action, grant.resource) for role, grant in polled(TEMPLATE)}
    for role, action, resource in granted:
        assert any((role, action) == need[:2] and fnmatchcase(need[2], resource) for need in needed), (
            role,
            action,
            resource,
        )


def test_what_only_aws_checks_is_granted_somewhere() -> None:
    assert {grant.action for _, grant in GRANTS} >= ONLY_ON_AWS


def test_reading_functions_write_nothing_but_their_answers() -> None:
    for function in ("get_executions", "get_entities"):
        role = next(role for role in ROLES if role.function == function)
        verbs = ("Put", "Update", "Delete", "BatchWrite", "Send", "Publish")
        writes = {g.resource for g in role.grants if g.action.split(":")[1].startswith(verbs)}
        assert {resource.rpartition("/")[0].rpartition("/")[2] for resource in writes if ":s3:" in resource} == {
            "answers"
        }
        assert all(":s3:" in resource or ":logs:" in resource for resource in writes)


def test_versions_are_read_where_the_configuration_is_and_of_nothing_else() -> None:
    readers = {
        name
        for name, properties in TEMPLATE.resources("AWS::Serverless::Function")
        if "CONFIGURATION_URI" in str(properties)
    }
    owners = dict(TEMPLATE.targets("AWS::Serverless::Function", "Role"))
    for role in ROLES:
        versions = {grant.action: grant.resource for grant in role.grants if grant.action in ONLY_WITH_A_WRONG_FILE}
        if role.logical_id in {owners[name] for name in readers}:
            bucket = "arn:aws:s3:::" + str(TEMPLATE.resolve({"Ref": "Bucket"}))
            assert versions == {"s3:GetObjectVersion": f"{bucket}/flyteadmin.yaml", "s3:ListBucketVersions": bucket}
        else:
            assert versions == {}


def test_the_options_that_are_off_grant_nothing() -> None:
    bare = {grant for role in roles(load()) for grant in role.grants}
    assert not {grant for grant in bare if grant.action in ONLY_WITH_A_WRONG_FILE}
    assert not {g for g in bare if g.action.startswith(("ec2:", "secretsmanager:")) or "flyteadmin.yaml" in g.resource}


def test_a_deployed_stacks_names_are_in_the_resources() -> None:
    physical = {
        "Bucket": "flyteadmin-bucket-1a2b",
        "EventsQueue": f"http://sqs.example/{'0' * 12}/flyteadmin-EventsQueue-1a2b.fifo",
        "NotificationsTopic": f"arn:aws:sns:us-east-1:{'0' * 12}:flyteadmin-notifications",
        "RecordEventRole": "flyteadmin-RecordEventRole-1a2b",
    }
    role = next(r for r in roles(load(physical=physical)) if r.function == "record_event")
    assert role.name == "flyteadmin-RecordEventRole-1a2b"
    assert {g.resource for g in role.grants if ":s3:" in g.resource} == {"arn:aws:s3:::flyteadmin-bucket-1a2b/claims/*"}
    assert {g.resource for g in role.grants if g.action == "sqs:SendMessage"} == {
        "arn:aws:sqs:us-east-1:000000000000:flyteadmin-EventsQueue-1a2b.fifo"
    }
