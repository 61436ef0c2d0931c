"""EventBridge Scheduler."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.arn import parse_arn
from ministack.services import eventbridge, scheduler

from local.aws.patches.roles import role_may
from local.aws.patches.wrapping import around

_TARGET_ACTIONS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}
_EXPRESSION = re.compile(r"rate\([1-9]\d* (minutes?|hours?|days?)\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)")


def schedule_group_in_arn() -> None:
    """A schedule is checked as `schedule/default/<name>`. AWS names its group: a role may be confined to one."""

    def extract(original: Any, *request: Any) -> Any:
        service, _method, _path, _headers, body, query, *_ = request
        arn = original(*request)
        if service != "scheduler":
            return arn
        group = query.get("groupName") or json.loads(body or b"{}").get("GroupName") or "default"
        return arn.replace(":schedule/default/", f":schedule/{group[0] if isinstance(group, list) else group}/")

    around(iam_actions, "extract_resource_arn", extract)


def pass_role() -> None:
    """A schedule may be given any role. AWS wants `iam:PassRole` on that role."""
    handle = app.SERVICE_HANDLERS["scheduler"]

    async def checked(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        role = (
            (json.loads(body).get("Target") or {}).get("RoleArn") if body and path.startswith("/schedules/") else None
        )
        if app.AUTH and role:
            key, region = router.extract_access_key_id(headers, query), router.extract_region(headers, query)
            if iam_evaluator.enforce(key, "iam:PassRole", "scheduler", region, resource_arn=role):
                return _refused(
                    "AccessDeniedException", f"not authorized to perform: iam:PassRole on resource: {role}", 403
                )
        return await handle(method, path, headers, body, query)

    app.SERVICE_HANDLERS["scheduler"] = checked


def target_role() -> None:
    """A schedule calls its target whatever its role says. On AWS the role must be allowed to."""

    def invoke(original: Any, target: Any, event: Any, rule: Any, *rest: Any, **named: Any) -> Any:
        action = _TARGET_ACTIONS.get(parse_arn(target["Arn"]).service)
        scheduled = app.AUTH and event.get("Source") == "aws.scheduler"
        if scheduled and action and not role_may(target["RoleArn"], action, target["Arn"]):
            return None
        return original(target, event, rule, *rest, **named)

    around(eventbridge, "_invoke_target", invoke)


def context_attributes() -> None:
    """`<aws.scheduler.scheduled-time>` and its like stay as they are in a schedule's input. AWS fills them in."""

    def invoke(original: Any, target: Any, event: Any, rule: Any, *rest: Any, **named: Any) -> Any:
        if event.get("Source") == "aws.scheduler" and target.get("Input"):
            target = {**target, "Input": _filled(target["Input"], rule, event)}
        return original(target, event, rule, *rest, **named)

    around(eventbridge, "_invoke_target", invoke)


def _filled(text: str, schedule: Any, event: Any) -> str:
    at = re.fullmatch(r"at\((.+)\)", schedule["ScheduleExpression"])
    due = at[1] + "Z" if at else datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": due,
        "execution-id": str(uuid4()),
        "attempt-number": "1",
    }
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def expression() -> None:
    """Any text is accepted as a schedule's expression, and never fires. AWS refuses it."""

    def create(original: Any, name: str, body: Any) -> Any:
        text = body.get("ScheduleExpression", "")
        if text and not _EXPRESSION.fullmatch(text) and eventbridge._parse_cron_fields(text) is None:
            return _refused("ValidationException", f"Invalid Schedule Expression {text}.", 400)
        return original(name, body)

    around(scheduler, "_create_schedule", create)
    around(scheduler, "_update_schedule", create)


def _refused(code: str, message: str, status: int) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json", "x-amzn-errortype": code}
    return status, headers, json.dumps({"Message": message}).encode()
