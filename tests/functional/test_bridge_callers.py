"""Tests the callers of a bridge that other machines can reach: it signs for known ones only."""

import datetime
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from flyteidl.admin.event_pb2 import NodeExecutionEventRequest
from flyteidl.admin.project_pb2 import ProjectListRequest
from pydantic import ValidationError

from bridge import callers, service
from bridge.settings import Settings
from flyteadmin.errors import Code
from local.aws.data import DataAccount as Aws
from tests.builders import node_event, stored_execution
from tests.grpc_stack import Client, Gateway, bridge, client, gateway
from tests.issuer import Issuer, issuing

PROJECTS = ProjectListRequest(limit=1)
ANY = "0.0.0.0:0"
URL = "http://127.0.0.1:9"


@pytest.fixture
def api(aws: Aws) -> Iterator[Gateway]:
    with gateway() as state:
        yield state


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as state:
        yield state


def settings(api: Gateway, issuer: Issuer) -> Settings:
    return Settings(
        api_url=api.url, listen=ANY, token_issuer=issuer.url, token_audience="flyte", behind_tls=True, drain_seconds=1
    )


def test_a_caller_without_credentials_is_not_signed_for(api: Gateway, issuer: Issuer, aws: Aws) -> None:
    stored_execution()
    event = NodeExecutionEventRequest(event=node_event("RUNNING"))
    with client(settings(api, issuer)) as flyte:
        assert flyte.code("ListProjects", PROJECTS) is Code.UNAUTHENTICATED
        assert flyte.code("CreateNodeEvent", event) is Code.UNAUTHENTICATED
        assert flyte.code("GetPublicClientConfig", b"") is not Code.UNAUTHENTICATED  # how a client learns to log in
        [seen] = api.seen
        assert (seen.target, "authorization" in seen.headers) == ("/config/v1/flyte_client", False)
        assert flyte.code("CreateNodeEvent", event, authorization=issuer.token()) is Code.OK


def test_who_is_not_known_is_told_so_before_the_message_is_read(api: Gateway, issuer: Issuer) -> None:
    """Else anybody could make the bridge hold messages that never end."""
    never = threading.Event()

    def slowly() -> Iterator[bytes]:
        never.wait(30)
        yield b""

    with bridge(settings(api, issuer)) as address, grpc.insecure_channel(address) as channel:
        method: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(
            "/flyteidl.service.AdminService/CreateTask"
        )
        call = method.future(slowly(), timeout=10)
        assert call.code() is grpc.StatusCode.UNAUTHENTICATED
        never.set()


def test_a_token_makes_its_subject_the_principal(api: Gateway, issuer: Issuer) -> None:
    with client(settings(api, issuer)) as flyte:
        flyte.call("ListProjects", PROJECTS, flyte_authorization=issuer.token())
    [seen] = api.seen
    assert seen.headers["x-flyteadmin-principal"] == "ada"
    assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256")
    assert "x-flyteadmin-principal" in seen.headers["authorization"]  # signed, so nobody between can change it


def test_no_line_of_the_log_names_a_caller_or_holds_a_token(
    api: Gateway, issuer: Issuer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one that a refused call, a broken API or a fault of the bridge's own leaves."""
    good, bad = issuer.token(sub="ada@example.com"), issuer.token(sub="ada@example.com", aud="others")
    caplog.set_level("INFO")
    with client(settings(api, issuer)) as flyte:
        assert flyte.code("ListProjects", PROJECTS, authorization=good) is Code.OK
        assert flyte.code("ListProjects", PROJECTS, authorization=bad) is Code.UNAUTHENTICATED
        monkeypatch.setattr(service, "transcode", lambda *_: 1 / 0)
        assert flyte.code("ListProjects", PROJECTS, authorization=good) is Code.INTERNAL
    text = "".join(f"{vars(record)} {record.exc_text}" for record in caplog.records)
    assert "ZeroDivisionError" in text
    assert "ada" not in text
    assert good.partition(" ")[2] not in text


def test_tokens_that_are_not_good_enough(api: Gateway, issuer: Issuer) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    bad = [
        issuer.token(aud="others"),
        issuer.token(iss="http://elsewhere"),
        issuer.token(exp=1),
        issuer.token(exp=None),
        issuer.token(sub=None),
        issuer.token(sub=""),
        issuer.token(sub=" "),
        issuer.token(sub="arn:aws:iam::000000000000:user/data-scientist"),
        issuer.token(stranger),
        "Bearer " + jwt.encode({"sub": "ada"}, "", "none"),
        "Bearer nonsense",
        "Basic YTpi",
    ]
    with client(settings(api, issuer)) as flyte:
        assert {flyte.code("ListProjects", PROJECTS, authorization=token) for token in bad} == {Code.UNAUTHENTICATED}
    assert api.seen == []


def test_a_key_that_its_issuer_takes_back_is_not_trusted_for_long(
    api: Gateway, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "_TRUST_SECONDS", 1e-6)
    with client(settings(api, issuer)) as flyte:
        old = issuer.token()
        assert flyte.code("ListProjects", PROJECTS, authorization=old) is Code.OK
        issuer.key = rsa.generate_private_key(65537, 2048)
        assert flyte.code("ListProjects", PROJECTS, authorization=old) is Code.UNAUTHENTICATED
        assert flyte.code("ListProjects", PROJECTS, authorization=issuer.token()) is Code.OK


def test_an_issuer_that_does_not_answer_is_a_passing_fault(api: Gateway, issuer: Issuer) -> None:
    chosen = settings(api, issuer).model_copy(update={"token_issuer": "http://127.0.0.1:9"})
    with client(chosen) as flyte:
        assert flyte.code("ListProjects", PROJECTS, authorization=issuer.token()) is Code.UNAVAILABLE
        assert (
            flyte.code("CreateExecution", b"", authorization=issuer.token()) is Code.INTERNAL
        )  # propeller tries again


@pytest.mark.parametrize("changed", [{"issuer": "http://127.0.0.1:1"}, {"issuer": None}, {"jwks_uri": "http://idp/k"}])
def test_an_issuer_s_document_speaks_of_itself_and_of_keys_over_https(
    api: Gateway, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str | None]
) -> None:
    right = issuer.document

    def document(path: str) -> object:
        told = right(path)
        return {**told, **changed} if path.startswith("/.well-known") and isinstance(told, dict) else told

    monkeypatch.setattr(issuer, "document", document)
    with client(settings(api, issuer)) as flyte:
        assert flyte.code("ListProjects", PROJECTS, authorization=issuer.token()) is Code.UNAVAILABLE
    assert api.seen == []


def test_only_those_who_are_named_send_events(api: Gateway, issuer: Issuer, aws: Aws) -> None:
    stored_execution()
    event = NodeExecutionEventRequest(event=node_event("RUNNING"))
    named = settings(api, issuer).model_copy(update={"event_senders": ("propeller", "engine")})
    with client(named) as flyte:
        assert flyte.code("CreateNodeEvent", event, authorization=issuer.token()) is Code.PERMISSION_DENIED
        assert flyte.code("CreateNodeEvent", event, authorization=issuer.token(sub="propeller")) is Code.OK
        flyte.call("ListProjects", PROJECTS, authorization=issuer.token())
        flyte.call("ListProjects", PROJECTS, authorization=issuer.token(sub="propeller"), x_flyteadmin_engine="true")
    assert [seen.headers.get("x-flyteadmin-engine") for seen in api.seen] == [None, "true"]


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a directory."""

    directory: Path
    name: str = "authority"

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        authority_key, authority_name = self._self()
        signed = self._builder(name, authority_name, key.public_key()).sign(authority_key, hashes.SHA256())
        return self._write(name, signed, key)

    @property
    def certificate(self) -> Path:
        self._self()
        return self.directory / f"{self.name}.crt"

    def _self(self) -> tuple[ec.EllipticCurvePrivateKey, str]:
        path = self.directory / f"{self.name}.key"
        if path.exists():
            loaded = serialization.load_pem_private_key(path.read_bytes(), None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey)
            return loaded, self.name
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(self.name, self.name, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._write(self.name, builder.sign(key, hashes.SHA256()), key)
        return key, self.name

    def _builder(self, subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        )

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[Path, Path]:
        crt, pem = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        crt.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8
        pem.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return crt, pem


@contextmanager
def over_tls(address: str, authority: Path, mine: tuple[Path, Path] | None) -> Iterator[Client]:
    certificate, key = (mine[0].read_bytes(), mine[1].read_bytes()) if mine else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.read_bytes(), key, certificate)
    address = address.replace("0.0.0.0", "127.0.0.1")
    with grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "bridge")]) as channel:
        yield Client(channel)


def test_callers_with_certificates(api: Gateway, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("bridge")
    chosen = Settings(
        api_url=api.url,
        listen=ANY,
        tls_certificate=certificate,
        tls_key=key,
        client_authority=authority.certificate,
        drain_seconds=1,
    )
    with bridge(chosen) as address:
        with over_tls(address, authority.certificate, authority.issue("propeller")) as known:
            known.call("ListProjects", PROJECTS)
        assert api.seen[0].headers["x-flyteadmin-principal"] == "propeller"
        with over_tls(address, authority.certificate, authority.issue("system:masters")) as other:
            assert other.code("ListProjects", PROJECTS) is Code.UNAUTHENTICATED
        with over_tls(address, authority.certificate, None) as unknown:
            assert unknown.code("ListProjects", PROJECTS) is Code.UNAVAILABLE  # the handshake fails
    assert len(api.seen) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"listen": "0.0.0.0:8089"}, "callers would not be known"),
        ({"listen": "bridge.local:8089"}, "callers would not be known"),
        ({"listen": "[::]:8089"}, "callers would not be known"),
        ({"listen": ANY, "token_issuer": "https://i", "token_audience": "a"}, "plain text"),
        ({"token_issuer": "https://i"}, "set both or none"),
        ({"client_authority": "/x"}, "over TLS only"),
        ({"tls_key": "/x"}, "set both or none"),
        ({"api_url": "ftp://x"}, "expected https"),
        ({"api_url": "http://api.example"}, "in plain text; use https"),
        ({"api_url": "http://127.0.0.1.example"}, "in plain text; use https"),
        (
            {"token_issuer": "http://idp.example", "token_audience": "a"},
            "keys that verify tokens would travel in plain",
        ),
        ({"event_senders": "propeller"}, "callers have no name"),
    ],
)
def test_settings_that_would_leave_callers_unknown(given: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings.model_validate({"api_url": URL, **given})


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1"])
def test_loopback_addresses(listen: str) -> None:
    assert Settings(api_url=URL, listen=listen).is_loopback
