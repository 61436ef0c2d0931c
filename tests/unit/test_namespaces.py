"""Namespaces: one for each project and domain, by any template that the configuration takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.clients.configuration import parse
from flyteadmin.namespaces import namespace, validate_template
from flyteadmin.settings import Configuration

DEFAULT = "{{ project }}-{{ domain }}"
WORDS = st.text("ab-", min_size=1, max_size=4).filter(lambda word: not (word + word[0]).startswith("-"))


@pytest.mark.parametrize("template", ["flyte", "flyte-{{ domain }}", "{{ project }}", "{{project}}-{{domain}}"])
def test_a_template_without_both_words_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"lets projects share a namespace: name {{ project }} once, and {{ domain }}"):
        parse(f'namespace_mapping: {{template: "{template}"}}')


@pytest.mark.parametrize("template", [DEFAULT, "{{ domain }}-{{ project }}", "{{ project }}{{ domain }}"])
def test_domains_that_read_as_a_project_s_end_or_beginning_are_refused(template: str) -> None:
    """A project a-b in the domain c has the namespace of a project a in the domain b-c."""
    ends = "b-c" if template.index("project") < template.index("domain") else "c-b"
    with pytest.raises(ValueError, match=rf"one in the domain 'c' and one in '{ends}'"):
        validate_template(template, ["c", ends])


def test_the_domains_count_though_the_file_leaves_the_template_out() -> None:
    parse("domains: [{id: development, name: D}, {id: staging, name: S}]")
    with pytest.raises(
        ValueError, match=r"one in the domain 'production' and one in 'eu-production'.*; rename one of these domains"
    ):
        parse("domains: [{id: production, name: P}, {id: eu-production, name: E}]")


def test_the_defaults_are_taken() -> None:
    assert Configuration().namespace_mapping.template == DEFAULT


@given(
    template=st.sampled_from([DEFAULT, "{{ domain }}-{{ project }}", "x{{ domain }}y{{ project }}-{{ domain }}"]),
    pairs=st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=2, unique=True),
)
def test_no_two_share_a_namespace_under_a_template_that_is_taken(template: str, pairs: list[tuple[str, str]]) -> None:
    one, other = pairs
    try:
        validate_template(template, {one[1], other[1]})
    except ValueError:
        return
    assert namespace(template, *one) != namespace(template, *other)
