"""Rows as a table's stream shows them to a function."""

from typing import Any

from pynamodb.models import Model

type StreamImage = dict[str, dict[str, Any]]
"""An item in DynamoDB's own JSON, as Lambda passes it on: binary values are base64."""


def from_image[M: Model](model: type[M], image: StreamImage) -> M:
    """Read a row from an image of a stream record.

    Attributes that the model does not declare are ignored. Those that are missing take their default, or are None.
    """
    row = model()
    row.from_dynamodb_dict({name: dict(value) for name, value in image.items()})  # decodes base64 in place
    return row
