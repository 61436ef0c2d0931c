"""The deployed stack that a command works on, and how this process reaches it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.config import Config
from botocore.exceptions import ClientError

from flyteadmin import settings
from flyteadmin.clients import aws as clients
from flyteadmin.clients.aws import error_code
from flyteadmin_ops.failures import Refused

OUTPUTS = {
    "TABLE_PREFIX": "TablePrefix",
    "BUCKET": "Bucket",
    "EVENTS_QUEUE_URL": "EventsQueueUrl",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
}
"""Variables of `settings.Environment` that an output of template.yaml holds."""

_PATIENCE = Config(connect_timeout=1, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3})


class NotDeployed(Refused):
    """There is no stack of this name."""


@dataclass(frozen=True)
class Deployment:
    """A deployed stack: its name, and its outputs and parameters by their names in template.yaml."""

    stack: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def configuration_uri(self) -> str:
        """The s3:// URI of the operator's flyteadmin.yaml; "" where the stack has upstream's defaults."""
        key = self.parameters.get("ConfigurationKey", "")
        return f"s3://{self.outputs['Bucket']}/{key}" if key else ""


def use(*, region: str = "", profile: str = "", endpoint_url: str = "") -> None:
    """Set the region, the profile and the endpoint that every later call of this process goes by; "" leaves each."""
    given = {"AWS_DEFAULT_REGION": region, "AWS_PROFILE": profile, "AWS_ENDPOINT_URL": endpoint_url}
    os.environ |= {name: value for name, value in given.items() if value}
    clients.forget()


def find(stack: str) -> Deployment:
    """Find a deployed stack, and set this process's environment as template.yaml sets a function's.

    Raises:
        NotDeployed: it does not exist here.
        Refused: it has not our outputs.
        botocore.exceptions.ClientError, BotoCoreError: AWS does not tell, e.g. for want of credentials.
    """
    client = clients.session().client("cloudformation", config=_PATIENCE)
    try:
        [found] = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error_code(error) != "ValidationError":
            raise
        region = client.meta.region_name
        raise NotDeployed(f"stack {stack} does not exist in {region}; --stack and --region name another") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if missing := set(OUTPUTS.values()) - set(outputs):
        raise Refused(f"stack {stack} has no output {', '.join(sorted(missing))}; is it another project's?")
    parameters = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in found.get("Parameters", [])}
    deployment = Deployment(stack, outputs, parameters)
    os.environ |= {name: outputs[output] for name, output in OUTPUTS.items()}
    os.environ["CONFIGURATION_URI"] = deployment.configuration_uri
    os.environ["CLUSTER_NAME"] = parameters.get("ClusterName", "")
    settings.environment.cache_clear()
    return deployment
