"""Render a function, its log, its event sources and its schedule."""

from collections.abc import Iterator, Mapping

from deploy.template.cloudformation import Resource, Value, attribute, only_if, pascal_case, ref, sub
from deploy.template.function_file import Function, QueueSource, Schedule, StreamSource
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
    """Yield a function with its role, log, event sources and schedule."""
    yield _function(function)
    yield role(function)
    log: dict[str, Value] = {
        "LogGroupName": sub(f"/aws/lambda/${{AWS::StackName}}-{function.dashed}"),
        "RetentionInDays": ref("LogRetentionDays"),
    }
    yield Resource(f"{function.prefix}Log", "AWS::Logs::LogGroup", log)
    sources = function.definition.sources
    for source in sources:
        mapping = _queue_mapping(source) if isinstance(source, QueueSource) else _stream_mapping(source)
        properties = {"FunctionName": ref(f"{function.prefix}Function"), **mapping}
        if source.condition:
            properties["Enabled"] = {"Fn::If": [source.condition, True, False]}
        of = pascal_case(source.stream) if isinstance(source, StreamSource) and len(sources) > 1 else ""
        yield Resource(f"{function.prefix}{of}Mapping", "AWS::Lambda::EventSourceMapping", properties)
    if schedule := function.definition.schedule:
        yield from _scheduled(function, schedule)


def _scheduled(function: Function, schedule: Schedule) -> Iterator[Resource]:
    """Yield the rule that calls a function at intervals, and its right to do so."""
    name, called = f"{function.prefix}Schedule", attribute(f"{function.prefix}Function")
    rule: dict[str, Value] = {
        "ScheduleExpression": f"rate({schedule.every})",
        "State": {"Fn::If": [schedule.condition, "ENABLED", "DISABLED"]},
        "Targets": [{"Id": function.dashed, "Arn": called}],
    }
    yield Resource(name, "AWS::Events::Rule", rule)
    permission: dict[str, Value] = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": ref(f"{function.prefix}Function"),
        "Principal": "events.amazonaws.com",
        "SourceArn": attribute(name),
    }
    yield Resource(f"{name}Permission", "AWS::Lambda::Permission", permission)


def outputs(function: Function) -> Iterator[tuple[str, Value]]:
    """Yield the names of a function and its role, and the role's ARN if the cluster must know it."""
    if function.definition.calls_cluster:
        description = "a role that needs an access entry in the EKS cluster"
        yield f"{function.prefix}RoleArn", {"Description": description, "Value": attribute(f"{function.prefix}Role")}
    named = {"Function": f"the function {function.name}", "Role": f"the role of {function.name}"}
    for kind, description in named.items():
        name = f"{function.prefix}{kind}"
        yield f"{name}Name", {"Description": description, "Value": ref(name)}


def _function(function: Function) -> Resource:
    definition = function.definition
    properties: dict[str, Value] = {
        "FunctionName": sub(f"${{AWS::StackName}}-{function.dashed}"),
        "Description": definition.description,
        "CodeUri": f"functions/{function.name}",
        "Role": attribute(f"{function.prefix}Role"),
    }
    if definition.calls_cluster:
        properties["Layers"] = [ref("ClusterLayer")]
    if definition.memory:
        properties["MemorySize"] = definition.memory
    if definition.timeout:
        properties["Timeout"] = definition.timeout
    if definition.calls_cluster:
        properties["VpcConfig"] = _VPC
    properties["LoggingConfig"] = {"LogGroup": ref(f"{function.prefix}Log")}
    if variables := _variables(function):
        properties["Environment"] = {"Variables": variables}
    return Resource(f"{function.prefix}Function", "AWS::Serverless::Function", properties)


def _variables(function: Function) -> dict[str, Value]:
    """Build the variables: the names of what the role may touch, and those of function.yaml."""
    definition = function.definition
    variables: dict[str, Value] = {}
    if any(statement.tables or statement.indexes for statement in definition.statements.values()):
        variables["TABLE_PREFIX"] = sub("${AWS::StackName}-")
    if definition.reads_configuration or any(statement.bucket for statement in definition.statements.values()):
        variables["BUCKET"] = ref("Bucket")
    if definition.reads_configuration:
        variables |= {"CONFIGURATION_URI": _CONFIGURATION, "STAGE": ref("Stage"), "CLUSTER_NAME": ref("ClusterName")}
    if definition.calls_cluster:
        variables |= {**_CLUSTER, "ROLE_ARN": attribute(f"{function.prefix}Role")}
    return {**variables, **definition.environment}


def _queue_mapping(source: QueueSource) -> dict[str, Value]:
    return {
        "EventSourceArn": attribute(source.queue),
        "BatchSize": source.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def _stream_mapping(source: StreamSource) -> dict[str, Value]:
    mapping: dict[str, Value] = {
        "EventSourceArn": attribute(logical_id(source.stream), "StreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": source.batch_size,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": source.maximum_retry_attempts,
        "MaximumRecordAgeInSeconds": source.maximum_record_age_seconds,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": attribute(source.on_failure)}},
    }
    if source.filter:
        mapping["FilterCriteria"] = {"Filters": [{"Pattern": source.filter}]}
    return mapping
