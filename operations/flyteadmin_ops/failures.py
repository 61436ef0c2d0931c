"""Errors as one line that tells an operator what to do; pure."""

import json
import re

from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

from flyteadmin.clients.attributes import visible
from flyteadmin.clients.aws import PASSING_FAULTS, error_code
from flyteadmin.errors import FlyteAdminError

_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "KMS.AccessDeniedException", "UnauthorizedOperation", "403"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_NOT_ACCEPTED = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_REFUSAL = re.compile(
    r"(?:User: (?P<caller>\S+) )?is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r'(?: on resource: "?(?P<resource>[^\s"]+))?(?P<reason>.*)',
    re.DOTALL,
)
_BY_CLASS: tuple[tuple[type[BotoCoreError], str], ...] = (
    (aws.NoCredentialsError, "sign in (aws sso login), or name a profile with --profile"),
    (aws.PartialCredentialsError, "complete the profile, or name another one with --profile"),
    (aws.ProfileNotFound, "`aws configure list-profiles` prints those that --profile takes"),
    (aws.SSOError, "sign in again (aws sso login)"),
    (aws.TokenRetrievalError, "sign in again (aws sso login)"),
    (aws.CredentialRetrievalError, "sign in again, or name another profile with --profile"),
    (aws.NoRegionError, "name it with --region, or set AWS_DEFAULT_REGION"),
    (aws.InvalidRegionError, "--region takes a name such as eu-west-1"),
    (aws.ConnectionError, "is --region right, and does this machine reach AWS?"),
    (aws.HTTPClientError, "is --region right, and does this machine reach AWS?"),
)
"""The remedies for errors of botocore before AWS has answered; the first class that fits counts."""


class Refused(Exception):
    """A command can't do what was asked; the message is the line that says why, and the fix."""


def explain(error: Exception) -> str:
    """Return an error as one line: what went wrong, and the fix where there is one.

    An error of flyteadmin that AWS caused is explained by what AWS said, since the call was made with the operator's
    own credentials.
    """
    cause: BaseException | None = error
    while isinstance(cause, FlyteAdminError):
        cause = cause.__cause__
    if isinstance(cause, ClientError):
        return _one_line(_explain_answer(cause))
    if isinstance(cause, BotoCoreError):
        return _one_line(_explain_unanswered(cause))
    if isinstance(error, FlyteAdminError):
        because = f" ({cause})" if isinstance(cause, ValueError) else ""
        return _one_line(f"{error.code.name}: {error.message}{because}")
    return _one_line(str(error))


def _explain_answer(error: ClientError) -> str:
    code = error_code(error)
    if code in _DENIED:
        return _explain_denial(error)
    if code in _EXPIRED:
        return f"the AWS credentials have expired ({code}); sign in again (aws sso login)"
    if code in _NOT_ACCEPTED:
        return f"AWS does not accept the credentials ({code}); is --profile right, and this machine's clock?"
    if code in PASSING_FAULTS:
        return f"AWS is busy or throttles ({code} on {error.operation_name}); run the command again in a minute"
    return str(error)


def _explain_denial(error: ClientError) -> str:
    said = error.response.get("Error", {}).get("Message", "")
    found = _REFUSAL.search(said)
    if found is None:
        return f"AWS refused {error.operation_name} ({said}); the policy of these credentials must allow it"
    service, _, verb = found["action"].partition(":")
    if verb.lower() == error.operation_name.lower():  # SQS writes its actions in small letters
        verb = error.operation_name
    action, resource = f"{service}:{verb}", found["resource"] or "*"
    refused = f"{found['caller'] or 'the caller'} may not {action} on {resource}"
    if "explicit deny" in found["reason"]:
        return f"{refused}: a policy denies it explicitly ({found['reason'].strip()})"
    statement = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
    return f"{refused}; its policy needs the statement {statement}"


def _explain_unanswered(error: BotoCoreError) -> str:
    fix = next((fix for kind, fix in _BY_CLASS if isinstance(error, kind)), "")
    said = str(error).rstrip(".")
    return f"{said}; {fix}" if fix else said


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))
