"""What a walk asks to be done, in this order and one after the other."""

from collections.abc import Generator
from dataclasses import dataclass

from google.protobuf.message import Message

from flyteadmin.events.validation import Event


@dataclass(frozen=True)
class Report:
    """Send this event."""

    event: Event


@dataclass(frozen=True)
class Store:
    """Write this blob: a message, or text."""

    uri: str
    content: Message | str

    @property
    def blob(self) -> bytes:
        return self.content.encode() if isinstance(self.content, str) else self.content.SerializeToString()


@dataclass(frozen=True)
class Pause:
    """The task's code would be running now."""


type Step = Report | Store | Pause
type Walked[T] = Generator[Step, None, T]
