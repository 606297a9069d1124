# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Namespaces that come with their first client: /dyn-<digits> of the profile `harness`."""

import pytest

from harness.conformance_server import ConformanceServer
from harness.processes import ManagedProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = ConformanceServer(tmp_path_factory.mktemp("conformance")).start("--profile", "harness")
    yield server
    ManagedProcess.all.remove(server)
    if server.running:
        assert server.end() == 0, server.tail(60)


@pytest.mark.parametrize("kind", ["python", "python polling", "node"])
def test_digits_are_admitted(kind, server, clients):
    one = clients.any(kind, server, namespace="/dyn-101").wait_connected()
    other = clients.any(kind, server, namespace="/dyn-101").wait_connected()
    elsewhere = clients.any(kind, server, namespace="/dyn-102").wait_connected()
    assert one.request("whoami")[0]["nsp"] == "/dyn-101"
    assert one.request("echo", 1, "둘") == [1, "둘"]
    for client in (one, other, elsewhere):
        client.request("join", "r")
    one.emit("to-room", "r", "hello", 1)
    one.emit("all", "bye", 2)
    other.wait(lambda: other.arguments_of("bye"), what="the broadcast")
    one.wait(lambda: one.arguments_of("bye"), what="the broadcast")
    assert other.arguments_of("hello")[0][:1] == [1] and not one.arguments_of("hello")
    elsewhere.request("whoami")  # what was sent before this would be here
    assert not elsewhere.arguments_of("hello") and not elsewhere.arguments_of("bye")


@pytest.mark.parametrize("kind", ["python", "python polling", "node"])
@pytest.mark.parametrize("name", ["/dyn-x", "/dyn-", "/dyn-1x", "/xdyn-1"])
def test_others_are_refused(kind, name, server, clients):
    client = clients.any(kind, server, namespace=name, reconnection=False)
    client.wait(lambda: client.refusals, what="the refusal")
    assert client.refusals[0]["message"] == "Invalid namespace" and not client.connects
