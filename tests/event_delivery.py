"""The event queue's part: messages are handed to process_event, which names those to deliver again."""

from collections.abc import Callable, Mapping, Sequence

from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.reads import query_all
from flyteadmin.clients.dynamodb.writes import Delete, write
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.validation import Event
from functions.process_event.handler import lambda_handler
from tests.aws_events import Context, batch, queue_record
from tests.builders import message_body


def again(records: Sequence[Mapping[str, object]], seconds: float = 30) -> list[str]:
    """Hand over a batch; the ids of the messages to deliver again."""
    answer = lambda_handler(batch(records), Context(seconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def apply(*events: Event, first: int = 1) -> None:
    """Hand over events as one batch, with sequences from `first` on: all are applied."""
    records = [queue_record(message_body(event), sequence) for sequence, event in enumerate(events, first)]
    assert again(records) == []


def forget(execution: str, is_gone: Callable[[LoggedEvent], bool]) -> None:
    """Delete a part of an execution's log, as its time to live does."""
    for item in query_all(LoggedEvent, execution):
        if is_gone(item):
            write(Delete(key_of(item)))
