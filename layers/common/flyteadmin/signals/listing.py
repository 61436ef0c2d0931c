"""Lists of signals: those of an execution, in the order of their ids."""

from flyteidl.admin.signal_pb2 import SignalList, SignalListRequest

from flyteadmin.clients.dynamodb.pages import page_source, read_page
from flyteadmin.identifiers import execution_key
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.common_columns import EXECUTION_NAME, name_columns
from flyteadmin.listing.conditions import Column, Columns, Kind, conditions_of
from flyteadmin.listing.filters import parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, order_of, requested_page
from flyteadmin.listing.tokens import token_of
from flyteadmin.signals import messages
from flyteadmin.signals.models import SignalRow
from flyteadmin.signals.validation import validate_list

COLUMNS: Columns[SignalRow] = {
    **name_columns(Entity.SIGNAL, lambda row: row.execution, EXECUTION_NAME),
    (Entity.SIGNAL, "signal_id"): Column(Kind.TEXT, lambda row: row.signal_id),
    (Entity.SIGNAL, "created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.SIGNAL, "updated_at"): Column(Kind.TIME, lambda row: int(row.updated_at)),
}

_SORTED_BY = {"signal_id": "signal_id"}
_BY_ID = Order("signal_id", ascending=True)


def list_signals(request: SignalListRequest) -> SignalList:
    """ListSignals (SIG-07).

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not valid.
    """
    validate_list(request)
    conditions = conditions_of(parse_filters(request.filters, Entity.SIGNAL), COLUMNS)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[Entity.SIGNAL], _SORTED_BY, _BY_ID)
    execution = execution_key(request.workflow_execution_id)
    index_query = IndexQuery(None, (execution,), conditions.key_range(Entity.SIGNAL, "signal_id"))
    page = read_page(
        page_source(SignalRow, index_query, conditions),
        requested_page(request.limit, request.token, order, "ListSignals"),
    )
    return SignalList(signals=map(messages.signal, page.rows), token=token_of(page.next_start))
