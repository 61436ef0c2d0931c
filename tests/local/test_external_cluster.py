"""`make up` with KUBECONFIG: a token in every form that a kubeconfig has."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cluster.external import external_cluster
from local.cluster.process import RunningCluster, running


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with running() as started:
        yield started


def kubeconfig(
    folder: Path, cluster: RunningCluster, user: dict[str, object], trust: dict[str, object] | None = None
) -> str:
    authority = {"server": cluster.url, **(trust or {"certificate-authority": str(cluster.authority)})}
    path = folder / "kubeconfig.yaml"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": authority}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return str(path)


def by_command(token: str) -> dict[str, object]:
    """A command that prints a token, as `aws eks update-kubeconfig` writes it."""
    version = "client.authentication.k8s.io/v1beta1"
    printed = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": {"token": token}})
    command = ["-c", f"print({printed!r})"]
    return {"exec": {"apiVersion": version, "command": sys.executable, "args": command, "interactiveMode": "Never"}}


@pytest.mark.parametrize("form", ["token", "tokenFile", "exec"])
def test_a_token_of_any_form_is_taken(
    form: str, cluster: RunningCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{cluster.token}\n")
    forms: dict[str, dict[str, object]] = {
        "token": {"token": cluster.token},
        "tokenFile": {"tokenFile": str(file)},
        "exec": by_command(cluster.token),
    }
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", kubeconfig(tmp_path, cluster, forms[form])
    )
    found = external_cluster()
    assert (found.url, found.token) == (cluster.url, cluster.token)
    assert found.authority_base64() == cluster.authority_base64()


@pytest.mark.parametrize("user", [{}, {"username": "u", "password": "p"}], ids=["nothing", "password"])
def test_what_is_no_token_is_said(
    user: dict[str, object], cluster: RunningCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfig(tmp_path, cluster, user)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", path)
    with pytest.raises(SystemExit, match="no bearer token"):
        external_cluster()


def test_a_cluster_without_an_authority_is_said(
    cluster: RunningCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust: dict[str, object] = {"insecure-skip-tls-verify": True}
    path = kubeconfig(tmp_path, cluster, {"token": cluster.token}, trust)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", path)
    with pytest.raises(SystemExit, match="certificate-authority"):
        external_cluster()
