"""Random changes to protobuf messages, whatever their type: what a hostile or a broken client might send."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_STRINGS = ("", "start-node", "end-node", "[0].o0", "[x].o0", "a-b", "é", "1Gi", "much")
_FLOATS = (0.0, -1.5, 0.1, 1e300, float("inf"), float("nan"))
_INTEGERS = (0, 1, 2, 100, 2**31 - 1)
_LARGEST = 3_000
_OF_THE_CORPUS = 0.9


@dataclass
class Corpus:
    """All that valid messages consist of: parts by their type, and every text."""

    parts: dict[str, list[Message]] = field(default_factory=dict)
    strings: list[str] = field(default_factory=lambda: list(_STRINGS))

    def add(self, message: Message) -> None:
        """Take a message apart."""
        for part in walk(message):
            of_its_type = self.parts.setdefault(part.DESCRIPTOR.full_name, [])
            if part.ByteSize() <= _LARGEST and part not in of_its_type:
                of_its_type.append(part)
            texts = (value for kind, value in part.ListFields() if kind.type == kind.TYPE_STRING)
            self.strings.extend(text for text in texts if isinstance(text, str) and text not in self.strings)

    def scalar(self, random: Random, kind: FieldDescriptor) -> Any:
        """Some value of a field that holds no message."""
        if kind.enum_type is not None:
            return random.choice(kind.enum_type.values).number
        if kind.type == kind.TYPE_STRING:
            return random.choice(self.strings)
        if kind.type == kind.TYPE_BYTES:
            return random.choice((b"", b"\xff"))
        if kind.type in (kind.TYPE_FLOAT, kind.TYPE_DOUBLE):
            return random.choice(_FLOATS)
        return random.random() < 0.5 if kind.type == kind.TYPE_BOOL else random.choice(_INTEGERS)

    def fill(self, random: Random, message: Message) -> None:
        """Make a message one of its type, or an empty one."""
        parts = self.parts.get(message.DESCRIPTOR.full_name)
        if parts and random.random() < _OF_THE_CORPUS:
            message.CopyFrom(random.choice(parts))
        else:
            message.Clear()
            message.SetInParent()


def mutate(random: Random, messages: Iterable[Message], corpus: Corpus) -> None:
    """Change one field somewhere within the messages."""
    part = random.choice([part for message in messages for part in walk(message)])
    names = [kind.name for kind, _ in part.ListFields()]
    if not names or random.random() < 0.4:
        names = [kind.name for kind in part.DESCRIPTOR.fields]
    if names:
        kind = cast("FieldDescriptor", part.DESCRIPTOR.fields_by_name[random.choice(names)])
        _change(random, part, kind, corpus)


def walk(message: Message) -> Iterator[Message]:
    """Yield a message and all those within it."""
    yield message
    for kind, value in message.ListFields():
        if kind.message_type is None:
            continue
        values = value.values() if _is_map(kind) else value if kind.is_repeated else [value]
        for each in list(values):
            if isinstance(each, Message):
                yield from walk(each)


def _is_map(kind: FieldDescriptor) -> bool:
    return kind.message_type is not None and bool(kind.message_type.GetOptions().map_entry)


def _change(random: Random, message: Message, kind: FieldDescriptor, corpus: Corpus) -> None:
    if _is_map(kind):
        _change_map(random, getattr(message, kind.name), kind, corpus)
    elif kind.is_repeated:
        _change_list(random, getattr(message, kind.name), kind, corpus)
    elif random.random() < 0.3:
        message.ClearField(kind.name)
    elif kind.message_type is not None:
        corpus.fill(random, getattr(message, kind.name))
    else:
        setattr(message, kind.name, corpus.scalar(random, kind))


def _change_map(random: Random, entries: MutableMapping[Any, Any], kind: FieldDescriptor, corpus: Corpus) -> None:
    keys = sorted(entries, key=str)
    if keys and random.random() < 0.4:
        del entries[random.choice(keys)]
        return
    parts: Mapping[str, FieldDescriptor] = kind.message_type.fields_by_name  # type: ignore[union-attr]  # of a map
    key = random.choice(keys) if keys and random.random() < 0.5 else corpus.scalar(random, parts["key"])
    if parts["value"].message_type is None:
        entries[key] = corpus.scalar(random, parts["value"])
    else:
        corpus.fill(random, entries[key])


def _change_list(random: Random, items: MutableSequence[Any], kind: FieldDescriptor, corpus: Corpus) -> None:
    if len(items) and random.random() < 0.4:
        del items[random.randrange(len(items))]
    elif kind.message_type is None:
        items.append(corpus.scalar(random, kind))
    else:
        corpus.fill(random, items.add())  # type: ignore[attr-defined]  # a list of messages makes its own
