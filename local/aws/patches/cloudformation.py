"""CloudFormation resources that MiniStack refuses."""

from collections.abc import Mapping
from typing import Any

from ministack.services.cloudformation import provisioners

from local.aws.patches.wrapping import around


def metric_math_alarms() -> None:
    """An alarm over `Metrics` is refused. AWS computes it; here it watches the first metric that it names."""

    def record(original: Any, name: str, properties: Any) -> Any:
        return original(name, _over_first_metric(properties))

    around(provisioners, "_cw_metric_alarm_record", record)


def _over_first_metric(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    stats = [metric["MetricStat"] for metric in properties.get("Metrics") or [] if "MetricStat" in metric]
    if not stats:
        return properties
    plain = {name: value for name, value in properties.items() if name != "Metrics"}
    return {**plain, **stats[0]["Metric"], "Period": stats[0]["Period"], "Statistic": stats[0].get("Stat", "Average")}
