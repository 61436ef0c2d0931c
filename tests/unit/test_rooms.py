"""The rooms of the nouns have the same modules: who has learnt one finds the way in all."""

from pathlib import Path

import pytest

import flyteadmin

ROOT = Path(flyteadmin.__file__).parent

STANDARD = {
    "__init__",  # a map of the room
    "service",  # writes
    "reading",  # reads of one entity
    "listing",  # lists, and the columns that may be named
    "columns",  # the columns, where listing would be too long with them
    "messages",  # from a row to what clients read
    "repository",  # rows by key: reads and writes
    "models",  # rows as DynamoDB holds them
    "validation",  # checks of requests; pure
    "phases",  # the rule by which events move a row; pure
}

OTHERS = {
    "attributes": {
        "configs": "the rule by which a level of an execution's configuration sets a field, for gets and for launching",
        "matching": "decides, pure, which of the rows that were read apply",
    },
    "cluster_resources": {
        "asking": "the queue's message, sent by all that ask",
        "changes": "the handler of two streams, with a role of its own",
        "delivery": "the handler of the queue",
        "rules": "decides, pure, what is due",
        "sweeping": "the handler of the schedule, with a role of its own",
        "templates": "files of the bucket, not rows",
        "wanted": "what should be there: the same question for the sweep and for the one who applies",
    },
    "data_proxy": {"flyte_urls": "a grammar of its own: flyte:// URLs"},
    "description_entities": {},
    "executions": {
        "leases": "a second table, which only transactions of others write",
        "terminating": "a write with a function and a role of its own, which calls the cluster",
    },
    "launch_plans": {"schedules": "a grammar of its own: cron"},
    "named_entities": {
        "conflicts": "words the refusal of a taken identifier, for the three nouns that have versions",
        "versions": "columns and indexes of lists of versions, for the same three",
    },
    "node_executions": {},
    "notifications": {
        "rules": "decides, pure, which transitions are announced",
        "schema": "the message to subscribers, a contract with a published schema",
    },
    "projects": {},
    "server_info": {
        "openapi": "a document that is derived, not stored",
        "version": "constants of the build",
    },
    "signals": {},
    "task_executions": {"merging": "the rule by which a task's closure takes an event in, as long as phases is"},
    "tasks": {},
    "workflows": {},
}
"""The modules that a room has besides, and why; a new one is argued for here."""


@pytest.mark.parametrize("room", sorted(OTHERS))
def test_a_noun_has_the_modules_that_every_noun_has(room: str) -> None:
    modules = {path.stem for path in (ROOT / room).iterdir() if path.name != "__pycache__"}
    assert modules - STANDARD == set(OTHERS[room]), f"{room}: use a standard name, or say in OTHERS why not"


@pytest.mark.parametrize("room", sorted(OTHERS))
def test_a_noun_has_a_map_that_names_each_of_its_modules(room: str) -> None:
    text = (ROOT / room / "__init__.py").read_text()
    modules = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
    assert [name for name in sorted(modules) if f"`{name}`" not in text] == []
