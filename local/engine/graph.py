"""The order in which a workflow's nodes run."""

from flyteadmin.flyteworkflow.crd import NodeSpec, WorkflowSpec
from local.engine.branches import children

START_NODE = "start-node"
END_NODE = "end-node"


def in_order(spec: WorkflowSpec) -> list[NodeSpec]:
    """Every node but start-node and those inside branches, each after the nodes that it depends on.

    Raises:
        ValueError: some node can never run.
    """
    inside = {child for node in spec.nodes.values() for child in _descendants(spec, node.id)}
    waiting = {name: dependencies(spec, name) for name in spec.nodes if name not in {START_NODE, *inside}}
    done, order = {START_NODE}, []
    while waiting:
        ready = [name for name, needed in waiting.items() if needed <= done]
        if not ready:
            raise ValueError(f"the nodes {sorted(waiting)} wait for one another")
        for name in ready:
            del waiting[name]
            done.add(name)
            order.append(spec.nodes[name])
    return order


def dependencies(spec: WorkflowSpec, node_id: str) -> set[str]:
    """The nodes that must have finished: a branch also waits for what its cases need."""
    inside = _descendants(spec, node_id)
    needed = {upstream for name in (node_id, *inside) for upstream in spec.edges.upstream.get(name, [])}
    return needed - {node_id, *inside}


def _descendants(spec: WorkflowSpec, node_id: str) -> list[str]:
    branch = spec.nodes[node_id].branch
    direct = children(branch) if branch else []
    return [name for child in direct for name in (child, *_descendants(spec, child))]
