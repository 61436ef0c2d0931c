"""Lists the matchable attributes of all scopes.

Its cost grows with the number of scopes, whatever they set: a request for some thousands of them in the index, and one
for each hundred rows. It lags behind an update by a moment, as its index does; a get does not.
"""

from flyteidl.admin.matchable_resource_pb2 import ListMatchableAttributesRequest, ListMatchableAttributesResponse

from flyteadmin.attributes import messages, repository
from flyteadmin.attributes.matching import Scope
from flyteadmin.attributes.validation import validate_list

_BY_PRIORITY = {scope: number for number, scope in enumerate(Scope)}


def list_all(request: ListMatchableAttributesRequest) -> ListMatchableAttributesResponse:
    """ListMatchableAttributes: the narrowest scopes first (ATT-11), then in the order of their names.

    Raises:
        InvalidArgument: there is no such kind.
    """
    kind = request.resource_type
    validate_list(kind)
    rows = sorted(repository.read_all(kind), key=lambda row: (_BY_PRIORITY[row.narrowed_to], row.scope))
    return ListMatchableAttributesResponse(configurations=(messages.configuration(row, kind) for row in rows))
