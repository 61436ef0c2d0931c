"""The section `cluster_resources` of `flyteadmin.yaml`: the values of the templates' variables.

Source: flyteadmin runtime/interfaces/cluster_resource_configuration.go. `valueFrom.secretArn` is this project's own.
"""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, field_validator, model_validator

from flyteadmin.sections import SECTION
from flyteadmin.templates.values import SYSTEM, Source


class _Section(BaseModel):
    model_config = SECTION


class ValueFrom(_Section):
    """The place of a value: a secret. A function has none of the server's variables and files."""

    secret_arn: str = ""
    env: str = ""
    file_path: str = ""

    @model_validator(mode="after")
    def _is_a_secret(self) -> Self:
        if self.env or self.file_path:
            given = "env" if self.env else "filePath"
            raise ValueError(f"a function can't read {given}: put the value into a secret and name it in secretArn")
        return self


class DataSource(_Section):
    """A variable's value, or where it is."""

    value: str = ""
    value_from: ValueFrom = ValueFrom()

    @model_validator(mode="after")
    def _is_set(self) -> Self:
        if bool(self.value) == bool(self.value_from.secret_arn):
            raise ValueError("give a value, or its secret in valueFrom.secretArn")
        return self


class ClusterResources(_Section):
    """The `cluster_resources` section: values by variable, for all domains and for single ones, which count first."""

    template_data: dict[str, DataSource] = {}
    custom_data: dict[str, dict[str, DataSource]] = {}

    @field_validator("template_data")
    @classmethod
    def _leaves_the_system_its_own(cls, given: Mapping[str, DataSource]) -> Mapping[str, DataSource]:
        for name in sorted(SYSTEM & given.keys()):
            raise ValueError(f"{name!r} is a variable of the system and can't be set")
        return given

    @field_validator("custom_data")
    @classmethod
    def _leaves_it_in_every_domain(
        cls, given: Mapping[str, Mapping[str, DataSource]]
    ) -> Mapping[str, Mapping[str, DataSource]]:
        for name in sorted(SYSTEM.intersection(*[set().union(*given.values())])):
            raise ValueError(f"{name!r} is a variable of the system and can't be set")
        return given

    def sources(self, domain: str, attributes: Mapping[str, str]) -> dict[str, Source]:
        """Return where each variable of a domain has its value; `attributes` are those of its project."""
        configured = {**self.template_data, **self.custom_data.get(domain, {})}
        found = {name: Source(each.value, each.value_from.secret_arn) for name, each in configured.items()}
        return found | {name: Source(value) for name, value in attributes.items()}
