"""Decides the cluster pool of an execution, which is recorded and checked and chooses no cluster (CLU-13); pure.

Source: flyteadmin execution_manager.go getClusterAssignment, fetchClusterAssignment.
"""

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.admin.matchable_resource_pb2 import MatchableResource

from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.clusters.sections import ClusterPool, ClusterPools
from flyteadmin.errors import InvalidArgument


def pool_of(request: ExecutionCreateRequest, attributes: MatchingAttributesRows, configured: ClusterPools) -> str:
    """Return the pool of the request, which must agree with that of its project and domain (CFG-18, CFG-19).

    Raises:
        InvalidArgument: they differ.
    """
    requested, stored = (
        request.spec.cluster_assignment.cluster_pool_name,
        _stored(request.domain, attributes, configured),
    )
    if requested and stored and requested != stored:
        raise InvalidArgument(
            f'execution with project "{request.project}" and domain "{request.domain}" cannot run on cluster pool'
            f' "{requested}", because its configured to run on pool "{stored}"'
        )
    return requested or stored


def _stored(domain: str, attributes: MatchingAttributesRows, configured: ClusterPools) -> str:
    """Return the pool of the attributes, even a blank one; else the one that is configured for the domain."""
    row = attributes.of_domain().most_specific(MatchableResource.CLUSTER_ASSIGNMENT)
    if row is not None and row.HasField("cluster_assignment"):
        return row.cluster_assignment.cluster_pool_name
    return configured.cluster_pool_assignments.get(domain, ClusterPool()).pool
