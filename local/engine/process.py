"""Start the stand-in engine in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.cluster.external import ExternalCluster
from local.cluster.process import RunningCluster

_ROOT = Path(__file__).parents[2]
_END_SECONDS = 20


@contextmanager
def running(
    cluster: RunningCluster | ExternalCluster, bridge: str, bucket: str, environment: Mapping[str, str], folder: Path
) -> Iterator[None]:
    """Run what appears in a cluster until the end of the block.

    `environment` has the credentials for S3, which tasks get as well; its own log and the tasks' are in `folder`.
    TASK_PROGRAMS, if it is set, names the folder with the python and pyflyte-execute that tasks run with.
    """
    command = [sys.executable, "-m", "local.engine", "--bridge", bridge, "--bucket", bucket]
    command += ["--cluster", cluster.url, f"--token={cluster.token}"]
    command += ["--certificate-authority", str(cluster.authority), "--logs", str(folder / "logs")]
    if programs := os.environ.get("TASK_PROGRAMS"):
        command += ["--programs", programs]
    folder.mkdir(exist_ok=True)
    with (
        (folder / "engine.log").open("wb") as log,
        subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        ) as engine,
    ):
        try:
            yield
        finally:
            engine.terminate()
            try:
                engine.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                engine.kill()
