"""Messages of the queue of namespaces, applied one after the other; what fails is delivered again, in its order."""

from collections.abc import Iterator, Sequence
from time import monotonic

from pydantic import BaseModel, Field, ValidationError

from flyteadmin.cluster_resources.asking import Request
from flyteadmin.cluster_resources.service import apply
from flyteadmin.errors import FlyteAdminError
from flyteadmin.observability import logger

_ONE_SECONDS = 60
"""No message is begun with less time left: a few slow objects, and the row."""


class _SystemAttributes(BaseModel):
    group: str = Field("", alias="MessageGroupId")


class QueueRecord(BaseModel):
    """A message as the queue delivers it to a function."""

    message_id: str = Field(alias="messageId")
    body: str
    attributes: _SystemAttributes = _SystemAttributes.model_construct(group="")


def apply_all(records: Sequence[QueueRecord], seconds: float) -> list[str]:
    """Apply messages and return those to deliver again: one that failed, those of its group behind it, and the rest.

    `seconds` is the time that the function has left.
    """
    return list(_failed(records, monotonic() + seconds - _ONE_SECONDS))


def _failed(records: Sequence[QueueRecord], until: float) -> Iterator[str]:
    held: set[str] = set()
    for record in records:
        if record.attributes.group in held or monotonic() >= until or not _is_applied(record):
            held.add(record.attributes.group)
            yield record.message_id


def _is_applied(record: QueueRecord) -> bool:
    try:
        request = Request.model_validate_json(record.body)
    except ValidationError:
        logger.error("a message of the queue of namespaces can't be read", extra={"message": record.message_id})
        return True  # sent again it would be the same; the sweep asks for what is due
    try:
        apply(request)
    except FlyteAdminError as error:
        about = {"cluster": request.cluster, "place": request.place, "cause": error.message}
        logger.warning("a namespace is tried again", extra=about)
        return False
    except Exception as error:  # noqa: BLE001  # one namespace must not hold the others of its batch
        about = {"cluster": request.cluster, "place": request.place, "cause": type(error).__name__}
        logger.error("a namespace can't be applied", extra=about)  # a traceback may hold a secret
        return False
    return True
