"""flyte:// URLs, which name the inputs, outputs or deck of a node execution or of one attempt; pure.

Source: flyteadmin common/flyte_url.go.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, WorkflowExecutionIdentifier

from flyteadmin.errors import InvalidArgument

_PREFIX = "flyte://"
_NAME = "[a-zA-Z0-9_-]+"
_URL = re.compile(
    rf"flyte://v1/(?P<project>{_NAME})/(?P<domain>{_NAME})/(?P<execution>{_NAME})/(?P<node>{_NAME})"
    rf"(?:/(?P<attempt>[0-9]{{1,10}}))?/(?:(?P<kind>[iod])|(?P<of>[io])/(?P<literal>{_NAME}))"
)
_MAX_ATTEMPT = 2**32 - 1


class Kind(StrEnum):
    """The part of an execution that a URL names, as the URL spells it."""

    INPUTS = "i"
    OUTPUTS = "o"
    DECK = "d"


@dataclass(frozen=True)
class FlyteUrl:
    """The object that a URL names; `literal` is one of the inputs or outputs, "" for all of them."""

    node: NodeExecutionIdentifier
    attempt: int | None
    kind: Kind
    literal: str


def parse(url: str) -> FlyteUrl:
    """Return the parts of a URL.

    Raises:
        InvalidArgument: it has another form (DAT-12).
    """
    if not url:
        raise InvalidArgument("missing flyte_url")
    if not url.startswith(_PREFIX):
        raise InvalidArgument(f"invalid value for flyte_url: {url[:300]!r} does not start with {_PREFIX}")
    found = _URL.fullmatch(url)
    if found is None or int(found["attempt"] or 0) > _MAX_ATTEMPT:
        raise InvalidArgument(
            f"invalid value for flyte_url: failed to parse [{url[:300]}],"
            " expected flyte://v1/<project>/<domain>/<execution>/<node>[/<attempt>]/<i|o|d>[/<name>]"
        )
    execution = WorkflowExecutionIdentifier(project=found["project"], domain=found["domain"], name=found["execution"])
    attempt = int(found["attempt"]) if found["attempt"] is not None else None
    node = NodeExecutionIdentifier(node_id=found["node"], execution_id=execution)
    return FlyteUrl(node, attempt, Kind(found["kind"] or found["of"]), found["literal"] or "")
