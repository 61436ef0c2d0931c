"""A page that is too large in JSON is served shorter, and what is too large alone by its identifier."""

import pytest
from flyteidl.admin.common_pb2 import ObjectGetRequest, ResourceListRequest
from flyteidl.admin.task_pb2 import Task, TaskList

from flyteadmin.api import answers
from flyteadmin.api.answers import serve_within_bounds
from flyteadmin.api.codec import Form
from flyteadmin.errors import ResourceExhausted


def task(number: int, args: int) -> Task:
    made = Task(short_description="x")
    made.id.name = str(number)
    made.closure.compiled_task.template.container.args.extend(["x"] * args)
    return made


def served(tasks: list[Task], form: Form, limit: int = 10) -> TaskList:
    def serve(request: ResourceListRequest) -> TaskList:
        page = tasks[: request.limit]
        return TaskList(tasks=page, token=str(len(page)) if len(page) < len(tasks) else "")

    answer = serve_within_bounds(serve, ResourceListRequest(limit=limit), form)
    assert isinstance(answer, TaskList)
    return answer


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_JSON_BYTES", 10_000)
    monkeypatch.setattr(answers, "_SURELY_SMALL_BYTES", 100)


def test_a_page_ends_where_its_json_would_be_too_large() -> None:
    page = served([task(number, 1000) for number in range(4)], Form.SNAKE_JSON)
    assert ([each.id.name for each in page.tasks], page.token) == (["0", "1"], "2")
    assert len(served([task(number, 1000) for number in range(4)], Form.BINARY).tasks) == 4
    assert len(served([task(number, 100) for number in range(4)], Form.CAMEL_JSON).tasks) == 4


def test_what_is_too_large_alone_is_listed_by_its_identifier() -> None:
    page = served([task(0, 9000), task(1, 1)], Form.SNAKE_JSON)
    assert (list(page.tasks), page.token) == ([Task(id=task(0, 0).id, short_description="x")], "1")


def test_what_is_no_list_is_refused_in_words() -> None:
    with pytest.raises(ResourceExhausted, match="ask for it as application/octet-stream"):
        serve_within_bounds(lambda _request: task(0, 9000), ObjectGetRequest(), Form.SNAKE_JSON)


def test_stored_times_that_no_client_reads_are_left_out_of_binary_answers() -> None:
    stored = task(0, 1)
    stored.closure.created_at.seconds = 10**14
    [shown] = served([stored], Form.BINARY).tasks
    assert not shown.closure.HasField("created_at")
