"""Render alarms: those of function.yaml, and one on the errors of each function."""

from collections.abc import Iterator, Mapping

from deploy.template.cloudformation import Resource, Value, attribute, ref
from deploy.template.function_file import Alarm, Function

_ABOVE: Mapping[str, Value] = {
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "AlarmActions": {"Fn::If": ["HasAlarmTopic", [ref("AlarmTopicArn")], ref("AWS::NoValue")]},
}


def resources(function: Function) -> Iterator[Resource]:
    """Yield the alarms of a function."""
    for name, alarm in function.definition.alarms.items():
        yield _alarm(name, alarm, function, {"Statistic": "Maximum", "Period": 60})
    crashes = Alarm(description=f"{function.name} crashes or times out", metric="Errors", above=0)
    yield _alarm(f"{function.prefix}ErrorsAlarm", crashes, function, {"Statistic": "Sum", "Period": 300})


def _alarm(name: str, alarm: Alarm, function: Function, statistic: Mapping[str, Value]) -> Resource:
    of: Value = {"Name": "FunctionName", "Value": ref(f"{function.prefix}Function")}
    if alarm.queue:
        of = {"Name": "QueueName", "Value": attribute(alarm.queue, "QueueName")}
    properties: dict[str, Value] = {
        "AlarmDescription": alarm.description,
        "Namespace": "AWS/SQS" if alarm.queue else "AWS/Lambda",
        "MetricName": alarm.metric,
        "Dimensions": [of],
        **statistic,
        "EvaluationPeriods": 1,
        "Threshold": alarm.above,
        **_ABOVE,
    }
    return Resource(name, "AWS::CloudWatch::Alarm", properties)
