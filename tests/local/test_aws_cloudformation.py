"""The mended CloudFormation. A test's name starts with the patch that it proves: it fails without it."""

import json
from pathlib import Path

from local.aws.client import Endpoint
from local.aws.deploy import Deployment, deploy


def test_metric_math_alarms__watch_their_first_metric(endpoint: Endpoint, tmp_path: Path) -> None:
    metric = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible"}
    alarm = {
        "AlarmName": "share",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "Metrics": [
            {"Id": "share", "Expression": "depth * 2"},
            {"Id": "depth", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}, "ReturnData": False},
        ],
    }
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}}))
    deploy(Deployment(template, "alarms", {}), endpoint)
    (stored,) = endpoint.client("cloudwatch").describe_alarms(AlarmNames=["share"])["MetricAlarms"]
    assert (stored["MetricName"], stored["Statistic"]) == ("ApproximateNumberOfMessagesVisible", "Maximum")
