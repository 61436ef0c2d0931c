"""The configuration for a real flytepropeller leads to the stack's cluster, bridge and bucket."""

from pathlib import Path

import yaml
from botocore.credentials import Credentials
from kubernetes import config
from kubernetes.client import CustomObjectsApi

from local.cluster.process import running
from local.propeller import configured


def test_it_leads_to_the_cluster_the_bridge_and_the_bucket(tmp_path: Path) -> None:
    caller = Credentials("AKIA", "a/secret+with: signs")
    with (
        running(namespaces=("p-d",)) as cluster,
        configured(
            tmp_path, cluster, bridge="127.0.0.1:8089", bucket="bucket", s3="http://127.0.0.1:4566", caller=caller
        ) as written,
    ):
        assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
        settings = yaml.safe_load(written.read_text())
        with config.new_client_from_config(settings["propeller"]["kube-config"]) as client:
            listed = CustomObjectsApi(client).list_cluster_custom_object("flyte.lyft.com", "v1alpha1", "flyteworkflows")
        assert listed["items"] == []
        assert settings["propeller"]["rawoutput-prefix"] == "s3://bucket/raw"
        assert settings["admin"] == {"endpoint": "dns:///127.0.0.1:8089", "insecure": True}
        s3 = settings["storage"]["stow"]["config"]
        assert (s3["endpoint"], s3["access_key_id"]) == ("http://127.0.0.1:4566", "AKIA")
        assert s3["secret_key"] == "a/secret+with: signs"
    assert list(tmp_path.iterdir()) == []
