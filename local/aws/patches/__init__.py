"""Mends the differences of MiniStack 1.5.33 from AWS, one patch each. The only importer of MiniStack's internals."""

from collections.abc import Callable, Collection

from local.aws.patches import apigateway, cloudformation, dynamodb, iam, lambda_, s3, scheduler, sns, sqs, streams

PATCHES: tuple[Callable[[], None], ...] = (
    apigateway.cors_configuration,
    apigateway.identity_source,
    apigateway.invoke_permission,
    apigateway.event_cookies,
    apigateway.function_error_status,
    apigateway.request_size,
    apigateway.iam_refusal,
    cloudformation.metric_math_alarms,
    dynamodb.time_to_live,
    dynamodb.index_projection,
    dynamodb.read_units,
    dynamodb.batch_read_units,
    dynamodb.overlapping_paths,
    dynamodb.transaction_conflicts,
    iam.root_signature,
    iam.no_credentials,
    iam.batch_actions,
    iam.partiql_actions,
    lambda_.response_size,
    lambda_.one_environment,
    lambda_.mapping_role,
    lambda_.mapping_visibility,
    lambda_.shared_code,
    s3.secure_transport,
    s3.lifecycle,
    scheduler.schedule_group_in_arn,
    scheduler.pass_role,
    scheduler.target_role,
    scheduler.context_attributes,
    scheduler.expression,
    sns.subscription_dead_letters,
    sns.fifo_topic,
    sqs.fifo_groups_in_parallel,
    sqs.stale_receipts,
    sqs.malformed_partial_response,
    streams.mappings,
)


def name_of(patch: Callable[[], None]) -> str:
    """Return a patch's name, `<service>.<fault>`, as `PATCHES_OFF` takes it."""
    return f"{patch.__module__.rpartition('.')[2].rstrip('_')}.{patch.__name__}"


def apply(off: Collection[str] = ()) -> None:
    """Apply every patch but those named in `off`.

    Raises:
        ValueError: A name in `off` is no patch's.
    """
    if unknown := set(off) - {name_of(patch) for patch in PATCHES}:
        raise ValueError(f"PATCHES_OFF names no patch: {', '.join(sorted(unknown))}")
    for patch in PATCHES:
        if name_of(patch) not in off:
            patch()
