"""Checks that several nouns share, and the error for an entity that is missing, in upstream's wording; pure.

Source: flyteadmin validation/validation.go, notifications_validator.go.
"""

from collections.abc import Iterable, Mapping

from flyteidl.admin.common_pb2 import Notification
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import UNSPECIFIED, Identifier, ResourceType
from google.protobuf.message import DecodeError, EncodeError, Message

from flyteadmin.errors import InvalidArgument, NotFound, invalid, missing, too_long
from flyteadmin.kubernetes_names import label_key_faults, label_value_faults
from flyteadmin.pretty_print import to_text
from flyteadmin.text import enum_name

_MAX_LABELS = 16
_MAX_NOTIFICATIONS_BYTES = 64 * 1024
_TERMINAL = {
    WorkflowExecution.SUCCEEDED,
    WorkflowExecution.FAILED,
    WorkflowExecution.TIMED_OUT,
    WorkflowExecution.ABORTED,
}


def validate_set(message: Message, *fields: str, path: str = "") -> None:
    """Check that fields of a message are set; `path` leads to the message, e.g. "parent.", for the error's wording.

    Raises:
        InvalidArgument: naming the first one that is empty.
    """
    for field in fields:
        if not getattr(message, field):
            raise missing(f"{path}{field}")


def validate_labels(labels: Mapping[str, str]) -> None:
    """Check that Kubernetes takes the labels, and that there are at most 16 (VAL-09).

    Raises:
        InvalidArgument: naming the label.
    """
    if len(labels) > _MAX_LABELS:
        raise InvalidArgument(f"labels map cannot exceed {_MAX_LABELS} entries")
    for key in sorted(labels):
        if faults := label_key_faults(key):
            raise InvalidArgument(f"invalid label key [{key[:300]}]: [{' '.join(faults)}]")
        if faults := label_value_faults(labels[key]):
            raise InvalidArgument(f"invalid label value [{labels[key][:300]}]: [{' '.join(faults)}]")


def validate_notifications(notifications: Iterable[Notification]) -> None:
    """Check that each notification has recipients, and names only phases in which an execution ends (NOT-01, NOT-02).

    Raises:
        InvalidArgument: naming what is missing or wrong, or they are more than the row of an execution holds.
    """
    bytes_left = _MAX_NOTIFICATIONS_BYTES
    for notification in notifications:
        bytes_left -= notification.ByteSize()
        if bytes_left < 0:
            raise too_long("notifications", _MAX_NOTIFICATIONS_BYTES)
        kind = notification.WhichOneof("type")
        if kind is None:
            raise invalid("notification type")
        recipients = getattr(notification, kind).recipients_email
        if not recipients:
            raise missing("recipients")
        if not all(recipients):
            raise missing("recipient")
        if any(phase not in _TERMINAL for phase in notification.phases):
            raise invalid("phase")


def validate_depth(listed: Message) -> None:
    """Check that clients can parse a list that holds a new entity; one too deep would break every list of its project.

    Protobuf parses messages nested up to a hundred deep, and a list nests its entities deeper than a request does.

    Raises:
        InvalidArgument: it is nested too deep.
    """
    try:
        type(listed).FromString(listed.SerializeToString())
    except (DecodeError, EncodeError):
        raise InvalidArgument("nested too deep: a list of it would be more than 100 messages deep") from None


def missing_entity(identifier: Identifier) -> NotFound:
    """Return the error for a task, workflow or launch plan that is not registered, in upstream's wording."""
    untyped = Identifier()
    untyped.CopyFrom(identifier)
    untyped.resource_type = UNSPECIFIED
    kind = enum_name(ResourceType, identifier.resource_type)
    return NotFound(f"missing entity of type {kind} with identifier {to_text(untyped)}")
