"""The outputs of the example, fetched by FlyteRemote with the types of its code."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from flytekit.configuration import Config, DataConfig, PlatformConfig, S3Config
from flytekit.remote import FlyteRemote
from flytekit.types.file import FlyteFile

from local.stack import DOMAIN, PROJECT, ROOT, Stack


@dataclass(frozen=True)
class Outputs:
    """The data frame of the first task, and the two outputs of the workflow."""

    prices: pd.DataFrame
    average: Any  # examples.prices.Average: the example is a user's file and no module of this project
    page: str

    def shown(self) -> dict[str, str]:
        """Each by its name and type, in a line."""
        frame = f"{len(self.prices)} rows of {list(self.prices.columns)}"
        return {
            "o0: Average     ": repr(self.average),
            "o1: FlyteFile   ": repr(self.page),
            "n0.o0: DataFrame": frame,
        }


def outputs_of(stack: Stack, name: str) -> Outputs:
    """All that the execution of the example gave."""
    sys.path.insert(0, str(ROOT / "examples"))
    from prices import Average  # noqa: PLC0415  # found only now

    here = remote(stack)
    with here.remote_context():
        execution = here.sync(here.fetch_execution(name=name), sync_nodes=True)
        page = execution.outputs.get("o1", as_type=FlyteFile).download()
        return Outputs(
            prices=execution.node_executions["n0"].outputs.get("o0", as_type=pd.DataFrame),
            average=execution.outputs.get("o0", as_type=Average),
            page=Path(page).read_text(),
        )


def remote(stack: Stack) -> FlyteRemote:
    """FlyteRemote over the bridge, with the data scientist's way to S3."""
    caller = stack.data_scientist
    s3 = S3Config(endpoint=stack.endpoint.url, access_key_id=caller.access_key, secret_access_key=caller.secret_key)
    platform = PlatformConfig(endpoint=stack.bridge.address, insecure=True)
    config = Config(platform=platform, data_config=DataConfig(s3=s3))
    return FlyteRemote(config, default_project=PROJECT, default_domain=DOMAIN)
