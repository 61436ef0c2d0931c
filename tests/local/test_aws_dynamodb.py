"""The mended DynamoDB. A test's name starts with the patch that it proves: it fails without it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import process
from tests.local.aws_stack import Stack


def item(pk: str, sk: str, **texts: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}, **{name: {"S": text} for name, text in texts.items()}}


def test_time_to_live__of_a_template_is_turned_on(stack: Stack) -> None:
    answer = stack.client("dynamodb").describe_time_to_live(TableName=stack.outputs["Table"])
    assert answer["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_index_projection__hides_other_attributes_from_a_filter(stack: Stack) -> None:
    table = stack.client("dynamodb")
    table.put_item(TableName=stack.outputs["Table"], Item=item("projected", "1", owned="projected", color="red"))
    answer = table.query(
        TableName=stack.outputs["Table"],
        IndexName="by-owned",
        KeyConditionExpression="owned = :owned",
        FilterExpression="color = :color",
        ExpressionAttributeValues={":owned": {"S": "projected"}, ":color": {"S": "red"}},
    )
    assert (answer["ScannedCount"], answer["Count"]) == (1, 0)


@pytest.mark.parametrize(("consistent", "units"), [(False, 1.5), (True, 3.0)])
def test_read_units__count_blocks_of_4_kb(stack: Stack, consistent: bool, units: float) -> None:
    table = stack.client("dynamodb")
    for number in "123":
        table.put_item(TableName=stack.outputs["Table"], Item=item("large", number, text="x" * 3900))
    answer = table.query(
        TableName=stack.outputs["Table"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "large"}},
        ConsistentRead=consistent,
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["ConsumedCapacity"]["CapacityUnits"] == units


@pytest.mark.parametrize(("consistent", "units"), [(False, 1.5), (True, 3.0)])
def test_batch_read_units__count_blocks_of_4_kb_per_item(stack: Stack, consistent: bool, units: float) -> None:
    table, name = stack.client("dynamodb"), stack.outputs["Table"]
    table.put_item(TableName=name, Item=item("batch", "large", text="x" * 5000))
    keys = [item("batch", "large"), item("batch", "missing")]
    answer = table.batch_get_item(
        RequestItems={name: {"Keys": keys, "ConsistentRead": consistent}}, ReturnConsumedCapacity="TOTAL"
    )
    assert answer["ConsumedCapacity"] == [{"TableName": name, "CapacityUnits": units}]


@pytest.mark.parametrize("expression", ["SET a = :v, a = :v", "SET a.b = :v REMOVE a", "SET a[0] = :v, a[0].b = :v"])
def test_overlapping_paths__are_refused(stack: Stack, expression: str) -> None:
    table = stack.client("dynamodb")
    nested = {"M": {"b": {"S": "old"}}} if "a.b" in expression else {"L": [{"M": {"b": {"S": "old"}}}]}
    table.put_item(TableName=stack.outputs["Table"], Item={**item("overlap", "1"), "a": nested})
    with pytest.raises(ClientError, match="Two document paths overlap with each other"):
        table.update_item(
            TableName=stack.outputs["Table"],
            Key=item("overlap", "1"),
            UpdateExpression=expression,
            ExpressionAttributeValues={":v": {"S": "new"}},
        )


def test_an_update_of_distinct_paths_is_accepted(stack: Stack) -> None:
    answer = stack.client("dynamodb").update_item(
        TableName=stack.outputs["Table"],
        Key=item("distinct", "1"),
        UpdateExpression="SET aa = :v, a = :v ADD n :n",
        ExpressionAttributeValues={":v": {"S": "new"}, ":n": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"aa": {"S": "new"}, "a": {"S": "new"}, "n": {"N": "1"}}


def test_transaction_conflicts__come_when_asked_for() -> None:
    with process.running(env={"TRANSACTION_CONFLICT_MS": "60000"}) as endpoint:
        table = endpoint.client("dynamodb")
        table.create_table(
            TableName="items",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

        def write(*keys: str) -> None:
            puts = [{"Put": {"TableName": "items", "Item": {"pk": {"S": key}}}} for key in keys]
            table.transact_write_items(TransactItems=puts)

        write("a")
        with pytest.raises(table.exceptions.TransactionCanceledException) as caught:
            write("b", "a")
        assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
            "None",
            "TransactionConflict",
        ]
