"""The form that all sections of `flyteadmin.yaml` have."""

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

SECTION = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")
"""Frozen; keys in camel case as upstream writes them; keys that a section does not know are ignored."""
