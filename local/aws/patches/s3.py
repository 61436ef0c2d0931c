"""S3 buckets and their policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import s3

from local.aws.patches.wrapping import around, around_resource


def secure_transport() -> None:
    """A policy that refuses plain HTTP shuts everyone out, since the local AWS has no TLS. Here all counts as TLS."""

    def resolve(original: Any, key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else original(key, context)

    around(iam_evaluator, "_resolve_condition_key", resolve)


def lifecycle() -> None:
    """CloudFormation's `LifecycleConfiguration` is accepted and forgotten. AWS keeps it, and shows it."""

    def create(original: Any, logical_id: str, properties: Any, stack: str) -> Any:
        name, attributes = original(logical_id, properties, stack)
        _store_lifecycle(name, properties)
        return name, attributes

    def update(original: Any, physical_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Any:
        name, attributes = original(physical_id, old, new, *rest, **named)
        _store_lifecycle(name, new)
        return name, attributes

    around_resource("AWS::S3::Bucket", "create", create)
    around_resource("AWS::S3::Bucket", "update", update)


def _store_lifecycle(bucket: str, properties: Mapping[str, Any]) -> None:
    rules = (properties.get("LifecycleConfiguration") or {}).get("Rules") or []
    if rules:
        s3._bucket_lifecycle[bucket] = [dict(_in_api_words(rule)) for rule in rules]
    else:
        s3._bucket_lifecycle.pop(bucket, None)


def _in_api_words(rule: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the members of a rule as S3's API names them, of those that CloudFormation names otherwise."""
    yield "Status", rule["Status"]
    yield "Filter", {"Prefix": rule.get("Prefix", "")}
    if "Id" in rule:
        yield "ID", rule["Id"]
    if "ExpirationInDays" in rule:
        yield "Expiration", {"Days": int(rule["ExpirationInDays"])}
    if "NoncurrentVersionExpiration" in rule:
        yield (
            "NoncurrentVersionExpiration",
            {"NoncurrentDays": int(rule["NoncurrentVersionExpiration"]["NoncurrentDays"])},
        )
    if "AbortIncompleteMultipartUpload" in rule:
        days = int(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
        yield "AbortIncompleteMultipartUpload", {"DaysAfterInitiation": days}
