"""The namespaces as they were applied, in DynamoDB: one item for each cluster and project's domain."""

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model


class NamespaceRow(Model):
    """A namespace in a cluster; `place` is "project:domain", times are in ns.

    `digest` is that of what was applied as a whole, at `applied_at`. `tried` is the digest that failed, `attempts` how
    often, at `failed_at` last, and `faults` say why. `objects` are applied ("Kind/name"); `left` were applied once and
    have no template any more.
    """

    class Meta:
        table_name = "namespaces"

    cluster = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)
    namespace = UnicodeAttribute()
    digest = UnicodeAttribute(null=True)
    applied_at = NumberAttribute(null=True)
    objects: ListAttribute[str] = ListAttribute(default=list)
    left: ListAttribute[str] = ListAttribute(default=list)
    tried = UnicodeAttribute(null=True)
    failed_at = NumberAttribute(null=True)
    attempts = NumberAttribute(default=0)
    faults: ListAttribute[str] = ListAttribute(default=list)
