"""Authenticates callers of the bridge; it signs for known ones only (docs/architecture.md#security)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import grpc
import jwt

from bridge.settings import Settings, is_private
from flyteadmin.api.identity import validate_subject
from flyteadmin.errors import PermissionDenied, Unauthenticated, Unavailable

_TOKENS: Final = ("authorization", "flyte-authorization")
_BEARER = "bearer "
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_DISCOVERY_SECONDS = 5
_TRUST_SECONDS = 300.0


def token_of(metadata: Mapping[str, str]) -> str:
    """Return the caller's bearer token as it was sent, "Bearer …"; "" for none."""
    return next((metadata[name] for name in _TOKENS if metadata.get(name)), "")


class Tokens:
    """Verifies an OIDC issuer's tokens; its keys are fetched every five minutes, and for one that is unknown.

    A key that the issuer takes back is trusted for no longer than that. Unknown ones are asked for twice a minute at
    most, so that nobody can make the bridge ask for every call.
    """

    def __init__(self, issuer: str, audience: str) -> None:
        """Trust tokens of `issuer` for `audience`."""
        self._issuer = issuer
        self._audience = audience
        self._keys: jwt.PyJWKClient | None = None

    async def subject(self, token: str) -> str:
        """Return the subject of a token, "Bearer …".

        Raises:
            Unauthenticated: it is missing, expired, for others, or not the issuer's.
            Unavailable: the issuer's keys can't be fetched right now.
        """
        if not token.lower().startswith(_BEARER):
            raise Unauthenticated("no bearer token: send one as authorization or flyte-authorization")
        return await asyncio.to_thread(self._verified, token[len(_BEARER) :].strip())

    def _verified(self, token: str) -> str:
        try:
            key = self._key_source().get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable("the token issuer's keys can't be fetched right now, try again") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not valid: {type(error).__name__}") from error
        return str(claims["sub"])

    def _key_source(self) -> jwt.PyJWKClient:
        if self._keys is None:
            discovery = jwt.PyJWKClient(
                f"{self._issuer.rstrip('/')}/.well-known/openid-configuration",
                cache_jwk_set=False,
                timeout=_DISCOVERY_SECONDS,
            )
            document = discovery.fetch_data()
            named = document if isinstance(document, dict) else {}
            if named.get("issuer") != self._issuer:
                raise Unavailable("the token issuer's configuration is another issuer's: its `issuer` differs")
            uri = named.get("jwks_uri")
            if not isinstance(uri, str) or not is_private(uri):
                raise Unavailable("the token issuer's configuration names no jwks_uri that begins with https://")
            self._keys = jwt.PyJWKClient(uri, lifespan=_TRUST_SECONDS, timeout=_DISCOVERY_SECONDS)
        return self._keys


class Callers:
    """Tells callers apart, by the settings: everybody on a loopback address, else a certificate or a token."""

    def __init__(self, settings: Settings) -> None:
        """Know callers as `settings` say."""
        self._tokens = Tokens(settings.token_issuer, settings.token_audience) if settings.token_issuer else None
        self._is_open = settings.is_loopback
        self._event_senders = frozenset(settings.event_senders)

    async def principal(self, metadata: Mapping[str, str], certificate: Mapping[str, Iterable[bytes]]) -> str:
        """Return the token's subject, or the certificate's name; "" for a caller on this machine.

        Raises:
            Unauthenticated: the caller is not known.
            Unavailable: the token can't be verified right now.
        """
        names = [*certificate.get("x509_subject_alternative_name", ()), *certificate.get("x509_common_name", ())]
        if names:
            name = names[0].decode(errors="replace")
        elif self._tokens is not None:
            name = await self._tokens.subject(token_of(metadata))
        elif self._is_open:
            return ""
        else:
            raise Unauthenticated("the caller is not known")
        validate_subject(name)
        return name

    def is_engine(self, principal: str) -> bool:
        """Return whether a caller is named as propeller, which sends events and launches children."""
        return principal in self._event_senders

    def validate_event_sender(self, principal: str) -> None:
        """Check that a caller may send events.

        Raises:
            PermissionDenied: others are named for that.
        """
        if self._event_senders and not self.is_engine(principal):
            raise PermissionDenied(f"{principal[:100]!r} may not send events: BRIDGE_EVENT_SENDERS does not name it")


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """TLS, with callers' certificates demanded where an authority is named; None for plain text."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    authority = settings.client_authority.read_bytes() if settings.client_authority else None
    pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
