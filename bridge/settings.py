"""The settings of a bridge: the variables BRIDGE_*, read here and nowhere else.

What admission needs (TABLE_PREFIX, BUCKET, EVENTS_QUEUE_URL) is read by `flyteadmin.settings`, as in a function.
"""

import os
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

_PREFIX = "BRIDGE_"


def _names(value: object) -> object:
    return tuple(each.strip() for each in value.split(",") if each.strip()) if isinstance(value, str) else value


class Settings(BaseModel):
    """The variables without their prefix, in lower case; one that is not set has its default."""

    model_config = ConfigDict(frozen=True)

    api_url: str = Field(description="where the API is, https://…, without a trailing /api")
    api_auth: Literal["iam", "bearer"] = Field("iam", description="sign with SigV4, or pass on the caller's own token")
    listen: str = Field("127.0.0.1:8089", description="host:port for gRPC; port 0 is any")
    metrics_listen: str = Field("", description="host:port for /metrics and /healthz over HTTP; empty for none")
    tls_certificate: Path | None = Field(None, description="PEM; with tls_key it makes the port TLS")
    tls_key: Path | None = None
    client_authority: Path | None = Field(None, description="PEM; callers must show a certificate of this authority")
    token_issuer: str = Field("", description="OIDC issuer of callers' tokens, https://…")
    token_audience: str = Field("", description="what their `aud` must be")
    behind_tls: bool = Field(
        default=False, description="something before the bridge ends TLS, so tokens may arrive bare"
    )
    event_senders: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        (),
        description="token subjects or certificate names of propeller, with commas: they alone may send events, and"
        " launch children in their parent's name; empty: every caller may send events",
    )
    patience_seconds: float = Field(60, gt=0, description="how long a call without a deadline may take")
    arrival_seconds: float = Field(20, gt=0, description="how long a message may take to arrive, once it is its turn")
    drain_seconds: float = Field(20, ge=0, description="how long calls may go on after SIGTERM")

    @field_validator("api_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is no URL: expected https://…")
        if not is_private(url):
            raise ValueError(f"{url!r}: callers' tokens and signed requests would travel in plain text; use https://…")
        return url.rstrip("/")

    @field_validator("token_issuer")
    @classmethod
    def _is_private_issuer(cls, url: str) -> str:
        if url and not is_private(url):
            raise ValueError(f"{url!r}: the keys that verify tokens would travel in plain text; use https://…")
        return url

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key: set both or none")
        if self.client_authority and not self.tls_certificate:
            raise ValueError(
                "client_authority: callers show certificates over TLS only; set tls_certificate and tls_key"
            )
        if bool(self.token_issuer) != bool(self.token_audience):
            raise ValueError("token_issuer and token_audience: set both or none")
        if self.event_senders and not self.client_authority and not self.token_issuer:
            raise ValueError("event_senders: callers have no name; set client_authority, or token_issuer")
        if self.is_loopback:
            return self
        if not self.client_authority and not self.token_issuer:
            raise ValueError(
                f"listen: {self.listen!r} can be reached from elsewhere, and callers would not be known;"
                " set client_authority, or token_issuer and token_audience, or listen on 127.0.0.1"
            )
        if not self.tls_certificate and not self.behind_tls:
            raise ValueError("tls_certificate: tokens would travel in plain text; set it, or behind_tls")
        return self

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine, or this pod, can reach the bridge."""
        return is_loopback(self.listen)


def is_private(url: str) -> bool:
    """Return whether nobody between can read or change what a URL brings: it is https://, or on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(f"{parts.hostname}:0"))


def is_loopback(address: str) -> bool:
    """Return whether host:port is on this machine alone; a name other than localhost may resolve to any address."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process.

    Raises:
        pydantic.ValidationError: a variable is missing or wrong; the message names it and says what is expected.
    """
    names = {_PREFIX + name.upper(): name for name in Settings.model_fields}
    return Settings.model_validate({names[key]: value for key, value in os.environ.items() if key in names})
