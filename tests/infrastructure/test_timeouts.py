"""Times that must fit each other: a call's, its function's, and for how long the queue hides what a function has."""

from flyteadmin.clients import aws
from tests.infrastructure.template import load

QUEUES = "AWS::SQS::Queue"
FUNCTIONS = "AWS::Serverless::Function"


def slowest_call() -> float:
    """Return a call that is never answered, in seconds: botocore's standard retries pause up to 1, 2, 4, … seconds."""
    config = vars(aws._CONFIG)
    attempts = config["retries"]["total_max_attempts"]
    pauses = sum(2**n for n in range(attempts - 1))
    return float(attempts * (config["connect_timeout"] + config["read_timeout"]) + pauses)


def seconds_of_functions() -> dict[str, int]:
    template = load()
    usual = template.document["Globals"]["Function"]["Timeout"]
    return {name: properties.get("Timeout", usual) for name, properties in template.resources(FUNCTIONS)}


def test_no_call_takes_longer_than_the_function_that_makes_it() -> None:
    assert slowest_call() < min(seconds_of_functions().values())


def test_a_slow_call_leaves_process_event_time_for_the_rest_of_its_batch() -> None:
    assert slowest_call() < seconds_of_functions()["ProcessEventFunction"] - 8


def test_the_queue_hides_messages_for_six_times_the_function_as_lambda_asks() -> None:
    queues = dict(load().resources(QUEUES))
    seconds = seconds_of_functions()
    assert queues["EventsQueue"]["VisibilityTimeout"] >= 6 * seconds["ProcessEventFunction"]
    assert queues["NamespacesQueue"]["VisibilityTimeout"] >= 6 * seconds["ApplyNamespacesFunction"]
