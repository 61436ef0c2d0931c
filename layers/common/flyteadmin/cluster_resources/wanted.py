"""Say what should be applied, by the configuration, the operator's templates and the projects' attributes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flyteidl.admin.matchable_resource_pb2 import MatchableResource
from flyteidl.admin.project_pb2 import Project

from flyteadmin.attributes import repository as attributes_repository
from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.clients import configuration
from flyteadmin.cluster_resources import templates
from flyteadmin.clusters.targets import Cluster
from flyteadmin.namespaces import namespace
from flyteadmin.projects import repository as projects_repository
from flyteadmin.projects.models import ProjectRow
from flyteadmin.settings import Configuration, deployed_clusters
from flyteadmin.templates.rendering import Template, digest
from flyteadmin.templates.values import Place, Source


@dataclass(frozen=True)
class Wanted:
    """The content that a namespace should have: templates, the sources of their values, and the digest of both."""

    place: Place
    templates: Sequence[Template]
    sources: Mapping[str, Source]
    digest: str


@dataclass(frozen=True)
class Plan:
    """The part that is the same for all projects: the configuration and the templates as they are now."""

    configuration: Configuration
    templates: Sequence[Template]

    @property
    def clusters(self) -> list[Cluster]:
        """The clusters that get namespaces: those that get executions."""
        return [each for each in deployed_clusters(self.configuration).configured if each.enabled and each.name]

    @property
    def domains(self) -> list[str]:
        """The domains by their ids, as executions name them; upstream takes their display names here."""
        return [domain.id for domain in self.configuration.domains]

    def wanted(self, project: str, domain: str, attributes: MatchingAttributesRows) -> Wanted:
        """Return what a project's domain should have in each cluster."""
        name = namespace(self.configuration.namespace_mapping.template, project, domain)
        place = Place(project, domain, name)
        sources = self.configuration.cluster_resources.sources(domain, _values(attributes))
        return Wanted(place, self.templates, sources, digest(self.templates, sources, place))


def plan() -> Plan:
    """Read the configuration and the templates; errors as `configuration.current` and `templates.read`."""
    return Plan(configuration.current(), templates.read())


def active_projects(settings: Configuration, rows: Iterable[ProjectRow]) -> Iterator[str]:
    """Yield the projects that get namespaces: those stored or configured, without the archived (upstream's too)."""
    states = {row.project: int(row.state) for row in rows}
    for project in sorted({*states, *settings.projects}):
        if states.get(project, Project.ACTIVE) != Project.ARCHIVED:
            yield project


def is_active(settings: Configuration, project: str) -> bool:
    """Return whether one project gets namespaces; one consistent read."""
    row = projects_repository.read(project)
    return project in active_projects(settings, [row] if row is not None else [])


def attributes_of(project: str, domain: str) -> MatchingAttributesRows:
    """Read the attributes of a project's domain and of the project, consistently."""
    return attributes_repository.matching(project, domain)


def _values(attributes: MatchingAttributesRows) -> Mapping[str, str]:
    """Return the values of the most specific scope that sets any (upstream's precedence)."""
    found = attributes.most_specific(MatchableResource.CLUSTER_RESOURCE)
    return dict(found.cluster_resource_attributes.attributes) if found is not None else {}
