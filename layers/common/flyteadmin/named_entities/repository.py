"""Names in DynamoDB, and how versions are stored, once, and listed; the first version makes its name known."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from flyteidl.admin.common_pb2 import NamedEntityMetadata, NamedEntityState
from flyteidl.core.identifier_pb2 import Identifier, ResourceType
from pynamodb.attributes import Attribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from flyteadmin.clients.dynamodb import (
    Change,
    ConditionFailed,
    Key,
    Operation,
    Put,
    RawItem,
    TransactionFailed,
    batch_get,
    by_creation,
    get,
    key_of,
    query,
    transact,
    write,
)
from flyteadmin.errors import Internal
from flyteadmin.identifiers import name_key
from flyteadmin.listing import Start
from flyteadmin.named_entities.models import NamedEntityRow

TIE_BREAKERS = {"created": "version", "listing": "name"}
"""What tells rows of one registration time apart, by index."""

_PAGE = 1000


class VersionExists(Exception):
    """The identifier is taken; `old` is the row that has it, and nothing was changed."""

    def __init__(self, old: RawItem) -> None:
        """Keep the row."""
        super().__init__("version exists")
        self.old = old


def key(identifier: Identifier) -> Key:
    """The address of the name that an entity's versions share."""
    scope = scope_key(identifier.resource_type, identifier.project, identifier.domain)
    return Key(NamedEntityRow, scope, identifier.name)


def scope_key(kind: ResourceType, project: str, domain: str) -> str:
    """Give "TASK:project:domain", under which the names of a kind lie."""
    return name_key(ResourceType.Name(kind), project, domain)


def read(identifier: Identifier) -> NamedEntityRow | None:
    """What is said about a name; None where nothing is registered under it. One consistent request."""
    return get(NamedEntityRow, key(identifier))


def describe(identifier: Identifier, metadata: NamedEntityMetadata, now: int) -> bool:
    """Write what is said about a name, if there is one; whether there was. `now` is in ns."""
    row = NamedEntityRow
    actions = [row.version.set(row.version + 1), row.updated_at.set(now), row.state.set(int(metadata.state))]
    if metadata.description:
        actions.append(row.description.set(metadata.description))
    try:
        write(Change(key(identifier), actions, row.name.exists()))
    except ConditionFailed:
        return False
    return True


def store_version(
    version: Put, identifier: Identifier, known: NamedEntityRow | None, also: Sequence[Operation], now: int
) -> None:
    """Store a version under its own condition, with what comes with it; the first one makes its name known.

    One write where the name is `known`, else one transaction. `now` is in ns.

    Raises:
        VersionExists: the condition did not hold.
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
        raise VersionExists(_present(failure.old)) from None
    except TransactionFailed as failure:
        raise VersionExists(_present(failure.old.get(0))) from None


def names(scope: str, after: str, page_size: int) -> Iterator[str]:
    """The names of a scope in order, those behind `after` only; consistent pages, read as needed."""
    beyond: Condition | None = NamedEntityRow.name > after if after else None
    start: RawItem | None = None
    while True:
        page = query(NamedEntityRow, scope, sort=beyond, limit=page_size, start=start)
        yield from (row.name for row in page.items)
        start = page.next_key
        if start is None:
            return


def versions[M: Model](
    model: type[M], partition: str, index: str, start: Start, limit: int, *, ascending: bool
) -> list[M]:
    """Versions by registration time: a query on `created` (of one name) or `listing`, then the rows, 100 a request."""
    attributes: Mapping[str, Attribute[str]] = model.get_attributes()
    in_order = by_creation(
        model,
        partition,
        index=index,
        key=attributes[TIE_BREAKERS[index]],
        after=start.after,
        ascending=ascending,
        page_size=min(start.offset + limit, _PAGE),
    )
    keys = [key_of(row) for _, row in islice(in_order, start.offset, start.offset + limit)]
    found = batch_get(keys)
    return [row for each in keys if (row := found.get(model, each)) is not None]


def make_known(identifier: Identifier, now: int) -> Change:
    """What makes a name known; idempotent: what was said about it before stays. `now` is in ns."""
    return _known(identifier, now, NamedEntityRow.state.set(NamedEntityRow.state | 0))


def make_system_generated(identifier: Identifier, now: int) -> Change:
    """The same for a name that no user chose: lists of active names leave it out (CRE-46). `now` is in ns."""
    return _known(identifier, now, NamedEntityRow.state.set(int(NamedEntityState.SYSTEM_GENERATED)))


def _known(identifier: Identifier, now: int, state: Action) -> Change:
    row = NamedEntityRow
    actions = [
        row.version.set(row.version | 1),
        row.description.set(row.description | ""),
        state,
        row.created_at.set(row.created_at | now),
        row.updated_at.set(row.updated_at | now),
    ]
    return Change(key(identifier), actions)


def _present(old: RawItem | None) -> RawItem:
    if old is None:
        raise Internal("a version was refused although none stands in its way")
    return old
