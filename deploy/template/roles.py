"""Render a function's role: the statements of function.yaml, and those that all functions or all of a kind have."""

from collections.abc import Iterator, Sequence

from deploy.template.cloudformation import Commented, Resource, Value, attribute, one_or_all, only_if, ref, sub
from deploy.template.function_file import SERVICES, Function, QueueSource, Statement, StreamSource
from deploy.template.tables import logical_id

VERSION = "2012-10-17"

_TRUST: Value = {
    "Version": VERSION,
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_NETWORK = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:*/*"


def role(function: Function) -> Resource:
    """Render the role that a function runs under."""
    statements = [*_before(function), *_written(function), *_after(function)]
    policy: Value = {
        "PolicyName": function.dashed,
        "PolicyDocument": {"Version": VERSION, "Statement": statements},
    }
    properties: dict[str, Value] = {"AssumeRolePolicyDocument": _TRUST, "Policies": [policy]}
    return Resource(f"{function.prefix}Role", "AWS::IAM::Role", properties)


def _before(function: Function) -> Iterator[Value]:
    """Yield what Lambda does under the role: it writes the log and reads the event source."""
    log = attribute(f"{function.prefix}Log")
    yield _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [log])
    for queue in (each.queue for each in function.definition.sources if isinstance(each, QueueSource)):
        actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        yield _allow("Poll", actions, [attribute(queue)])
    tables = [logical_id(each.stream) for each in function.definition.sources if isinstance(each, StreamSource)]
    if tables:
        actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        yield _allow("Poll", actions, [attribute(table, "StreamArn") for table in tables])
        yield _allow("PollStreams", ["dynamodb:ListStreams"], [sub(f"${{{table}.Arn}}/stream/*") for table in tables])


def _written(function: Function) -> Iterator[Value]:
    for sid, statement in function.definition.statements.items():
        allowed = _allow(sid, _actions(statement), _resources(statement))
        value = only_if(statement.condition, allowed) if statement.condition else allowed
        yield Commented(statement.why, value) if statement.why else value


def _after(function: Function) -> Iterator[Value]:
    """Yield what a stream's on-failure queue, the configuration and calls to the cluster need."""
    definition = function.definition
    failures = dict.fromkeys(each.on_failure for each in definition.sources if isinstance(each, StreamSource))
    if failures:
        yield _allow("GiveUp", ["sqs:SendMessage"], [attribute(queue) for queue in failures])
    if definition.reads_configuration:
        key = sub("${Bucket.Arn}/${ConfigurationKey}")
        yield only_if("IsConfigured", _allow("Configuration", ["s3:GetObject", "s3:GetObjectVersion"], [key]))
        list_versions = _allow("ConfigurationVersions", ["s3:ListBucketVersions"], [attribute("Bucket")])
        yield only_if("IsConfigured", list_versions)
    if definition.calls_cluster:
        secret = ref("ClusterTokenSecretArn")
        yield only_if("HasTokenSecret", _allow("ClusterToken", ["secretsmanager:GetSecretValue"], [secret]))
        secrets, given = ref("ClusterSecretArns"), ref("ClusterRoleArns")
        yield only_if("HasClusterSecrets", _allow("ClusterSecrets", ["secretsmanager:GetSecretValue"], [secrets]))
        yield only_if("HasClusterRoles", _allow("ClusterRoles", ["sts:AssumeRole"], [given]))
        actions = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"]
        yield only_if("InVpc", _allow("NetworkInterfaces", actions, [sub(_NETWORK)]))
        describe = _allow("DescribeNetworkInterfaces", ["ec2:DescribeNetworkInterfaces"], ["*"])
        yield Commented("AWS can't narrow this one.", only_if("InVpc", describe))


def _allow(sid: str, actions: Sequence[str], resources: Sequence[Value]) -> Value:
    return {"Sid": sid, "Effect": "Allow", "Action": one_or_all(actions), "Resource": one_or_all(resources)}


def _actions(statement: Statement) -> list[str]:
    service = next((SERVICES[field] for field in SERVICES if getattr(statement, field)), "")
    return [f"{service}:{action}" if service else action for action in statement.actions]


def _resources(statement: Statement) -> list[Value]:
    if statement.resources is not None:
        return [statement.resources]
    return [
        *(arn for name in dict.fromkeys([*statement.tables, *statement.indexes]) for arn in _arns(name, statement)),
        *(sub(f"${{Bucket.Arn}}/{pattern}") for pattern in statement.bucket),
        *([attribute(statement.queue)] if statement.queue else []),
        *([ref(statement.topic)] if statement.topic else []),
    ]


def _arns(name: str, statement: Statement) -> Iterator[Value]:
    """Yield the ARNs of a table, if it is named, and of its named indexes."""
    if name in statement.tables:
        yield attribute(logical_id(name))
    for index in statement.indexes.get(name, ()):
        yield sub(f"${{{logical_id(name)}.Arn}}/index/{index}")
