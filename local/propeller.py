"""Writes what a real flytepropeller needs: its configuration, and a kubeconfig for the cluster.

docs/propeller.md says what came of it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.credentials import Credentials

from local.aws.client import REGION
from local.cluster.external import ExternalCluster
from local.cluster.process import RunningCluster

_CONFIGURATION, _KUBECONFIG = "propeller.yaml", "kubeconfig.yaml"


@contextmanager
def configured(
    folder: Path, cluster: RunningCluster | ExternalCluster, *, bridge: str, bucket: str, s3: str, caller: Credentials
) -> Iterator[Path]:
    """Write both into a folder until the end of the block, and give where the configuration is.

    `bridge` is HOST:PORT, `s3` the endpoint's URL, `caller` who may keep data there.
    """
    folder.mkdir(exist_ok=True)
    kubeconfig, configuration = folder / _KUBECONFIG, folder / _CONFIGURATION
    if isinstance(cluster, RunningCluster):
        _write(kubeconfig, cluster.kubeconfig())
    else:
        kubeconfig = Path(os.environ["KUBECONFIG"])
    _write(
        configuration,
        _TEMPLATE.format(kubeconfig=kubeconfig, bridge=bridge, bucket=bucket, s3=s3, caller=caller, region=REGION),
    )
    try:
        yield configuration
    finally:
        configuration.unlink()
        (folder / _KUBECONFIG).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    """Write what others on this machine need not read."""
    path.touch(mode=0o600)
    path.write_text(text)


_TEMPLATE = """\
propeller:
  kube-config: "{kubeconfig}"
  metadata-prefix: metadata/propeller
  rawoutput-prefix: s3://{bucket}/raw
  cluster-id: propeller
  limit-namespace: all
  workflow-reeval-duration: 2s
  downstream-eval-duration: 2s
  enable-admin-launcher: true
  admin-launcher: {{cache-resync-duration: 2s}}
  event-config: {{raw-output-policy: reference}}
  publish-k8s-events: false
tasks:
  task-plugins:
    enabled-plugins: [echo]
    default-for-task-types: {{echo: echo}}
plugins:
  echo: {{sleep-duration: 100ms}}
storage:
  type: stow
  container: {bucket}
  stow:
    kind: s3
    config:
      auth_type: accesskey
      access_key_id: "{caller.access_key}"
      secret_key: "{caller.secret_key}"
      region: {region}
      endpoint: "{s3}"
      disable_ssl: "true"
event: {{type: admin}}
admin: {{endpoint: "dns:///{bridge}", insecure: true}}
catalog-cache: {{type: noop}}
"""
