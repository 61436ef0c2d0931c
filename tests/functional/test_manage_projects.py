"""Projects and domains through the real handler."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.admin.common_pb2 import Labels
from flyteidl.admin.project_pb2 import GetDomainsResponse, Project, ProjectRegisterRequest, Projects
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code
from flyteadmin.projects import listing, repository
from functions.manage_projects.handler import lambda_handler
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.builders import PROJECT

pytestmark = pytest.mark.usefixtures("aws")

CONFIGURED = PROJECT


def call(method: str, path: str, body: Message | None = None, query: Mapping[str, str] | None = None) -> Answer:
    headers = {"content-type": OCTETS, "accept": OCTETS}
    raw = body.SerializeToString() if body is not None else b""
    event = http_event(method, f"/api/v1/{path}", body=raw, query=query, headers=headers)
    return answer_of(lambda_handler(event, Context()))


def refusal(answer: Answer) -> tuple[Code, str]:
    status = answer.message(Status)
    return Code(status.code), status.message


def register(project: Project) -> Answer:
    return call("POST", "projects", ProjectRegisterRequest(project=project))


def update(project: Project) -> Answer:
    return call("PUT", f"projects/{project.id}", project)


def project(identifier: str) -> Project:
    answer = call("GET", f"projects/{identifier}")
    assert answer.status == 200, answer.message(Status)
    return answer.message(Project)


def listed(**query: str) -> Projects:
    answer = call("GET", "projects", query=query)
    assert answer.status == 200, answer.message(Status)
    return answer.message(Projects)


@pytest.mark.conformance("PRJ-08")
def test_a_registered_project_reads_with_all_configured_domains() -> None:
    made = Project(id="mine", name="Mine", description="All of it", labels=Labels(values={"team": "a"}))
    assert register(made).status == 200
    found = project("mine")
    assert [domain.id for domain in found.domains] == ["development", "staging", "production"]
    found.ClearField("domains")
    assert found == made


@pytest.mark.conformance("PRJ-08")
def test_an_unknown_project_is_not_found() -> None:
    assert refusal(call("GET", "projects/nobodys")) == (Code.NOT_FOUND, "project [nobodys] not found")


def test_a_project_of_the_configuration_is_there_from_the_start_and_an_update_gives_it_a_row() -> None:
    assert (project(CONFIGURED).name, project(CONFIGURED).state) == (CONFIGURED, Project.ACTIVE)
    assert refusal(register(Project(id=CONFIGURED, name="again")))[0] == Code.ALREADY_EXISTS
    described = f"{CONFIGURED} description"
    assert project(CONFIGURED).description == described
    assert [each.description for each in listed().projects if each.id == CONFIGURED] == [described]
    assert update(Project(id=CONFIGURED, name=CONFIGURED)).status == 200
    assert project(CONFIGURED).description == described
    assert update(Project(id=CONFIGURED, description="Ours")).status == 200
    assert (project(CONFIGURED).name, project(CONFIGURED).description) == (CONFIGURED, "Ours")
    assert [each.id for each in listed().projects] == [CONFIGURED]


@pytest.mark.conformance("PRJ-01", "PRJ-02")
def test_a_bad_registration_is_refused_by_field() -> None:
    assert refusal(register(Project(id="mine"))) == (Code.INVALID_ARGUMENT, "missing project_name")
    assert refusal(register(Project(id="Mine", name="Mine")))[1].startswith("invalid project id [Mine]")


@pytest.mark.conformance("PRJ-03")
def test_of_two_registrations_at_once_one_is_stored() -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(register, [Project(id="mine", name=f"Mine {n}") for n in range(8)]))
    stored = [n for n, answer in enumerate(answers) if answer.status == 200]
    assert [project("mine").name] == [f"Mine {n}" for n in stored]
    assert {refusal(answer)[0] for answer in answers if answer.status != 200} == {Code.ALREADY_EXISTS}


@pytest.mark.conformance("PRJ-04")
def test_an_unknown_project_can_not_be_updated() -> None:
    assert refusal(update(Project(id="nobodys"))) == (Code.NOT_FOUND, "project [nobodys] not found")


@pytest.mark.conformance("PRJ-05")
def test_what_an_update_leaves_empty_stays_but_the_state() -> None:
    register(Project(id="mine", name="Mine", description="All of it", labels=Labels(values={"team": "a"})))
    assert update(Project(id="mine", state=Project.ARCHIVED)).status == 200
    archived = project("mine")
    assert (archived.name, archived.description, dict(archived.labels.values)) == ("Mine", "All of it", {"team": "a"})
    assert archived.state == Project.ARCHIVED
    assert update(Project(id="mine", name="Ours", labels=Labels())).status == 200
    again = project("mine")
    assert (again.name, again.description, dict(again.labels.values)) == ("Ours", "All of it", {})
    assert again.state == Project.ACTIVE


def test_updates_at_once_lose_nothing() -> None:
    register(Project(id="mine", name="Mine"))
    changes = [
        Project(id="mine", name="Ours"),
        Project(id="mine", description="All"),
        Project(id="mine", labels=Labels(values={"a": "b"})),
    ]
    with ThreadPoolExecutor(3) as threads:
        assert [answer.status for answer in threads.map(update, changes)] == [200, 200, 200]
    found = project("mine")
    assert (found.name, found.description, dict(found.labels.values)) == ("Ours", "All", {"a": "b"})


@pytest.mark.conformance("PRJ-09")
def test_the_domains_are_the_configurations() -> None:
    answer = call("GET", "domains").message(GetDomainsResponse)
    assert [(domain.id, domain.name) for domain in answer.domains] == [
        ("development", "development"),
        ("staging", "staging"),
        ("production", "production"),
    ]


def test_projects_are_listed_by_identifier_without_the_archived() -> None:
    for identifier in ("zoo", "archive", "middle"):
        register(Project(id=identifier, name=identifier))
    update(Project(id="archive", state=Project.ARCHIVED))
    assert [each.id for each in listed().projects] == [CONFIGURED, "middle", "zoo"]
    assert listed().token == ""
    assert all(len(each.domains) == 3 for each in listed().projects)


def test_a_list_goes_page_by_page() -> None:
    for identifier in ("a", "b", "c", "d", "zoo"):
        register(Project(id=identifier, name=identifier))
    update(Project(id="b", state=Project.ARCHIVED))
    found: list[str] = []
    token = ""
    while True:
        page = listed(limit="2", token=token)
        found.extend(each.id for each in page.projects)
        token = page.token
        if not token:
            break
    assert found == ["a", "c", "d", CONFIGURED, "zoo"]
    assert [each.id for each in listed(limit="2", token="1").projects] == ["c", "d"]


@pytest.mark.conformance("LST-05", "LST-13", "LST-14")
@pytest.mark.parametrize("query", [{"filters": "eq(owner,a)"}, {"sort_by.key": "labels"}, {"token": "x"}])
def test_what_is_not_asked_rightly_is_refused_and_named(query: dict[str, str]) -> None:
    code, message = refusal(call("GET", "projects", query=query))
    assert code == Code.INVALID_ARGUMENT
    assert any(word in message for word in ("filter", "sort key", "token"))


def test_an_identifier_that_no_key_can_hold_is_refused() -> None:
    assert refusal(call("GET", f"projects/{'x' * 3000}"))[0] == Code.INVALID_ARGUMENT


def walked(**query: str) -> list[str]:
    """Return the identifiers of all pages."""
    found: list[str] = []
    token = ""
    while True:
        page = listed(**query, token=token)
        found.extend(each.id for each in page.projects)
        token = page.token
        if not token:
            return found


@pytest.mark.conformance("LST-30")
def test_pages_by_identifier_read_a_part_of_the_index_and_miss_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_EXAMINED", 4)
    monkeypatch.setattr(repository, "_AT_ONCE", 3)
    names = [f"{letter}{number}" for letter in "az" for number in range(8)]
    for name in names:
        register(Project(id=name, name=name))
    update(Project(id="a3", name="a3", state=Project.ARCHIVED))
    shown = sorted({*names, CONFIGURED} - {"a3"})

    descending = {"sort_by.key": "identifier", "sort_by.direction": "DESCENDING"}
    assert [walked(limit=limit) for limit in ("1", "5", "100")] == [shown] * 3
    assert walked(limit="3", **descending) == shown[::-1]
    assert walked(limit="2", filters="eq(identifier,z7)") == ["z7"]
    assert [each.id for each in listed(limit="2", token="3").projects] == shown[3:5]
    assert len(listed(limit="1").projects) == 1

    refused = call("GET", "projects", query={"sort_by.key": "created_at"})
    assert refusal(refused) == (
        Code.INVALID_ARGUMENT,
        "invalid sort key 'created_at': more than 4 projects are sorted by identifier only",
    )
