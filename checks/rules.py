"""Rules of our own over template.yaml, for `cfn-lint --append-rules checks`; Globals are merged when they run."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

FUNCTION = "AWS::Serverless::Function"
RUNTIME = "python3.12"
VISIBILITY_FACTOR = 6
"""A queue hides a message for at least this many times its function's timeout, as AWS advises."""

NOT_NARROWED = frozenset({"ec2:DescribeNetworkInterfaces"})
"""Actions that AWS knows no resource for."""

_POLLING = {
    "AWS::SQS::Queue": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "AWS::DynamoDB::Table": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
}
_STREAM_KEEPS_SECONDS = 24 * 3600


class _Statement(NamedTuple):
    path: list[str | int]
    actions: list[str]
    resources: list[Any]
    effect: str


class LogGroups(CloudFormationLintRule):
    """Require a log group of the template, with retention, for each function."""

    id = "E9001"
    shortdesc = "A function has a log group with retention"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find functions without one."""
        groups = {name for name, group in _resources(cfn, "AWS::Logs::LogGroup") if "RetentionInDays" in group}
        return [
            RuleMatch(_at(name), f"{name} needs LoggingConfig.LogGroup: a log group here that has RetentionInDays")
            for name, function in _resources(cfn, FUNCTION)
            if _target(function.get("LoggingConfig", {}).get("LogGroup")) not in groups
        ]


class Runtimes(CloudFormationLintRule):
    """Require one version of Python everywhere."""

    id = "E9002"
    shortdesc = f"Functions and layers run on {RUNTIME}"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find other runtimes."""
        wrong = [
            RuleMatch(_at(name, "Runtime"), f"{name} runs on {function.get('Runtime')} instead of {RUNTIME}")
            for name, function in _resources(cfn, FUNCTION)
            if function.get("Runtime") != RUNTIME
        ]
        return wrong + [
            RuleMatch(
                _at(name, "CompatibleRuntimes"), f"{name} is for {layer.get('CompatibleRuntimes')}, not {RUNTIME}"
            )
            for name, layer in _resources(cfn, "AWS::Serverless::LayerVersion")
            if layer.get("CompatibleRuntimes") != [RUNTIME]
        ]


class Roles(CloudFormationLintRule):
    """Require a role for each function, so that removing an action affects one function."""

    id = "E9003"
    shortdesc = "A function has a role of its own, in the template"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find functions whose role is shared or elsewhere."""
        roles = {name for name, _ in _resources(cfn, "AWS::IAM::Role")}
        seen: set[str] = set()
        matches = []
        for name, function in _resources(cfn, FUNCTION):
            role = _target(function.get("Role"))
            if role not in roles or role in seen:
                matches.append(RuleMatch(_at(name, "Role"), f"{name} needs a role of its own, not {role}"))
            seen.add(role)
        return matches


class Actions(CloudFormationLintRule):
    """Require that a role names its actions."""

    id = "E9004"
    shortdesc = "No wildcard in the actions of a role"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find wildcards."""
        return [
            RuleMatch(statement.path, f"{role} allows {action}: name the actions")
            for role, properties in _resources(cfn, "AWS::IAM::Role")
            for statement in _statements(role, properties)
            for action in statement.actions
            if "*" in action and statement.effect == "Allow"
        ]


class Resources(CloudFormationLintRule):
    """Require that a role names its resources."""

    id = "E9005"
    shortdesc = "No bare * among the resources of a role, but for actions that AWS can't narrow"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find bare wildcards."""
        return [
            RuleMatch(statement.path, f"{role} allows {sorted(statement.actions)} on *: name the resources")
            for role, properties in _resources(cfn, "AWS::IAM::Role")
            for statement in _statements(role, properties)
            if "*" in statement.resources
            and statement.effect == "Allow"
            and not NOT_NARROWED.issuperset(statement.actions)
        ]


class Failures(CloudFormationLintRule):
    """Require that no record is lost when retries end, and that event sources are resources, which these rules see."""

    id = "E9006"
    shortdesc = "An event source reports partial failures and has somewhere to put what it gives up on"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find event sources that lose records or retry without end."""
        matches = [
            RuleMatch(_at(name, "Events"), f"{name} has Events: make them resources, which these rules see")
            for name, function in _resources(cfn, FUNCTION)
            if "Events" in function
        ]
        for name, mapping in _resources(cfn, "AWS::Lambda::EventSourceMapping"):
            if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
                matches.append(RuleMatch(_at(name), f"{name} needs FunctionResponseTypes: [ReportBatchItemFailures]"))
            kind, source = _source(cfn, mapping)
            if kind == "AWS::SQS::Queue" and "RedrivePolicy" not in source:
                matches.append(RuleMatch(_at(name), f"the queue of {name} needs a RedrivePolicy"))
            if kind == "AWS::DynamoDB::Table" and not _is_bounded(mapping):
                message = f"{name} needs an on-failure destination, and a bound of attempts or of less than 24 hours"
                matches.append(RuleMatch(_at(name), message))
        return matches


class Polling(CloudFormationLintRule):
    """Require what Lambda's poller does under the function's role, which the embedded AWS does not check."""

    id = "E9007"
    shortdesc = "The role of an event source's function may poll it, and write to its on-failure destination"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find missing permissions of the poller."""
        return [
            RuleMatch(_at(name), f"{name} polls with {role}, which needs {action} on {resource}")
            for name, mapping in _resources(cfn, "AWS::Lambda::EventSourceMapping")
            for role, granted in [_granted(cfn, mapping)]
            for action, resource in _needed(cfn, mapping)
            if (action, str(resource)) not in granted
        ]


class DeadLetters(CloudFormationLintRule):
    """Require an alarm on each queue of messages whose retries ended."""

    id = "E9008"
    shortdesc = "A queue of messages that were given up on has an alarm"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find dead-letter queues and on-failure destinations without one."""
        watched = {
            _target(dimension.get("Value"))
            for _, alarm in _resources(cfn, "AWS::CloudWatch::Alarm")
            if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible" and _compares(alarm, 0)
            for dimension in alarm.get("Dimensions", [])
        }
        targets = {
            _target(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
            for _, queue in _resources(cfn, "AWS::SQS::Queue")
        } | {_target(_on_failure(mapping)) for _, mapping in _resources(cfn, "AWS::Lambda::EventSourceMapping")}
        return [
            RuleMatch(_at(name), f"{name} holds what was given up on: it needs an alarm above 0 messages")
            for name, _ in _resources(cfn, "AWS::SQS::Queue")
            if name in targets - watched
        ]


class Visibility(CloudFormationLintRule):
    """Require that no message is delivered again while its function may still run."""

    id = "E9009"
    shortdesc = f"A queue's visibility timeout is at least {VISIBILITY_FACTOR} times its function's timeout"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find queues that deliver a message again too soon."""
        functions = dict(_resources(cfn, FUNCTION))
        matches = []
        for name, mapping in _resources(cfn, "AWS::Lambda::EventSourceMapping"):
            kind, queue = _source(cfn, mapping)
            function = functions.get(_target(mapping.get("FunctionName")), {})
            needed = VISIBILITY_FACTOR * int(function.get("Timeout", 3))
            if kind == "AWS::SQS::Queue" and int(queue.get("VisibilityTimeout", 30)) < needed:
                queue_name = _target(mapping.get("EventSourceArn"))
                message = f"{queue_name} needs a VisibilityTimeout of {needed} s or more for {name}"
                matches.append(RuleMatch(_at(queue_name, "VisibilityTimeout"), message))
        return matches


class Crashes(CloudFormationLintRule):
    """Require an alarm on the errors of each function."""

    id = "E9010"
    shortdesc = "A function has an alarm on its errors"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find functions without one."""
        watched = _watched(cfn, "AWS/Lambda", "Errors")
        return [
            RuleMatch(_at(name), f"{name} needs an alarm on its Errors")
            for name, _ in _resources(cfn, FUNCTION)
            if name not in watched
        ]


class Lateness(CloudFormationLintRule):
    """Require an alarm on records that wait: one that a function reports as failed does not count as its error."""

    id = "E9011"
    shortdesc = "What feeds a function has an alarm on the age of what waits there"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Find mappings without one."""
        matches = []
        for name, mapping in _resources(cfn, "AWS::Lambda::EventSourceMapping"):
            is_queue = _source(cfn, mapping)[0] == "AWS::SQS::Queue"
            of = ("AWS/SQS", "ApproximateAgeOfOldestMessage") if is_queue else ("AWS/Lambda", "IteratorAge")
            if _target(mapping.get("EventSourceArn" if is_queue else "FunctionName")) not in _watched(cfn, *of):
                matches.append(RuleMatch(_at(name), f"{name} needs an alarm on {of[1]}"))
        return matches


def _resources(cfn: Template, kind: str) -> Iterator[tuple[str, Any]]:
    for name, resource in cfn.get_resources([kind]).items():
        yield name, resource.get("Properties", {})


def _at(name: str, *rest: str) -> list[str | int]:
    return ["Resources", name, "Properties", *rest] if rest else ["Resources", name]


def _target(value: object) -> str:
    """Return the logical id that a Ref or GetAtt names, "" for anything else."""
    match value:
        case {"Ref": str(name)}:
            return str(name)
        case {"Fn::GetAtt": [str(name), *_]}:
            return str(name)
        case _:
            return ""


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(role: str, properties: Any) -> Iterator[_Statement]:
    """Yield each statement of a role's policies, under every outcome of its conditions."""
    for number, policy in enumerate(properties.get("Policies", [])):
        base: list[str | int] = [*_at(role, "Policies"), number, "PolicyDocument", "Statement"]
        for position, statement in enumerate(_listed(policy["PolicyDocument"]["Statement"])):
            for branch in statement["Fn::If"][1:] if "Fn::If" in statement else [statement]:
                if "Effect" in branch:
                    actions, resources = _listed(branch.get("Action", "*")), _listed(branch.get("Resource", "*"))
                    yield _Statement([*base, position], actions, resources, branch["Effect"])


def _source(cfn: Template, mapping: Any) -> tuple[str, Any]:
    resource = cfn.get_resources().get(_target(mapping.get("EventSourceArn")), {})
    return resource.get("Type", ""), resource.get("Properties", {})


def _on_failure(mapping: Any) -> object:
    return mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")


def _is_bounded(mapping: Any) -> bool:
    """Tell whether a stream's mapping gives up while the stream still has the record, and says so to a queue."""
    by_attempts = int(mapping.get("MaximumRetryAttempts", -1)) >= 0
    by_age = 0 < int(mapping.get("MaximumRecordAgeInSeconds", -1)) < _STREAM_KEEPS_SECONDS
    return _on_failure(mapping) is not None and (by_attempts or by_age)


def _watched(cfn: Template, namespace: str, metric: str) -> set[str]:
    """Return the logical ids that have an alarm on a metric."""
    return {
        _target(dimension.get("Value"))
        for _, alarm in _resources(cfn, "AWS::CloudWatch::Alarm")
        if (alarm.get("Namespace"), alarm.get("MetricName")) == (namespace, metric)
        for dimension in alarm.get("Dimensions", [])
    }


def _compares(alarm: Any, threshold: int) -> bool:
    return (alarm.get("Threshold"), alarm.get("ComparisonOperator")) == (threshold, "GreaterThanThreshold")


def _granted(cfn: Template, mapping: Any) -> tuple[str, set[tuple[str, str]]]:
    functions, roles = dict(_resources(cfn, FUNCTION)), dict(_resources(cfn, "AWS::IAM::Role"))
    role = _target(functions.get(_target(mapping.get("FunctionName")), {}).get("Role"))
    return role, {
        (action, str(resource))
        for statement in _statements(role, roles.get(role, {}))
        for action in statement.actions
        for resource in statement.resources
    }


def _needed(cfn: Template, mapping: Any) -> Iterator[tuple[str, object]]:
    kind, _ = _source(cfn, mapping)
    for action in _POLLING.get(kind, ()):
        yield action, mapping["EventSourceArn"]
    if (destination := _on_failure(mapping)) is not None:
        yield "sqs:SendMessage", destination
