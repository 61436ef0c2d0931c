"""The findings of `check-config` about the clusters of a file."""

import pytest

from flyteadmin_ops.configuration import IN_AWS, Deployed, Finding, check
from flyteadmin_ops.files import File

EAST = "clusters:\n  clusterConfigs:\n  - name: east\n    enabled: true\n"


def errors(text: str, deployed: Deployed = IN_AWS) -> list[Finding]:
    return [each for each in check([File("", text.encode())], deployed) if each.kind == "error"]


@pytest.mark.parametrize(
    ("more", "key", "line", "message"),
    [
        ("", "endpoint", 3, "an enabled cluster needs one"),
        ("    endpoint: http://east\n", "endpoint", 5, "in plain text"),
        ("    endpoint: https://east\n    auth: {tokenPath: /token}\n", "auth.tokenPath", 6, "auth.secretArn"),
        ("    endpoint: https://east\n    auth: {certPath: /ca}\n", "auth.certPath", 6, "auth.certificateAuthority"),
        ("    inCluster: true\n", "inCluster", 5, "set endpoint, and auth.eks or auth.secretArn"),
    ],
)
def test_an_enabled_cluster_that_no_function_reaches_is_told_with_what_would_do(
    more: str, key: str, line: int, message: str
) -> None:
    [found] = errors(EAST + more)
    assert (found.path, found.line) == (f"clusters.clusterConfigs[0].{key}", line)
    assert message in found.message
    assert errors(EAST.replace("true", "false") + more) == []


def test_files_of_this_machine_are_for_the_local_stack() -> None:
    text = EAST + "    endpoint: http://east\n    auth: {type: file_path, tokenPath: /token, certPath: /ca}\n"
    assert len(errors(text)) == 3
    assert errors(text, Deployed(is_lambda=False)) == []


def test_the_stacks_own_cluster_is_one_of_the_file() -> None:
    text = "clusters: {clusterConfigs: [{name: orient, aliases: [east]}]}"
    assert errors(text, Deployed("east")) == []
    [found] = errors(text, Deployed("west"))
    assert found.message.startswith("one cluster must have the name or alias 'west'")


@pytest.mark.parametrize(
    ("auth", "key", "parameter"),
    [
        ("{secretArn: arn:s}", "secretArn", "ClusterSecretArns"),
        ("{eks: {roleArn: arn:r}}", "eks.roleArn", "ClusterRoleArns"),
    ],
)
def test_a_secret_or_a_role_that_the_functions_may_not_use_is_told(auth: str, key: str, parameter: str) -> None:
    text = EAST + f"    endpoint: https://east\n    auth: {auth}\n"
    [found] = errors(text, Deployed(secrets=frozenset(), roles=frozenset()))
    assert (found.path, found.line) == (f"clusters.clusterConfigs[0].auth.{key}", 6)
    assert parameter in found.message
    assert errors(text, Deployed(secrets=frozenset({"arn:s"}), roles=frozenset({"arn:r"}))) == []
    assert errors(text) == []


def test_helm_values_of_upstream_are_taken() -> None:
    """The example of the chart flyte-core, with clusters that are not enabled, and keys that have no meaning here."""
    text = """
clusters:
  labelClusterMap:
    team1: [{id: testcluster, weight: 1}]
    team2: [{id: testcluster2, weight: 0.5}, {id: testcluster, weight: 0.5}]
  clusterConfigs:
  - {name: testcluster, endpoint: testcluster_endpoint, auth: {type: file_path, tokenPath: /t, certPath: /c}}
  - {name: testcluster2, endpoint: testcluster2_endpoint, kubeClientConfig: {qps: 100, burst: 25, timeout: 30s}}
clusterPools: {clusterPoolAssignments: {development: {pool: p}}}
"""
    found = check([File("", text.encode())])
    assert [(each.kind, each.path) for each in found if each.kind != "accepted"] == [
        ("ignored", "clusters.clusterConfigs.auth.type"),
        ("ignored", "clusters.clusterConfigs.kubeClientConfig"),
    ]
