"""What an operator decides about a bridge: the variables BRIDGE_*, read here and nowhere else.

What admission needs (TABLE_PREFIX, BUCKET, EVENTS_QUEUE_URL) is read by `flyteadmin.settings`, as in a function.
"""

import os
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_PREFIX = "BRIDGE_"


class Settings(BaseModel):
    """The variables without their prefix, in lower case; one that is not set has its default."""

    model_config = ConfigDict(frozen=True)

    api_url: str = Field(description="where the API is, https://…, without a trailing /api")
    api_auth: Literal["iam", "bearer"] = Field("iam", description="sign with SigV4, or pass on the caller's own token")
    listen: str = Field("127.0.0.1:8089", description="host:port for gRPC; port 0 is any")
    patience_seconds: float = Field(60, gt=0, description="how long a call without a deadline may take")
    drain_seconds: float = Field(20, ge=0, description="how long calls may go on after SIGTERM")

    @field_validator("api_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is no URL: expected https://…")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if not self.is_loopback:
            raise ValueError(f"listen: {self.listen!r} is not a loopback address, and callers are not known yet")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine, or this pod, can reach the bridge."""
        return is_loopback(self.listen)


def is_loopback(address: str) -> bool:
    """Whether host:port is on this machine alone; a name other than localhost is not, since it may resolve to any."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process.

    Raises:
        pydantic.ValidationError: a variable is missing or wrong; the message names it and says what is expected.
    """
    names = {_PREFIX + name.upper(): name for name in Settings.model_fields}
    return Settings.model_validate({names[key]: value for key, value in os.environ.items() if key in names})
