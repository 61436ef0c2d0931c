"""A function, its log and its event source."""

from collections.abc import Iterator, Mapping

from deploy.template.cloudformation import Resource, Value, attribute, only_if, ref, sub
from deploy.template.function_file import Function, QueueSource, StreamSource
from deploy.template.roles import role
from deploy.template.tables import logical_id

_CLUSTER: Mapping[str, Value] = {
    "CLUSTER_NAME": ref("ClusterName"),
    "CLUSTER_ENDPOINT": ref("ClusterEndpoint"),
    "CLUSTER_CERTIFICATE_AUTHORITY": ref("ClusterCertificateAuthority"),
    "CLUSTER_TOKEN_SECRET_ARN": ref("ClusterTokenSecretArn"),
}
_VPC = only_if("InVpc", {"SubnetIds": ref("SubnetIds"), "SecurityGroupIds": ref("SecurityGroupIds")})
_CONFIGURATION: Value = {"Fn::If": ["IsConfigured", sub("s3://${Bucket}/${ConfigurationKey}"), ""]}


def resources(function: Function) -> Iterator[Resource]:
    """All that a function is, but for its routes and alarms."""
    yield _function(function)
    yield role(function)
    log: dict[str, Value] = {
        "LogGroupName": sub(f"/aws/lambda/${{AWS::StackName}}-{function.dashed}"),
        "RetentionInDays": ref("LogRetentionDays"),
    }
    yield Resource(f"{function.prefix}Log", "AWS::Logs::LogGroup", log)
    source = function.says.event_source
    if source is not None:
        mapping = _queue_mapping(source) if isinstance(source, QueueSource) else _stream_mapping(source)
        properties = {"FunctionName": ref(f"{function.prefix}Function"), **mapping}
        yield Resource(f"{function.prefix}Mapping", "AWS::Lambda::EventSourceMapping", properties)


def outputs(function: Function) -> Iterator[tuple[str, Value]]:
    """Names by which a function and its role are found, and the role's ARN if the cluster must know it."""
    if function.says.calls_cluster:
        description = "a role that needs an access entry in the EKS cluster"
        yield f"{function.prefix}RoleArn", {"Description": description, "Value": attribute(f"{function.prefix}Role")}
    named = {"Function": f"the function {function.name}", "Role": f"the role of {function.name}"}
    for kind, description in named.items():
        name = f"{function.prefix}{kind}"
        yield f"{name}Name", {"Description": description, "Value": ref(name)}


def _function(function: Function) -> Resource:
    says = function.says
    properties: dict[str, Value] = {
        "FunctionName": sub(f"${{AWS::StackName}}-{function.dashed}"),
        "Description": says.description,
        "CodeUri": f"functions/{function.name}",
        "Role": attribute(f"{function.prefix}Role"),
    }
    if says.calls_cluster:
        properties["Layers"] = [ref("ClusterLayer")]
    if says.memory:
        properties["MemorySize"] = says.memory
    if says.timeout:
        properties["Timeout"] = says.timeout
    if says.calls_cluster:
        properties["VpcConfig"] = _VPC
    properties["LoggingConfig"] = {"LogGroup": ref(f"{function.prefix}Log")}
    if variables := _variables(function):
        properties["Environment"] = {"Variables": variables}
    return Resource(f"{function.prefix}Function", "AWS::Serverless::Function", properties)


def _variables(function: Function) -> dict[str, Value]:
    """Return the names of what its role may touch, and what its file adds."""
    says = function.says
    variables: dict[str, Value] = {}
    if any(statement.tables or statement.indexes for statement in says.statements.values()):
        variables["TABLE_PREFIX"] = sub("${AWS::StackName}-")
    if says.reads_configuration or any(statement.bucket for statement in says.statements.values()):
        variables["BUCKET"] = ref("Bucket")
    if says.reads_configuration:
        variables["CONFIGURATION_URI"] = _CONFIGURATION
    if says.calls_cluster:
        variables |= {**_CLUSTER, "ROLE_ARN": attribute(f"{function.prefix}Role")}
    return {**variables, **says.environment}


def _queue_mapping(source: QueueSource) -> dict[str, Value]:
    return {
        "EventSourceArn": attribute(source.queue),
        "BatchSize": source.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def _stream_mapping(source: StreamSource) -> dict[str, Value]:
    return {
        "EventSourceArn": attribute(logical_id(source.stream), "StreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": source.batch_size,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": source.maximum_retry_attempts,
        "MaximumRecordAgeInSeconds": source.maximum_record_age_seconds,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": attribute(source.on_failure)}},
        "FilterCriteria": {"Filters": [{"Pattern": source.filter}]},
    }
