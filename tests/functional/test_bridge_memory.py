"""The bridge's memory under hostile and under heavy load, beside the limit that the manifests give it."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
import yaml
from flyteidl.admin.event_pb2 import TaskExecutionEventRequest
from flyteidl.admin.project_pb2 import ProjectListRequest, Projects

from bridge.answers import OCTETS
from flyteadmin.errors import Code
from local.aws.client import Response
from local.aws.data import DataAccount as Aws
from local.bridge import RunningBridge, running
from local.stack import ROOT
from tests.builders import stored_execution, task_event
from tests.grpc_stack import Client, Fault, Gateway, gateway
from tests.hostile_peer import Peer, peak_rss_bytes, wait_until

MIB = 1024 * 1024
LARGEST = 4_190_000
ARRIVAL_SECONDS = 3
CREATE_TASK = "/flyteidl.service.AdminService/CreateTask"
LIST_PROJECTS = "/flyteidl.service.AdminService/ListProjects"
PROJECTS = ProjectListRequest(limit=1)
ENOUGH = 0.8
"""The share of a container's memory that must do; the rest is for what a test doesn't show."""


def limit_bytes() -> int:
    """The least memory that a manifest lets a bridge have."""
    found = []
    for manifest in ("bridge.yaml", "propeller-sidecar.yaml"):
        for each in yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / manifest).read_text()):
            if each.get("kind", "Deployment") == "Deployment":
                text = each["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
                found.append(int(text.removesuffix("Mi")) * MIB)
    return min(found)


@pytest.fixture
def api(aws: Aws) -> Iterator[Gateway]:
    with gateway() as state:
        yield state


@pytest.fixture
def served(api: Gateway, tmp_path: Path) -> Iterator[RunningBridge]:
    """A bridge in a process of its own, whose memory can be measured."""
    settings = {"BRIDGE_API_URL": api.url, "BRIDGE_ARRIVAL_SECONDS": str(ARRIVAL_SECONDS)}
    with running({**os.environ, **settings}, tmp_path / "log") as bridge:
        yield bridge


def answers(size: int) -> Fault:
    body = Projects(token="x" * size).SerializeToString()
    return lambda _: Response(200, {"content-type": OCTETS}, body)


def within_its_limit(bridge: RunningBridge, what: str) -> None:
    peak = peak_rss_bytes(bridge.pid)
    print(f"{what}: {peak // MIB} MiB of {limit_bytes() // MIB}")  # a figure for the log
    assert peak < ENOUGH * limit_bytes(), what


def test_messages_that_never_end(served: RunningBridge) -> None:
    for connections, calls in ((1, 1), (1, 50), (2, 250)):
        with ExitStack() as peers, grpc.insecure_channel(served.address) as channel:
            hostile = [
                peers.enter_context(Peer(served.address, CREATE_TASK, calls, LARGEST).calling())
                for _ in range(connections)
            ]
            wait_until(lambda each=hostile: all(peer.sent >= LARGEST - 1 for peer in each))
            began = time.monotonic()
            assert Client(channel).code("ListProjects", PROJECTS) is Code.OK, "another caller has its half"
            assert time.monotonic() - began < ARRIVAL_SECONDS
            wait_until(lambda each=hostile: all(peer.ended for peer in each))  # their share is free again
        within_its_limit(served, f"{connections * calls} half-sent messages")


def test_many_large_messages_of_one_caller_all_arrive(served: RunningBridge) -> None:
    stored_execution("run")
    with grpc.insecure_channel(served.address) as channel, ThreadPoolExecutor(60) as threads:
        flyte = Client(channel)

        def send(number: int) -> Code:
            event = task_event("RUNNING", node=f"n{number}")
            event.custom_info["x"] = "y" * 3_500_000
            return flyte.code("CreateTaskEvent", TaskExecutionEventRequest(event=event), timeout=120)

        codes = set(threads.map(send, range(60)))
    assert codes == {Code.OK}
    within_its_limit(served, "60 events of 3.5 MB at once")


def test_answers_that_nobody_reads(served: RunningBridge, api: Gateway) -> None:
    api.faults += [answers(10_000_000)] * 100
    hostile = Peer(served.address, LIST_PROJECTS, 60, 0, finishes=True, reads=False)
    any_size = [("grpc.max_receive_message_length", -1)]
    with hostile.calling(), grpc.insecure_channel(served.address, any_size) as channel:
        wait_until(lambda: len(api.faults) <= 100 - 3)
        assert len(Client(channel).call("ListProjects", PROJECTS)) > 0
    within_its_limit(served, "60 answers of 10 MB that are not read")


def test_an_answer_that_no_client_takes(served: RunningBridge, api: Gateway) -> None:
    api.faults.append(answers(30_000_000))
    with grpc.insecure_channel(served.address) as channel:
        assert Client(channel).code("ListProjects", PROJECTS) is Code.RESOURCE_EXHAUSTED


def test_a_long_token_is_read(served: RunningBridge) -> None:
    with grpc.insecure_channel(served.address) as channel:
        for _ in range(10):
            assert Client(channel).code("ListProjects", PROJECTS, authorization="Bearer " + "t" * 20_000) is Code.OK
