"""Lists: upstream's filters, sort keys and pagination tokens, and the query on an index that answers a list; pure.

`filters` parses the text of a filter; `conditions` makes typed tests of it, by the `columns` of an entity. `requests`
reads limit, order and token (`tokens`). A noun's listing.py chooses the `index_query`; clients/dynamodb/pages.py runs
it.
"""
