"""The mended S3. A test's name starts with the patch that it proves: it fails without it."""

from tests.local.aws_stack import Stack


def test_secure_transport__lets_callers_in_over_plain_http(stack: Stack) -> None:
    answer = stack.as_caller("s3").put_object(Bucket=stack.outputs["Bucket"], Key="seen", Body=b"")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_lifecycle__of_a_template_is_kept(stack: Stack) -> None:
    answer = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=stack.outputs["Bucket"])
    (rule,) = answer["Rules"]
    assert rule == {"ID": "parked", "Status": "Enabled", "Filter": {"Prefix": "parked/"}, "Expiration": {"Days": 7}}
