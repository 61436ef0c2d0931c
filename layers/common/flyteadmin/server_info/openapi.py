"""The API as an OpenAPI 3.0 document, derived from the routes and flyteidl's descriptors at the first request.

Names are snake_case, as an exact `application/json` gets them.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from flyteadmin import __version__
from flyteadmin.api.codec import HttpRequest
from flyteadmin.api.handler import ApiResponse
from flyteadmin.api.routes import ROUTES, Route
from flyteadmin.api.status import HTTP_STATUS
from flyteadmin.errors import Code

type Json = Mapping[str, object]

_STATUS = "google.rpc.Status"
_DESCRIPTION = (
    "A part of a path that holds '/', or is '.' or '..', is written 'base64:' and its base64 in the URL's alphabet:"
    " the version feature/x is base64:ZmVhdHVyZS94. Nothing else may be written so."
)
_WELL_KNOWN: Mapping[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}},
    "google.protobuf.BoolValue": {"type": "boolean"},
    "google.protobuf.Int32Value": {"type": "integer", "format": "int32"},
    "google.protobuf.UInt32Value": {"type": "integer", "format": "int64", "minimum": 0},
    "google.protobuf.StringValue": {"type": "string"},
    "google.protobuf.DoubleValue": {"type": "number", "format": "double"},
}
_SCALARS: Mapping[int, Json] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
}
_REFUSALS = sorted(
    {HTTP_STATUS[code] for code in Code if code not in {Code.OK, Code.UNKNOWN, Code.CANCELLED, Code.DATA_LOSS}}
)


def page(_request: HttpRequest) -> ApiResponse:
    """GET /api/v1/openapi."""
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": _text()}


@cache
def _text() -> str:
    return json.dumps(document(), separators=(",", ":"))


def document() -> Json:
    """Return the whole document: every route, every message that one of them takes or gives."""
    schemas: dict[str, Json] = {_STATUS: _status()}
    paths: dict[str, dict[str, Json]] = {}
    for number, route in enumerate(ROUTES):
        path = paths.setdefault(_named(route.template), {})
        path[route.method.lower()] = _operation(route, number, schemas)
    return {
        "openapi": "3.0.3",
        "info": {"title": "FlyteAdmin", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(route: Route, number: int, schemas: dict[str, Json]) -> Json:
    # upb's descriptors have a stub of their own.
    request = cast("Descriptor", route.request_type().DESCRIPTOR)
    response = cast("Descriptor", route.response_type().DESCRIPTOR)
    bound = [part[1:-1] for part in route.segments() if part.startswith("{")]
    parameters = [_parameter(request, name, "path") | {"name": _named(name)} for name in bound]
    operation: dict[str, object] = {
        "operationId": f"{route.rpc}{number}",
        "tags": [route.service],
        "parameters": parameters,
        "responses": _responses(_message(response, schemas)),
    }
    if route.body:
        content = {"application/json": {"schema": _message(request, schemas)}}
        operation["requestBody"] = {"required": True, "content": content}
    else:
        parameters += [_parameter(request, name, "query") for name in _query_names(request) if name not in bound]
    return operation


def _named(path: str) -> str:
    """Names in a path without dots, which tools take for members of an object."""
    return path.replace(".", "_")


def _responses(schema: Json) -> Json:
    refused = {"$ref": f"#/components/schemas/{_STATUS}"}
    responses: dict[str, Json] = {
        "200": {"description": "the answer", "content": {"application/json": {"schema": schema}}},
        "303": {"description": "where an answer lies that is too large for a function"},
    }
    for status in _REFUSALS:
        responses[str(status)] = {
            "description": "refused, and why",
            "content": {"application/json": {"schema": refused}},
        }
    return responses


def _parameter(message: Descriptor, path: str, place: str) -> dict[str, object]:
    field = None
    for name in path.split("."):
        field = message.fields_by_name[name]
        message = field.message_type or message
    assert field is not None
    schema = _value(field, {})
    if field.is_repeated:
        schema = {"type": "array", "items": schema}
    return {"name": path, "in": place, "required": place == "path", "schema": schema}


def _query_names(message: Descriptor, prefix: str = "") -> Iterator[str]:
    """Scalars, one message deep: as far as any query of Flyte's clients goes."""
    for field in message.fields:
        if field.message_type is None or field.message_type.full_name in _WELL_KNOWN:
            yield f"{prefix}{field.name}"
        elif not prefix and not field.is_repeated:
            yield from _query_names(field.message_type, f"{field.name}.")


def _message(message: Descriptor, schemas: dict[str, Json]) -> Json:
    if message.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[message.full_name]
    if message.full_name not in schemas:
        properties: dict[str, Json] = {}
        schemas[message.full_name] = {"type": "object", "properties": properties}
        for field in message.fields:
            properties[field.name] = _field(field, schemas)
    return {"$ref": f"#/components/schemas/{message.full_name}"}


def _field(field: FieldDescriptor, schemas: dict[str, Json]) -> Json:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _value(entry.fields_by_name["value"], schemas)}
    value = _value(field, schemas)
    if field.is_repeated:
        return {"type": "array", "items": value}
    return {"allOf": [value], "nullable": True} if entry is not None else value


def _value(field: FieldDescriptor, schemas: dict[str, Json]) -> Json:
    if field.message_type is not None:
        return _message(field.message_type, schemas)
    if field.enum_type is not None:
        return _enum(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "format": "byte"}
    return _SCALARS[field.cpp_type]


def _enum(enum: EnumDescriptor) -> Json:
    return {"type": "string", "enum": [value.name for value in enum.values]}


def _status() -> Json:
    detail = _WELL_KNOWN["google.protobuf.Any"]
    properties = {
        "code": {"type": "integer", "format": "int32"},
        "message": {"type": "string"},
        "details": {"type": "array", "items": detail},
    }
    return {"type": "object", "properties": properties}
