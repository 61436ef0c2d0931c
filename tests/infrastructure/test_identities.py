"""Resources that hold state, or an address that others know, keep their logical ids, names and keys.

CloudFormation knows a resource by its logical id. Under another one it makes a new, empty one, and leaves the old one
or deletes it; under another name or key it replaces it, which is the same.
"""

import pytest

from tests.infrastructure.template import STACK, load

LOSS = {
    "AWS::DynamoDB::Table": "its rows would stay behind in a table that nothing reads",
    "AWS::S3::Bucket": "its objects would stay behind in a bucket that nothing reads",
    "AWS::SQS::Queue": "the messages in it would never be read, and the bridge would send to a queue that is gone",
    "AWS::SNS::Topic": "its subscriptions would be deleted with it",
    "AWS::ApiGatewayV2::Api": "its URL would change, which every caller has in a configuration",
}

TABLES = {
    "AttributesTable": ("attributes", "scope S"),
    "DescriptionEntitiesTable": ("description_entities", "name S, version S"),
    "ExecutionEventsTable": ("execution_events", "execution S, entry S"),
    "ExecutionsTable": ("executions", "execution S, part S"),
    "LaunchPlansTable": ("launch_plans", "name S, version S"),
    "LeasesTable": ("leases", "launch_plan S, execution S"),
    "NamedEntitiesTable": ("named_entities", "scope S, name S"),
    "NamespacesTable": ("namespaces", "cluster S, place S"),
    "NodeExecutionsTable": ("node_executions", "execution S, node_id S"),
    "ProjectsTable": ("projects", "project S"),
    "SignalsTable": ("signals", "execution S, signal_id S"),
    "TaskExecutionsTable": ("task_executions", "execution S, attempt_key S"),
    "TasksTable": ("tasks", "name S, version S"),
    "WorkflowsTable": ("workflows", "name S, version S"),
}
"""Table by logical id: its name after the stack's, and its key's attributes with their types."""

OTHERS = {
    "Bucket": "AWS::S3::Bucket",
    "EventsQueue": "AWS::SQS::Queue",
    "EventsDeadLetterQueue": "AWS::SQS::Queue",
    "NamespaceChangesFailuresQueue": "AWS::SQS::Queue",
    "NamespacesDeadLetterQueue": "AWS::SQS::Queue",
    "NamespacesQueue": "AWS::SQS::Queue",
    "NotifyFailuresQueue": "AWS::SQS::Queue",
    "NotificationsTopic": "AWS::SNS::Topic",
    "Api": "AWS::ApiGatewayV2::Api",
}
KEPT = {**dict.fromkeys(TABLES, "AWS::DynamoDB::Table"), **OTHERS}

TEMPLATE = load()
RESOURCES = TEMPLATE.document["Resources"]


@pytest.mark.parametrize("logical_id", KEPT)
def test_what_holds_state_keeps_its_logical_id(logical_id: str) -> None:
    kind = KEPT[logical_id]
    why = f"{logical_id} is gone or renamed: {LOSS[kind]}. Take it out of this list only if that is meant."
    assert RESOURCES.get(logical_id, {}).get("Type") == kind, why


def test_what_is_new_and_holds_state_is_in_the_list() -> None:
    stateful = {name for name, it in RESOURCES.items() if it["Type"] in LOSS}
    assert stateful <= set(KEPT), "add it to the list, so that nobody renames it"


@pytest.mark.parametrize("logical_id", TABLES)
def test_a_table_keeps_its_name_and_its_key(logical_id: str) -> None:
    properties = TEMPLATE.resolve(RESOURCES[logical_id]["Properties"])
    types = {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]}
    key = ", ".join(f"{each['AttributeName']} {types[each['AttributeName']]}" for each in properties["KeySchema"])
    found = (properties["TableName"].removeprefix(f"{STACK}-"), key)
    assert found == TABLES[logical_id], f"{logical_id} would be replaced: {LOSS['AWS::DynamoDB::Table']}"


def test_the_others_keep_their_names_and_what_replaces_them() -> None:
    """A bucket and a queue are named by CloudFormation; another kind of queue is another queue."""
    properties = {name: TEMPLATE.resolve(RESOURCES[name].get("Properties", {})) for name in OTHERS}
    assert properties["NotificationsTopic"]["TopicName"] == f"{STACK}-notifications"
    assert (properties["Api"]["Name"], properties["Api"]["ProtocolType"]) == (STACK, "HTTP")
    assert "BucketName" not in properties["Bucket"]
    queues = [name for name, kind in OTHERS.items() if kind == "AWS::SQS::Queue"]
    assert {name for name in queues if properties[name].get("FifoQueue")} == {
        "EventsQueue",
        "EventsDeadLetterQueue",
        "NamespacesQueue",
        "NamespacesDeadLetterQueue",
    }
    assert not any("QueueName" in properties[name] for name in queues)


def test_a_replaced_resource_leaves_its_state_behind_instead_of_deleting_it() -> None:
    holding = [name for name, kind in KEPT.items() if kind.endswith(("::Table", "::Bucket", "::Queue"))]
    assert {RESOURCES[name].get("UpdateReplacePolicy") for name in holding} == {"Retain"}
