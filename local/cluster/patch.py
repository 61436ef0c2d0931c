"""JSON merge patch (RFC 7396)."""

from pydantic import JsonValue


def merged(target: JsonValue, patch: JsonValue) -> JsonValue:
    """Return the target with the patch applied; null removes a key, a list replaces the whole list."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
