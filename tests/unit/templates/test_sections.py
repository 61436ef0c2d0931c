"""The section `cluster_resources`: values by variable, of the file, of a domain, of a project."""

import pytest

from flyteadmin.clients.configuration import parse
from flyteadmin.templates.values import Source

TEXT = """
cluster_resources:
  templatePath: /etc/flyte/clusterresource/templates
  templateData:
    gsa: {value: default}
    quota: {value: 5}
    password: {valueFrom: {secretArn: "arn:aws:secretsmanager:us-east-1:1:secret:p"}}
  customData:
    production: {quota: {value: 10}}
"""


def test_a_domain_s_value_counts_before_all_domains_and_an_attribute_before_both() -> None:
    configuration, unknown = parse(TEXT)
    section = configuration.cluster_resources
    password = Source(secret_arn="arn:aws:secretsmanager:us-east-1:1:secret:p")
    assert section.sources("staging", {}) == {
        "gsa": Source("default"),
        "quota": Source("5"),
        "password": password,
    }
    assert section.sources("production", {})["quota"] == Source("10")
    assert section.sources("production", {"quota": "20", "new": "x"}) == {
        "gsa": Source("default"),
        "quota": Source("20"),
        "password": password,
        "new": Source("x"),
    }
    assert unknown == ["cluster_resources.templatePath"]


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("templateData: {namespace: {value: kube-system}}", "'namespace' is a variable of the system"),
        ("customData: {production: {project: {value: a}}}", "'project' is a variable of the system"),
        ("templateData: {a: {valueFrom: {env: SHELL}}}", "a function can't read env"),
        ("templateData: {a: {valueFrom: {filePath: /etc/a}}}", "a function can't read filePath"),
        ("templateData: {a: {}}", "give a value, or its secret"),
        ("templateData: {a: {value: x, valueFrom: {secretArn: y}}}", "give a value, or its secret"),
    ],
)
def test_a_wrong_value_is_told(section: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(f"cluster_resources: {{{section}}}")


def test_maps_may_be_lists_of_maps_as_the_chart_writes_them() -> None:
    text = """
cluster_resources:
  customData:
  - production:
    - projectQuotaCpu: {value: "5"}
    - projectQuotaMemory: {value: 4000Mi}
  - staging:
    - projectQuotaCpu: {value: 2}
"""
    configuration, unknown = parse(text)
    section = configuration.cluster_resources
    expected = {"projectQuotaCpu": Source("5"), "projectQuotaMemory": Source("4000Mi")}
    assert section.sources("production", {}) == expected
    assert section.sources("staging", {}) == {"projectQuotaCpu": Source("2")}
    assert unknown == []
