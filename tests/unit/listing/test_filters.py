"""The filter grammar, against upstream's own regular expression and tables restated here."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flyteadmin.durations import parse_duration
from flyteadmin.errors import InvalidArgument
from flyteadmin.listing.columns import JOINED, PREFIXES, UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.filters import MAX_EXPRESSIONS, Filter, Function, parse_filters, split

UPSTREAM = re.compile(r"(.+)\((.+),[\t\n\f\r ]?(.+)\)")
"""flyteadmin's filterRegex; Go's `\\s` is ASCII, and lacks the vertical tab that Python's has."""

FUNCTIONS = ["contains", "not_like", "gt", "gte", "lt", "lte", "eq", "ne", "value_in", "value_not_in"]


@dataclass(frozen=True)
class Refused:
    """Upstream's INVALID_ARGUMENT, by how it begins."""

    begins: str


def upstream(text: str, listed: Entity) -> list[tuple[str, str, str, tuple[str | int, ...]]] | Refused:
    """ParseFilters of manager/impl/util/filters.go, and NewInlineFilter of common/filters.go."""
    parsed = []
    for expression in text.split("+"):
        match = UPSTREAM.search(expression)
        if match is None:
            return Refused("invalid value for filters")
        function, field, value = match.groups()
        entity = str(listed)
        for prefix, code in PREFIXES.items():
            if field.startswith(f"{prefix}."):
                entity, field = str(code), field[len(prefix) + 1 :]
                break
        if entity not in JOINED[listed]:
            return Refused(f"'{entity}' entity is not allowed in filters")
        if field not in UPSTREAM_COLUMNS[Entity(entity)]:
            return Refused(f"'{entity}.{field[:100]}' is invalid filter")
        values: tuple[str | int, ...] = tuple(value.split(";"))
        if field == "duration":
            try:
                values = tuple(go_duration(each) for each in value.split(";"))
            except ValueError:
                return Refused("Failed to parse duration")
        if function not in FUNCTIONS:
            return Refused("unrecognized filter function")
        parsed.append((*customized(entity, field), function, values))
    return parsed


def customized(entity: str, field: str) -> tuple[str, str]:
    if entity in {"e", "ne", "te", "s"} and field in {"project", "domain", "name"}:
        return entity, f"execution_{field}"
    if entity == "nen" and field in {"description", "state"}:
        return "nem", field
    if entity == "at":
        return "et", "key" if field == "name" else field
    return entity, field


def go_duration(text: str) -> int:
    if re.fullmatch(r"[+-]?(\d{1,30}\.?\d{0,30}|\.\d{1,30})", text, re.ASCII):
        whole, _, fraction = text.lstrip("+-").partition(".")
        nanoseconds = int(whole or "0") * 10**9 + int(fraction[:9].ljust(9, "0"))
        return -nanoseconds if text.startswith("-") else nanoseconds
    return parse_duration(text)


def ours(text: str, listed: Entity) -> list[tuple[str, str, str, tuple[str | int, ...]]] | Refused:
    try:
        parsed = parse_filters(text, listed)
    except InvalidArgument as error:
        return Refused(error.message)
    return [(str(each.entity), each.field, str(each.function), each.values) for each in parsed]


def assert_same(text: str, listed: Entity) -> None:
    wanted, found = upstream(text, listed), ours(text, listed)
    if isinstance(wanted, Refused):
        assert isinstance(found, Refused), (text, found)
        assert found.begins.startswith(wanted.begins)
    else:
        assert found == wanted


any_listed = st.sampled_from(sorted(JOINED))
fields = st.sampled_from(sorted({*PREFIXES} | {name for columns in UPSTREAM_COLUMNS.values() for name in columns}))
functions = st.sampled_from([*FUNCTIONS, "eQ", "", "value_in "])
paths = st.one_of(fields, st.tuples(fields, fields).map(".".join), st.text("abc_.", max_size=4))
values = st.one_of(st.text(" ;%_\\0123456789hms.-:TZab", max_size=8), st.sampled_from(["3600", "1h30m", "-.5", "x;y"]))
expressions = st.builds("{}({},{}{})".format, functions, paths, st.sampled_from(["", " ", "  ", "\n", "\v"]), values)
soup = st.text("eqa_(,) ;+\n\r\v\x85.)(,", max_size=24)
filters = st.one_of(
    soup, st.lists(st.one_of(expressions, soup), min_size=1, max_size=4).map("+".join), st.text(max_size=20)
).filter(bool)


@pytest.mark.conformance("LST-01", "LST-02", "LST-03", "LST-04", "LST-05")
@settings(max_examples=3000)
@given(filters, any_listed)
@example("(,)", Entity.TASK)
@example("eq(name,a)\neq(version,\nb)", Entity.TASK)
@example("eq(eq(name,a),b)", Entity.TASK)
@example("eq(name, )", Entity.TASK)
def test_any_text_is_the_tree_that_upstream_makes_of_it_or_invalid(text: str, listed: Entity) -> None:
    assert_same(text, listed)


@settings(max_examples=1000)
@given(st.text("a(,) \n", max_size=40))
def test_what_is_split_is_what_the_regular_expression_matches(text: str) -> None:
    match = UPSTREAM.search(text)
    assert split(text) == (match.groups() if match else None)


def test_the_generator_reaches_both_ends() -> None:
    found = [upstream(text, listed) for text, listed in SAMPLES]
    assert {type(each) for each in found} == {list, Refused}


SAMPLES = [
    ("eq(version,v1)", Entity.TASK),
    ("eq(version, v1)+contains(name,core)", Entity.WORKFLOW),
    ("value_in(phase,SUCCEEDED;FAILED)", Entity.EXECUTION),
    ("eq(launch_plan.name,nightly)+eq(workflow.version,v1)", Entity.EXECUTION),
    ("eq(admin_tag.name,team)", Entity.EXECUTION),
    ("eq(name,x)", Entity.EXECUTION),
    ("eq(name,x)", Entity.TASK_EXECUTION),
    ("eq(state,0)", Entity.NAMED_ENTITY),
    ("like(name,x)", Entity.TASK),
]


@pytest.mark.parametrize(("text", "listed"), SAMPLES)
def test_what_clients_send_means_what_upstream_understands(text: str, listed: Entity) -> None:
    assert_same(text, listed)


@pytest.mark.conformance("LST-01")
def test_expressions_join_with_plus_and_lists_with_semicolons() -> None:
    assert parse_filters("eq(name,a)+value_in(version, v1;v2)", Entity.TASK) == (
        Filter(Entity.TASK, Function.EQ, "name", ("a",)),
        Filter(Entity.TASK, Function.VALUE_IN, "version", ("v1", "v2")),
    )
    assert parse_filters("", Entity.TASK) == ()


@pytest.mark.conformance("LST-01")
@pytest.mark.parametrize("text", ["name=a", "eq(name)", "eq(name,)", "eq(name,a", "+", "eq(name,a)+", "(name,a)"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    expression = text.rsplit("+", maxsplit=1)[-1]
    assert ours(text, Entity.TASK) == Refused(
        f"invalid value for filters: expected function(field,value), joined by '+', not {expression!r}"
    )


@pytest.mark.conformance("LST-02")
def test_an_unknown_function_is_refused_by_name() -> None:
    assert ours("like(name,a)", Entity.TASK) == Refused("unrecognized filter function: like")


@pytest.mark.conformance("LST-04")
@pytest.mark.parametrize("listed", sorted(JOINED))
def test_only_joined_entities_may_be_named(listed: Entity) -> None:
    allowed = {
        Entity.EXECUTION: {"execution", "launch_plan", "workflow", "task", "admin_tag", "execution_tag"},
        Entity.LAUNCH_PLAN: {"launch_plan", "workflow"},
        Entity.NODE_EXECUTION: {"node_execution", "execution"},
        Entity.TASK_EXECUTION: {"task_execution", "task", "execution", "node_execution"},
        Entity.NAMED_ENTITY: {"entities", "named_entity_metadata"},
        Entity.TASK: {"task"},
        Entity.WORKFLOW: {"workflow"},
        Entity.PROJECT: {"project"},
        Entity.SIGNAL: {"signal"},
    }[listed]
    for prefix, entity in PREFIXES.items():
        found = ours(f"eq({prefix}.nothing,a)", listed)
        wanted = f"'{entity}.nothing' is invalid filter" if prefix in allowed else f"'{entity}' entity is not allowed"
        assert isinstance(found, Refused)
        assert found.begins.startswith(wanted)


@pytest.mark.conformance("LST-05", "LST-06")
def test_only_columns_may_be_named() -> None:
    assert ours("eq(user,a)", Entity.TASK) == Refused("'t.user' is invalid filter")
    for field in ("project", "domain", "name"):
        assert ours(f"eq({field},a)", Entity.EXECUTION) == Refused(f"'e.{field}' is invalid filter")
    assert not isinstance(ours("eq(execution_name,a)", Entity.EXECUTION), Refused)


@pytest.mark.conformance("LST-06")
def test_an_executions_columns_are_upstreams() -> None:
    assert UPSTREAM_COLUMNS[Entity.EXECUTION] == {
        "id",
        "created_at",
        "updated_at",
        "deleted_at",
        "execution_project",
        "execution_domain",
        "execution_name",
        "launch_plan_id",
        "workflow_id",
        "task_id",
        "phase",
        "closure",
        "spec",
        "started_at",
        "execution_created_at",
        "execution_updated_at",
        "duration",
        "abort_cause",
        "mode",
        "source_execution_id",
        "parent_node_execution_id",
        "cluster",
        "inputs_uri",
        "user_inputs_uri",
        "error_kind",
        "error_code",
        "user",
        "state",
        "launch_entity",
    }


@pytest.mark.conformance("LST-08")
@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("90", 90 * 10**9),
        ("0.5", 5 * 10**8),
        ("1h30m", 5400 * 10**9),
        ("-2s", -2 * 10**9),
        ("9999999", 9999999 * 10**9),
    ],
)
def test_a_duration_is_seconds_or_as_go_writes_it(text: str, nanoseconds: int) -> None:
    (found,) = parse_filters(f"gte(duration,{text})", Entity.EXECUTION)
    assert found.values == (nanoseconds,)


@pytest.mark.conformance("LST-08")
@pytest.mark.parametrize("text", ["soon", "1 h", "1e3", "NaN", "\u0661"])
def test_no_duration_is_refused(text: str) -> None:
    assert ours(f"eq(duration,{text})", Entity.EXECUTION) == Refused(
        f"Failed to parse duration [{text}]: expected seconds, or e.g. 1h30m"
    )


def test_a_request_joins_so_many_expressions_and_no_more() -> None:
    assert len(parse_filters("+".join(["eq(name,a)"] * MAX_EXPRESSIONS), Entity.TASK)) == MAX_EXPRESSIONS
    assert isinstance(ours("+".join(["eq(name,a)"] * (MAX_EXPRESSIONS + 1)), Entity.TASK), Refused)


def test_a_hostile_expression_takes_linear_time() -> None:
    for hostile in ("(," * 100_000, "a(" * 100_000 + "b," * 100_000, "\n(," * 100_000):
        assert isinstance(ours(hostile, Entity.TASK), Refused)
