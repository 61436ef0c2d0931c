"""Compiles a workflow with its sub-workflows into the closure that propeller's resource is built from.

The steps are upstream's (`workflow_compiler.go`): requirements, start and end node, nodes, edges, reachability. Two
things differ: a sub-workflow is compiled once however often it is used (upstream compiles it anew on every path and
names its branches' nodes twice over), and one that contains itself is a CycleDetected instead of an endless recursion.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflow, CompiledWorkflowClosure
from flyteidl.core.workflow_pb2 import Node, WorkflowTemplate

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.admin import LaunchPlanInterface
from flyteadmin.compiler.builders import Interface, Library, NodeBuilder, WorkflowBuilder
from flyteadmin.compiler.index import END_NODE_ID, START_NODE_ID, key, workflow_index
from flyteadmin.compiler.requirements import references, requirements_of
from flyteadmin.compiler.validators.interface import validate_interface
from flyteadmin.compiler.validators.node import add_edges, validate_node
from flyteadmin.pretty_print import to_text

__all__ = ["LaunchPlanInterface", "compile_workflow"]


def compile_workflow(
    template: WorkflowTemplate,
    sub_workflows: Sequence[WorkflowTemplate],
    tasks: Sequence[CompiledTask],
    launch_plans: Sequence[LaunchPlanInterface],
) -> CompiledWorkflowClosure:
    """Check a workflow with all that it refers to, and lay its graph out.

    `tasks` and `launch_plans` are those of `get_requirements`; the closure keeps all given sub-workflows and tasks, in
    the order in which they are given and each task once.

    Raises:
        CompileErrors: all that is wrong, sorted.
    """
    errors = e.ErrorCollector()
    closure = CompiledWorkflowClosure(primary=CompiledWorkflow(template=template))
    closure.sub_workflows.extend(CompiledWorkflow(template=sub_workflow) for sub_workflow in sub_workflows)
    closure.tasks.extend(_unique_tasks(tasks, errors))
    errors.raise_if_any()
    index = workflow_index(closure.sub_workflows, errors)
    errors.raise_if_any()
    library = Library(
        tasks={key(task.template.id): task.template for task in closure.tasks},
        launch_plans={key(launch_plan.id): launch_plan for launch_plan in launch_plans},
        sub_workflows={identifier: _interface(compiled.template) for identifier, compiled in index.items()},
    )
    _validate_requirements(closure.primary.template, index, library, errors)
    errors.raise_if_any()
    for wanted in _in_order_of_use(closure.primary.template, index, errors):
        mark = errors.mark()
        _validate_workflow(index[wanted], library, errors)
        if not errors.clean_since(mark):
            library.broken_sub_workflows.add(wanted)
    _validate_workflow(closure.primary, library, errors)
    errors.raise_if_any()
    return closure


def _unique_tasks(tasks: Iterable[CompiledTask], errors: e.ErrorCollector) -> Iterator[CompiledTask]:
    seen: set[bytes] = set()
    for task in tasks:
        if not task.template.HasField("id"):
            errors.collect(e.value_required("task", "Template.Id"))
        elif key(task.template.id) not in seen:
            seen.add(key(task.template.id))
            yield CompiledTask(template=task.template)


def _interface(template: WorkflowTemplate) -> Interface | None:
    typed = template.interface
    return Interface(typed.inputs.variables, typed.outputs.variables) if template.HasField("interface") else None


def _validate_requirements(
    template: WorkflowTemplate,
    sub_workflows: Mapping[bytes, CompiledWorkflow],
    library: Library,
    errors: e.ErrorCollector,
) -> None:
    """All that is referred to was given; missing entities are reported at the start node."""
    requirements = requirements_of(template, sub_workflows, errors)
    for identifier in requirements.launch_plan_ids:
        if key(identifier) not in library.launch_plans:
            errors.collect(e.workflow_reference_not_found(START_NODE_ID, to_text(identifier)))
    for identifier in requirements.task_ids:
        if key(identifier) not in library.tasks:
            errors.collect(e.task_reference_not_found(START_NODE_ID, to_text(identifier)))


def _in_order_of_use(
    template: WorkflowTemplate, index: Mapping[bytes, CompiledWorkflow], errors: e.ErrorCollector
) -> list[bytes]:
    """Return the sub-workflows that are used, each after those that it uses itself.

    Raises:
        CompileErrors: a sub-workflow contains itself.
    """
    order: dict[bytes, None] = {}
    path: list[tuple[bytes, Iterator[bytes]]] = [(b"", _used(template))]
    open_keys: dict[bytes, None] = {}
    while path:
        current, remaining = path[-1]
        following = next((used for used in remaining if used not in order), None)
        if following is None:
            path.pop()
            open_keys.pop(current, None)
            order[current] = None
        elif following in open_keys:
            names = [index[used].template.id.name for used in (*open_keys, following)]
            errors.collect(e.cycle_detected(START_NODE_ID, ">".join(names)))
            raise errors.failure()
        else:
            open_keys[following] = None
            path.append((following, _used(index[following].template)))
    return [used for used in order if used in index]


def _used(template: WorkflowTemplate) -> Iterator[bytes]:
    """Return a workflow's sub-workflows to compile: not those inside array nodes, none if its interface is broken."""
    errors = e.ErrorCollector()
    validate_interface(START_NODE_ID, template.interface, errors)
    if errors.clean_since(0):
        for kind, _, identifier in references(template, inside_arrays=False):
            if kind == "sub_workflow":
                yield key(identifier)


def _validate_workflow(compiled: CompiledWorkflow, library: Library, errors: e.ErrorCollector) -> None:
    """Check one workflow and write its start node, end node and connections into it."""
    template = compiled.template
    if not template.nodes:
        errors.collect(e.no_nodes_found(to_text(template.id)))
        return
    mark = errors.mark()
    interface = validate_interface(START_NODE_ID, template.interface, errors)
    if not errors.clean_since(mark):
        return
    workflow = WorkflowBuilder(compiled, library)
    top_level = _add_nodes(workflow, interface, errors)
    for node_id in sorted(workflow.nodes):
        if node_id != START_NODE_ID:
            add_edges(workflow, workflow.nodes[node_id], "bidirectional", errors)
    if template.HasField("failure_node"):
        failure_node = NodeBuilder(template.failure_node)
        validate_node(workflow, failure_node, errors)
        add_edges(workflow, failure_node, "upstream", errors)
    _tie_orphans(workflow, top_level)
    del template.outputs[:]
    template.outputs.extend(workflow.nodes[END_NODE_ID].core.inputs)
    _validate_reachable(workflow, errors)
    workflow.write_connections()


def _add_nodes(workflow: WorkflowBuilder, interface: Interface, errors: e.ErrorCollector) -> list[str]:
    """Put start and end node first, then check node after node; a gate or branch may refer only to those before it.

    A second node of the same id is checked but not kept, as upstream does. Gives the ids of the workflow's own nodes.
    """
    template = workflow.core.template
    given = list(template.nodes)
    first = {node.id: position for position, node in reversed(list(enumerate(given)))}
    kept = [
        node
        for position, node in enumerate(given)
        if first[node.id] == position and node.id not in (START_NODE_ID, END_NODE_ID)
    ]
    del template.nodes[:]
    template.nodes.extend([Node(id=START_NODE_ID), Node(id=END_NODE_ID, inputs=template.outputs), *kept])
    start, end, *others = map(NodeBuilder, template.nodes)
    start.interface = Interface({}, interface.inputs)
    end.interface = Interface(interface.outputs, {})
    workflow.nodes.update({START_NODE_ID: start, END_NODE_ID: end})
    builders = {builder.id: builder for builder in others}
    for position, node in enumerate(given):
        builder = builders.get(node.id) if first[node.id] == position else None
        builder = builder or NodeBuilder(node)
        workflow.nodes.setdefault(node.id, builder)
        validate_node(workflow, builder, errors)
    return [node.id for node in given]


def _tie_orphans(workflow: WorkflowBuilder, node_ids: Iterable[str]) -> None:
    """Tie a node without upstream to the start node, and one without downstream to the end node."""
    for node_id in sorted(set(node_ids) - {START_NODE_ID, END_NODE_ID}):
        if node_id not in workflow.upstream:
            workflow.add_edge(START_NODE_ID, node_id, "bidirectional")
        if node_id not in workflow.downstream:
            workflow.add_edge(node_id, END_NODE_ID, "bidirectional")


def _validate_reachable(workflow: WorkflowBuilder, errors: e.ErrorCollector) -> None:
    """No cycle from the start node on, and every node can be reached from there."""
    cycle, visited = _walk(workflow.downstream)
    if cycle:
        errors.collect(e.cycle_detected(START_NODE_ID, ">".join(cycle)))
        return
    unreachable = workflow.nodes.keys() - visited - {END_NODE_ID}
    if unreachable:
        errors.collect(e.unreachable_nodes(START_NODE_ID, ",".join(sorted(unreachable))))


def _walk(downstream: Mapping[str, set[str]]) -> tuple[list[str], set[str]]:
    """Return the first cycle in depth-first order, as the path that runs into it, and all nodes that were visited."""
    visited = {START_NODE_ID}
    path = [START_NODE_ID]
    remaining = [iter(sorted(downstream.get(START_NODE_ID, ())))]
    on_path = {START_NODE_ID}
    while path:
        following = next((node for node in remaining[-1] if node in on_path or node not in visited), None)
        if following is None:
            on_path.remove(path.pop())
            remaining.pop()
        elif following in on_path:
            return [*path, following], visited
        else:
            visited.add(following)
            on_path.add(following)
            path.append(following)
            remaining.append(iter(sorted(downstream.get(following, ()))))
    return [], visited
