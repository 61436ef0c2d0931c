"""Templates are rendered for one project and domain; a value changes scalars alone."""

import pytest

from flyteadmin.templates.rendering import RenderingRefused, Template, digest, render
from flyteadmin.templates.values import Place, Source

PLACE = Place("flytesnacks", "development", "flytesnacks-development")
NAMESPACE = Template("aa_namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {{ namespace }}\n")
QUOTA = Template(
    "ab_quota.yaml",
    "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: project-quota\n  namespace: {{ namespace }}\n"
    "spec:\n  hard:\n    limits.cpu: {{ projectQuotaCpu }}\n    limits.memory: {{ projectQuotaMemory }}\n",
)
VALUES = {"projectQuotaCpu": "5", "projectQuotaMemory": "4000Mi"}


def refused(*templates: str, **values: str) -> str:
    files = [Template(f"{number}.yaml", text) for number, text in enumerate(templates)]
    with pytest.raises(RenderingRefused) as error:
        render(files, values, PLACE)
    return str(error.value)


def object_with(spec: str, kind: str = "ConfigMap", api_version: str = "v1") -> str:
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n{spec}\n"


def test_the_chart_s_templates_are_rendered_in_the_order_of_their_names() -> None:
    first, second = render([QUOTA, NAMESPACE], VALUES, PLACE)
    assert first.manifest == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE.namespace}}
    assert first.is_namespace
    assert second.manifest["spec"] == {"hard": {"limits.cpu": 5, "limits.memory": "4000Mi"}}
    assert (second.file, second.identity) == ("ab_quota.yaml", "ResourceQuota/project-quota")


def test_an_object_without_a_namespace_lies_in_the_project_domain_s() -> None:
    [found] = render([Template("a.yaml", object_with("data: {a: b}"))], {}, PLACE)
    assert found.manifest["metadata"] == {"name": "a", "namespace": PLACE.namespace}


def test_several_documents_are_several_objects() -> None:
    text = f"---\n{object_with('data: {a: b}')}---\n---\n{object_with('data: {}', 'Secret')}"
    assert [each.kind for each in render([Template("a.yaml", text)], {}, PLACE)] == ["ConfigMap", "Secret"]


def test_a_date_is_text_as_in_kubernetes() -> None:
    [found] = render([Template("a.yaml", object_with("data: {since: {{ when }}}"))], {"when": "2026-01-01"}, PLACE)
    assert found.manifest["data"] == {"since": "2026-01-01"}


@pytest.mark.parametrize("name", ["project", "domain", "namespace"])
def test_a_variable_of_the_system_is_not_set(name: str) -> None:
    assert refused(NAMESPACE.text, **{name: "kube-system"}) == f"{name} is a variable of the system and can't be set"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c"])
def test_a_value_has_one_line(end: str) -> None:
    why = refused(QUOTA.text, projectQuotaCpu=f"5{end}    pods: 1000", projectQuotaMemory="1")
    assert why.startswith("the value of projectQuotaCpu has more than one line")
    assert "1000" not in why


@pytest.mark.parametrize("value", ["---", " --- {a: b}", "...", "--- !!map"])
def test_a_value_begins_no_document(value: str) -> None:
    assert "would begin or end a YAML document" in refused(QUOTA.text, projectQuotaCpu=value, projectQuotaMemory="1")


@pytest.mark.parametrize(
    "value",
    ["{a: b}", "[1, 2]", "a: b", "{a: b", "!!set {a}", "!!omap [a: b]", "*memory", "&x {a: b}", "? a", "- a", '"', "@"],
)
def test_a_value_keeps_the_structure(value: str) -> None:
    text = object_with("spec:\n  memory: &memory {a: b}\n  cpu: {{ cpu }}")
    why = refused(text, cpu=value)
    assert why.startswith("0.yaml: a value changes the structure")
    assert value not in why or len(value) == 1


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ('data: {a: "{{ v }}"}', 'x", "b": "y'),
        ("data: {a: {{ v }}}", "x, b: y"),
        ("data: {a: {{ v }}}", "x}, other: {b: y"),
        ("data:\n  {{ v }}: x", "b"),
        ("data: [{{ v }}]", "a, b"),
        ("data: {a: '{{ v }}'}", "x', b: 'y"),
    ],
)
def test_a_value_leaves_its_quotes_and_its_place(spec: str, value: str) -> None:
    assert "a value changes the structure" in refused(object_with(spec), v=value)


@pytest.mark.parametrize(
    ("spec", "value", "found"),
    [
        ("data: {a: {{ v }}}", "5", 5),
        ("data: {a: {{ v }}}", "true", True),
        ("data: {a: {{ v }}}", "-0x1F", -31),
        ("data: {a: {{ v }}}", "1e3", 1000.0),
        ("data: {a: {{ v }}}", "0.5", 0.5),
        ("data: {a: {{ v }}}", "2026-12-01", "2026-12-01"),
        ("data: {a: '12:30', b: {{ v }}}", "12:30:00", "12:30:00"),
        ("data: {a: '{{ v }}'}", "a: b", "a: b"),
        ("data: {a: '{{ v }}'}", "{a: b}", "{a: b}"),
        ("data: {a: '{{ v }}'}", "{{ project }}", "{{ project }}"),
        ("data: {a: {{ v }}}", "x # y", None),
    ],
)
def test_a_scalar_is_the_value_s_to_choose(spec: str, value: str, found: object) -> None:
    if found is None:
        assert "a value changes the structure" in refused(object_with(spec), v=value)
        return
    [rendered] = render([Template("a.yaml", object_with(spec))], {"v": value}, PLACE)
    data = rendered.manifest["data"]
    assert isinstance(data, dict)
    assert (list(data.values())[-1], type(list(data.values())[-1])) == (found, type(found))


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}", "a Namespace is that of its project"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: {{ other }}}", "a Namespace is that of its project"),
        ("apiVersion: v1\nkind: Role\nmetadata: {name: a, namespace: {{ other }}}", "a Role lies in another namespace"),
        ("apiVersion: v1\nkind: Role\nmetadata: {name: a, namespace: }", "a Role lies in another namespace"),
        ("apiVersion: v1\nkind: {{ other }}\nmetadata: {name: a}", "an object has its kind written out"),
        ("apiVersion: {{ other }}\nkind: Role\nmetadata: {name: a}", "an object has its apiVersion written out"),
        ("apiVersion: v1\nkind: Role\nmetadata: {}", "an object has a name in its metadata"),
        ("kind: Role\nmetadata: {name: a}", "an object has its apiVersion written out"),
        ("- a", "an object has apiVersion, kind and metadata"),
        ("a: {{ unknown }}", "no value is set for unknown"),
        ("a: [", "it is not YAML, line 1"),
        ("a: .nan", "it is not YAML: it can't be written as JSON"),
    ],
)
def test_a_template_is_refused(template: str, why: str) -> None:
    assert why in refused(template, other="flytesnacks-production")


@pytest.mark.parametrize("value", ["!!bool true", "&a x", "*a", "!own x"])
def test_a_value_brings_no_tag_anchor_or_alias(value: str) -> None:
    assert "a value changes the structure" in refused(object_with("data: {a: &a y, b: {{ v }}}"), v=value)


def test_aliases_in_a_value_that_would_repeat_each_other_are_refused_at_once() -> None:
    lists = ",".join(f"&{b} [{','.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefghij", "bcdefghijk", strict=True))
    value = f"[&a [1,1,1,1,1,1,1,1,1,1],{lists}]"  # ten thousand million ones
    assert "a value changes the structure" in refused(object_with("data: {a: {{ v }}}"), v=value)


def test_every_fault_is_told_and_nothing_is_rendered() -> None:
    why = refused(NAMESPACE.text, "a: [", "a: {{ unknown }}", domain="x", b="\n")
    assert why.count("; ") == 3


def test_the_digest_follows_all_that_decides() -> None:
    sources = {"a": Source("1"), "b": Source(secret_arn="arn:aws:secretsmanager:x")}
    base = digest([NAMESPACE], sources, PLACE)
    assert base == digest([NAMESPACE], dict(reversed(sources.items())), PLACE)
    others = [
        digest([Template(NAMESPACE.name, NAMESPACE.text + "#")], sources, PLACE),
        digest([NAMESPACE, QUOTA], sources, PLACE),
        digest([NAMESPACE], {**sources, "a": Source("2")}, PLACE),
        digest([NAMESPACE], {"a": Source("1")}, PLACE),
        digest([NAMESPACE], sources, Place("flytesnacks", "development", "other")),
    ]
    assert len({base, *others}) == 6


@pytest.mark.parametrize("value", ["!!bool x", "!!int ''", "!!float ''", "!!timestamp x"])
def test_a_value_that_does_not_fit_its_tag_is_refused(value: str) -> None:
    assert "0.yaml: a value changes the structure" in refused(object_with("data: {a: {{ v }}}"), v=value)


@pytest.mark.parametrize("name", [".", ".."])
def test_an_object_s_name_is_no_step_of_a_path(name: str) -> None:
    text = "apiVersion: v1\nkind: Role\nmetadata: {name: {{ v }}}"
    assert "neither . nor .." in refused(text, v=name)
