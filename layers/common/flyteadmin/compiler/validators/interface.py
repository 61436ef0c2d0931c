"""The interface of a node, by what the node is (`validators/interface.go`)."""

from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.interface_pb2 import TypedInterface, Variable
from flyteidl.core.workflow_pb2 import WorkflowNode

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.builders import Interface, NodeBuilder, WorkflowBuilder
from flyteadmin.compiler.index import key
from flyteadmin.compiler.validators.bindings import validate_bindings
from flyteadmin.compiler.validators.branch import validate_branch_interface
from flyteadmin.compiler.validators.vars import validate_variables
from flyteadmin.pretty_print import to_text


def validate_interface(node_id: str, typed: TypedInterface, errors: e.ErrorCollector) -> Interface:
    """Check that all variables are named and typed; absent inputs and outputs are written as empty ones."""
    typed.inputs.SetInParent()
    typed.outputs.SetInParent()
    return _validated(node_id, Interface(typed.inputs.variables, typed.outputs.variables), errors)


def validate_underlying_interface(
    workflow: WorkflowBuilder, node: NodeBuilder, errors: e.ErrorCollector
) -> Interface | None:
    """Find the interface of a node and keep it there; nothing if there was an error."""
    if node.interface is not None:
        return node.interface
    mark = errors.mark()
    interface = _underlying(workflow, node, errors)
    if interface is not None:
        _validated(node.id, interface, errors)
    if not errors.clean_since(mark):
        return None
    node.interface = interface
    return interface


def _validated(node_id: str, interface: Interface, errors: e.ErrorCollector) -> Interface:
    validate_variables(node_id, interface.inputs, errors)
    validate_variables(node_id, interface.outputs, errors)
    return interface


def _underlying(workflow: WorkflowBuilder, node: NodeBuilder, errors: e.ErrorCollector) -> Interface | None:
    target = node.core.WhichOneof("target")
    if target == "task_node":
        return _of_task(workflow, node, errors)
    if target == "workflow_node":
        return _of_workflow(workflow, node, errors)
    if target == "branch_node":
        return validate_branch_interface(workflow, node, validate_underlying_interface, errors)
    if target == "gate_node":
        return _of_gate(workflow, node, errors)
    if node.array_sub_node is not None:
        return validate_underlying_interface(workflow, node.array_sub_node, errors)
    errors.collect(e.value_required(node.id, "Target"))
    return None


def _of_task(workflow: WorkflowBuilder, node: NodeBuilder, errors: e.ErrorCollector) -> Interface | None:
    task_node = node.core.task_node
    if not task_node.HasField("reference_id"):
        errors.collect(e.value_required(node.id, "TaskNode.ReferenceId"))
        return None
    task = workflow.library.tasks.get(key(task_node.reference_id))
    if task is None:
        errors.collect(e.task_reference_not_found(node.id, to_text(task_node.reference_id)))
        return None
    return _declared(task.interface) if task.HasField("interface") else Interface({}, {})


def _declared(typed: TypedInterface) -> Interface:
    typed.inputs.SetInParent()
    typed.outputs.SetInParent()
    return Interface(typed.inputs.variables, typed.outputs.variables)


def _of_workflow(workflow: WorkflowBuilder, node: NodeBuilder, errors: e.ErrorCollector) -> Interface | None:
    workflow_node = node.core.workflow_node
    reference = workflow_node.WhichOneof("reference")
    if reference == "launchplan_ref":
        return _of_launch_plan(workflow, node, workflow_node.launchplan_ref, errors)
    if reference == "sub_workflow_ref" and key(workflow_node.sub_workflow_ref) in workflow.library.sub_workflows:
        interface = workflow.library.sub_workflows[key(workflow_node.sub_workflow_ref)]
        if interface is None:
            errors.collect(e.value_required(node.id, "WorkflowNode.Template.Interface"))
        return interface
    errors.collect(e.workflow_reference_not_found(node.id, _reference_text(workflow_node)))
    return None


def _reference_text(workflow_node: WorkflowNode) -> str:
    if workflow_node.WhichOneof("reference") == "sub_workflow_ref":
        return to_text(workflow_node.sub_workflow_ref)
    return "<nil>/<nil>"


def _of_launch_plan(
    workflow: WorkflowBuilder, node: NodeBuilder, reference: Identifier, errors: e.ErrorCollector
) -> Interface | None:
    """Its required inputs with those of its optional ones that the node binds; a workflow may also name itself."""
    if reference == workflow.core.template.id:
        return _declared(workflow.core.template.interface)
    launch_plan = workflow.library.launch_plans.get(key(reference))
    if launch_plan is None:
        errors.collect(e.workflow_reference_not_found(node.id, to_text(reference)))
        return None
    if launch_plan.expected_inputs is None:
        errors.collect(e.value_required(node.id, "WorkflowNode.ExpectedInputs"))
    if launch_plan.expected_outputs is None:
        errors.collect(e.value_required(node.id, "WorkflowNode.ExpectedOutputs"))
    if launch_plan.expected_inputs is None or launch_plan.expected_outputs is None:
        return None
    bound = {binding.var for binding in node.core.inputs}
    parameters = launch_plan.expected_inputs.parameters.items()
    exposed = {name: parameter.var for name, parameter in parameters if parameter.required or name in bound}
    return Interface(exposed, launch_plan.expected_outputs.variables)


def _of_gate(workflow: WorkflowBuilder, node: NodeBuilder, errors: e.ErrorCollector) -> Interface | None:
    """Return a gate's interface: an approval passes its inputs on, a signal has one output, sleep has none."""
    gate = node.core.gate_node
    condition = gate.WhichOneof("condition")
    if condition == "approve":
        found = validate_bindings(workflow, node, {}, check_types=False, direction="upstream", errors=errors)
        return Interface(found, found)
    if condition == "sleep":
        return Interface({}, {})
    if condition != "signal":
        errors.collect(e.no_condition_found(node.id))
    elif not gate.signal.HasField("type"):
        errors.collect(e.value_required(node.id, "GateNode.Signal.Type"))
    elif not gate.signal.output_variable_name:
        errors.collect(e.value_required(node.id, "GateNode.Signal.OutputVariableName"))
    else:
        return Interface({}, {gate.signal.output_variable_name: Variable(type=gate.signal.type)})
    return None
