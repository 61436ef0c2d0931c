"""What happens when names are listed, and what every list of versions asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol

from flyteidl.admin.common_pb2 import (
    NamedEntityIdentifier,
    NamedEntityIdentifierList,
    NamedEntityIdentifierListRequest,
    ResourceListRequest,
    Sort,
)
from flyteidl.core.identifier_pb2 import ResourceType

from flyteadmin.errors import InvalidArgument
from flyteadmin.identifiers import name_key
from flyteadmin.listing import Cursor, Start, start_of, token_after
from flyteadmin.named_entities import repository
from flyteadmin.named_entities.validation import validate_list


class Version(Protocol):
    """A row of a task, workflow or launch plan."""

    name: str
    version: str
    created_at: float


def list_names(request: NamedEntityIdentifierListRequest, kind: ResourceType, rpc: str) -> NamedEntityIdentifierList:
    """ListTaskIds, ListWorkflowIds, ListLaunchPlanIds: each name once, in order (LST-28).

    Raises:
        InvalidArgument: a field is missing, the token is not ours, or a filter or sort key is asked for that is not
            supported yet.
    """
    validate_list(request)
    if request.filters:
        raise InvalidArgument(f"invalid value for filters: not supported yet by {rpc}")
    if request.HasField("sort_by") and (request.sort_by.key, request.sort_by.direction) != ("name", Sort.ASCENDING):
        raise InvalidArgument(f"invalid sort key '{request.sort_by.key[:100]}': {rpc} sorts by name ASCENDING only")
    start = start_of(request.token, rpc)
    scope = repository.scope_key(kind, request.project, request.domain)
    end = start.offset + request.limit
    in_order = repository.names(scope, start.after.key if start.after else "", end)
    names = list(islice(in_order, start.offset, end))
    answer = NamedEntityIdentifierList(
        entities=[NamedEntityIdentifier(project=request.project, domain=request.domain, name=name) for name in names]
    )
    if len(names) == request.limit:
        answer.token = token_after(Cursor(created_at=0, key=names[-1]))
    return answer


@dataclass(frozen=True)
class Asked:
    """Which versions a list shows: those of one name, or of a project and domain, by registration time."""

    partition: str
    index: Literal["created", "listing"]
    start: Start
    limit: int
    ascending: bool


def asked(request: ResourceListRequest, rpc: str) -> Asked:
    """What a list of versions asks for; the newest first unless it says otherwise (LST-13, LST-14, LST-16).

    Raises:
        InvalidArgument: a field is missing, the token is not ours, or a filter or a sort key is asked for that is not
            supported yet.
    """
    validate_list(request)
    if request.filters:
        raise InvalidArgument(f"invalid value for filters: not supported yet by {rpc}")
    if request.HasField("sort_by") and request.sort_by.key != "created_at":
        raise InvalidArgument(f"invalid sort key '{request.sort_by.key[:100]}': {rpc} sorts by created_at only, as yet")
    scope = request.id
    partition = name_key(scope.project, scope.domain, scope.name) if scope.name else f"{scope.project}:{scope.domain}"
    return Asked(
        partition=partition,
        index="created" if scope.name else "listing",
        start=start_of(request.token, rpc),
        limit=request.limit,
        ascending=request.HasField("sort_by") and request.sort_by.direction == Sort.ASCENDING,
    )


def next_token(asked: Asked, rows: Sequence[Version]) -> str:
    """The token of the next page; none where this one was not filled (LST-15)."""
    if len(rows) < asked.limit:
        return ""
    last = rows[-1]
    return token_after(Cursor(created_at=int(last.created_at), key=getattr(last, repository.TIE_BREAKERS[asked.index])))
