"""The form that all sections of `flyteadmin.yaml` have."""

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

SECTION = ConfigDict(
    frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", hide_input_in_errors=True
)
"""Frozen; keys in camel case as upstream writes them; keys that a section does not know are ignored.

What is wrong is logged by its place, without the value, which may be a secret.
"""
