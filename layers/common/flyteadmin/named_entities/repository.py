"""Names in DynamoDB, and how versions are stored, once; the first version makes its name known."""

from collections.abc import Sequence

from flyteidl.admin.common_pb2 import NamedEntityMetadata, NamedEntityState
from flyteidl.core.identifier_pb2 import Identifier, ResourceType
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from flyteadmin.clients.dynamodb.keys import Key, RawItem
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import (
    ConditionFailed,
    Operation,
    Put,
    TransactionFailed,
    Update,
    transact,
    write,
)
from flyteadmin.errors import Internal
from flyteadmin.identifiers import name_key
from flyteadmin.named_entities.models import NamedEntityRow


def key(identifier: Identifier) -> Key[NamedEntityRow]:
    """Return the address of the name that an entity's versions share."""
    scope = scope_key(identifier.resource_type, identifier.project, identifier.domain)
    return Key(NamedEntityRow, scope, identifier.name)


def scope_key(kind: ResourceType, project: str, domain: str) -> str:
    """Give "TASK:project:domain", under which the names of a kind lie."""
    return name_key(ResourceType.Name(kind), project, domain)


def read(identifier: Identifier) -> NamedEntityRow | None:
    """Read the row of a name; None if nothing is registered under it. One consistent request."""
    return get(key(identifier))


def describe(identifier: Identifier, metadata: NamedEntityMetadata, now: int) -> bool:
    """Write the description and state of a name; False where there is no such name. `now` is in ns."""
    row = NamedEntityRow
    actions = [
        row.version.set(row.version + 1),
        row.updated_at.set(now),
        *in_state(identifier, int(metadata.state)),
    ]
    if metadata.description:
        actions.append(row.description.set(metadata.description))
    try:
        write(Update(key(identifier), actions, row.name.exists()))
    except ConditionFailed:
        return False
    return True


def store_version[V: Model](
    model: type[V],
    version: Put,
    identifier: Identifier,
    known: NamedEntityRow | None,
    *,
    now: int,
    also: Sequence[Operation] = (),
) -> V | None:
    """Store a version under its own condition, with the operations that come with it; its first one makes a name known.

    Return the row that has the identifier already, of which nothing was changed then; None where it was stored. One
    write where the name is `known`, else one transaction. `now` is in ns.
    """
    operations = [version, *also]
    if known is None:
        operations.append(make_known(identifier, now))
    try:
        if len(operations) == 1:
            write(version)
        else:
            transact(operations)
    except ConditionFailed as failure:
        return model.from_raw_data(_present(failure.old))
    except TransactionFailed as failure:
        return model.from_raw_data(_present(failure.old.get(0)))
    return None


def state_key(scope: str, state: int) -> str:
    """Give "WORKFLOW:project:domain#0": the key of lists of names in one state."""
    return f"{scope}#{state}"


def make_known(identifier: Identifier, now: int) -> Update:
    """Return the update that registers a name; a repeat keeps what was set before. `now` is in ns."""
    row, active = NamedEntityRow, state_key(key(identifier).partition, 0)
    return _known(identifier, now, [row.state.set(row.state | 0), row.by_state.set(row.by_state | active)])


def make_system_generated(identifier: Identifier, now: int) -> Update:
    """Return the same for a name that no user chose: lists of active names leave it out (CRE-46). `now` is in ns."""
    return _known(identifier, now, in_state(identifier, int(NamedEntityState.SYSTEM_GENERATED)))


def in_state(identifier: Identifier, state: int) -> list[Action]:
    """Return the actions that set a name's state."""
    row, scope = NamedEntityRow, key(identifier).partition
    return [row.state.set(state), row.by_state.set(state_key(scope, state))]


def _known(identifier: Identifier, now: int, state: Sequence[Action]) -> Update:
    row = NamedEntityRow
    actions = [
        row.version.set(row.version | 1),
        row.description.set(row.description | ""),
        *state,
        row.created_at.set(row.created_at | now),
        row.updated_at.set(row.updated_at | now),
    ]
    return Update(key(identifier), actions)


def _present(old: RawItem | None) -> RawItem:
    if old is None:
        raise Internal("a version was refused although none stands in its way")
    return old
