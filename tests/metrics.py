"""The metrics that CloudWatch reads out of what a function prints (the embedded metric format)."""

import json


def measured(printed: str) -> list[tuple[str, dict[str, int]]]:
    """Of each line that holds metrics, the namespace and the figures by name; all of the directive's are there."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith('{"_aws"')]
    found = []
    for line in lines:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"] == [["service"]]
        assert line["service"] == "flyteadmin"
        assert line["_aws"]["Timestamp"] > 1_600_000_000_000
        figures = {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}
        found.append((directive["Namespace"], {name: value for name, [value] in figures.items()}))
    return found
