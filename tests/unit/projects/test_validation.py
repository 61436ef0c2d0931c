"""Projects, domains and labels, as upstream words what is wrong with them."""

import pytest
from flyteidl.admin.common_pb2 import Labels
from flyteidl.admin.project_pb2 import Domain, InactiveProject, Project, ProjectRegisterRequest

from flyteadmin.errors import InvalidArgument
from flyteadmin.projects.models import ProjectRow
from flyteadmin.projects.validation import validate_project, validate_project_and_domain, validate_registration
from flyteadmin.settings import Configuration

HERE = Configuration(projects=("configured",))


def row(state: Project.ProjectState) -> ProjectRow:
    return ProjectRow(project="mine", name="mine", state=int(state), created_at=1, updated_at=1)


@pytest.mark.conformance("CRE-06")
def test_an_unknown_project_is_an_invalid_argument_that_names_both() -> None:
    with pytest.raises(InvalidArgument, match=r"failed to validate that project \[mine\] and domain \[development\]"):
        validate_project_and_domain(None, "mine", "development", HERE)


def test_a_project_of_the_configuration_is_active_without_a_row() -> None:
    validate_project_and_domain(None, "configured", "development", HERE)


@pytest.mark.conformance("CRE-07", "PRJ-07")
@pytest.mark.parametrize("state", [Project.ARCHIVED, Project.SYSTEM_GENERATED, Project.SYSTEM_ARCHIVED])
def test_a_project_that_is_not_active_is_refused_with_the_detail_that_clients_key_on(
    state: Project.ProjectState,
) -> None:
    with pytest.raises(InvalidArgument, match=r"project \[mine\] is not active") as refused:
        validate_project_and_domain(row(state), "mine", "development", HERE)
    assert refused.value.details == (InactiveProject(id="mine"),)


@pytest.mark.conformance("CRE-08")
def test_a_domain_that_is_not_configured_is_unrecognized() -> None:
    with pytest.raises(InvalidArgument, match=r"domain \[nowhere\] is unrecognized by system"):
        validate_project_and_domain(row(Project.ACTIVE), "mine", "nowhere", HERE)


@pytest.mark.conformance("PRJ-01")
@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ProjectRegisterRequest(), "missing project"),
        (ProjectRegisterRequest(project=Project(name="Mine")), "missing project_id"),
        (ProjectRegisterRequest(project=Project(id="mine")), "missing project_name"),
    ],
)
def test_a_registration_needs_a_project_its_id_and_its_name(request_: ProjectRegisterRequest, message: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        validate_registration(request_)
    assert refused.value.message == message


@pytest.mark.parametrize("name", ["admin", "long-names", "propeller"])
def test_an_id_that_reads_as_a_prefix_of_the_bucket_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"invalid project id \[{name}\]"):
        validate_registration(ProjectRegisterRequest(project=Project(id=name, name="Mine")))
    with pytest.raises(ValueError, match=f"choose another id than '{name}'"):
        Configuration(projects=("mine", name))


@pytest.mark.conformance("PRJ-02")
@pytest.mark.parametrize(
    ("project", "message"),
    [
        (
            Project(id="Upper"),
            r"invalid project id \[Upper\]: \[a lowercase RFC 1123 label must consist of lower case alphanumeric"
            r" characters or '-', and must start and end with an alphanumeric character \(e.g. 'my-name',"
            r"  or '123-abc', regex used for validation is '\[a-z0-9\]\(\[-a-z0-9\]\*\[a-z0-9\]\)\?'\)\]",
        ),
        (Project(id="-dash"), "invalid project id"),
        (Project(id="a" * 64), "invalid project id"),
        (Project(id="with:colon"), "invalid project id"),
        (Project(id="mine", name="n" * 65), "project_name cannot exceed 64 characters"),
        (Project(id="mine", description="d" * 301), "project_description cannot exceed 300 characters"),
        (Project(id="mine", domains=[Domain(id="own")]), "Domains are currently only set system wide"),
        (Project(id="mine", labels=Labels(values={"-bad": "value"})), "invalid label key"),
    ],
)
def test_a_project_is_a_dns_label_with_short_texts_and_no_domains(project: Project, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        validate_project(project)


@pytest.mark.conformance("PRJ-02")
@pytest.mark.parametrize("name", ["a", "0", "flyte-snacks", "a" * 63])
def test_dns_labels_are_projects(name: str) -> None:
    validate_project(Project(id=name, name="n" * 64, description="d" * 300))
