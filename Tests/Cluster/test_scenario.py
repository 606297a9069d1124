# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""The scenario of Tests/Conformance/scenario.json: the same for every client library, transport and parser."""

import json
import signal
from pathlib import Path

import pytest

from harness.conformance_server import ConformanceServer
from harness.processes import ManagedProcess

SCENARIO = json.loads((Path(__file__).parents[1] / "Conformance/scenario.json").read_text())["steps"]

KINDS = {
    "python polling": "polling",
    "python": "websocket",
    "python upgrade": "websocket",
    "node": "websocket",
    "chromium polling": "polling",
    "chromium websocket": "websocket",
    "chromium upgrade": "websocket",
}
MSGPACK_KINDS = {
    "python msgpack polling": "polling",
    "python msgpack": "websocket",
    "node msgpack": "websocket",
    "chromium msgpack polling": "polling",
    "chromium msgpack upgrade": "websocket",
}
SOCKETIO2_KINDS = {"socketio2 polling": "polling", "socketio2": "websocket", "socketio2 upgrade": "websocket"}


@pytest.fixture(scope="module")
def make_server(tmp_path_factory):
    servers = []

    def make(*flags):
        server = ConformanceServer(tmp_path_factory.mktemp("conformance")).start("--profile", "harness", *flags)
        servers.append(server)
        return server

    yield make
    for server in servers:
        ManagedProcess.all.remove(server)
        if server.running:
            assert server.end() == 0, server.tail(60)


@pytest.fixture(scope="module")
def harness_server(make_server):
    return make_server()


@pytest.mark.parametrize("kind", KINDS)
def test_scenario(kind, harness_server, clients):
    Scenario(kind, harness_server, clients).run()


@pytest.fixture(scope="module")
def msgpack_server(make_server):
    return make_server("--parser", "msgpack")


@pytest.mark.parametrize("kind", MSGPACK_KINDS)
def test_scenario_with_msgpack(kind, msgpack_server, clients):
    Scenario(kind, msgpack_server, clients).run()


@pytest.fixture(scope="module")
def socketio2_server(make_server):
    return make_server("--eio3")


@pytest.mark.parametrize("kind", SOCKETIO2_KINDS)
def test_scenario_of_socketio2(kind, socketio2_server, clients):
    Scenario(kind, socketio2_server, clients).run()


@pytest.mark.parametrize("kind", SOCKETIO2_KINDS)
def test_clients_of_socketio2_come_back(kind, make_server, clients):
    server = make_server("--eio3")
    client = clients.any(kind, server).wait_connected()
    assert server.end() == 0
    client.wait(lambda: not client.connected, what="it has noticed")
    server.start("--profile", "harness", "--eio3")
    client.wait_connected(20, times=2)
    assert client.request("echo", "again", bytes(3)) == ["again", bytes(3)]


def test_clients_of_socketio2_are_refused_by_default(harness_server, clients):
    client = clients.socketio2(harness_server, transports=["polling"], reconnection=False)
    assert client.wait_refused()["data"] == {"code": 5, "message": "Unsupported protocol version"}
    assert not client.connects


@pytest.mark.parametrize("kind", ["python", "node"])
def test_termination(kind, make_server, clients):
    """SIGTERM: the clients notice, and the process ends by itself."""
    server = make_server()
    client = clients.any(kind, server, reconnection=False).wait_connected()
    server.signal(signal.SIGTERM)
    client.wait(lambda: client.disconnects, what="the client is told")
    assert server.wait(10) == 0


class Scenario:
    """Plays the steps with clients of one kind."""

    def __init__(self, kind, server, clients, **options):
        self.kind = kind
        self.transport = {**KINDS, **MSGPACK_KINDS, **SOCKETIO2_KINDS}[kind]
        library = kind.split()[0]
        self.library = library if library in ("python", "socketio2") else "javascript"
        self.server = server
        self.clients = clients
        self.options = options
        self.players = {}

    def run(self):
        for number, step in enumerate(SCENARIO):
            try:
                self.play(step)
            except AssertionError as error:
                raise AssertionError(f"step {number}, {json.dumps(step, ensure_ascii=False)}: {error}") from error

    def play(self, step):
        name = step.get("client", "a")
        if "connect" in step:
            return self.connect(name, step)
        player = self.players[name]
        if "answer" in step:
            event, *arguments = decoded(step["answer"])
            player.client.answer(event, arguments, step["after"])
        if "emit" in step:
            player.client.emit(*decoded(step["emit"]))
        if "request" in step:
            assert player.client.request(*decoded(step["request"])) == decoded(step["acknowledged"])
        if "unanswered" in step:
            with pytest.raises(AssertionError, match="no acknowledgement"):
                player.client.request(*decoded(step["unanswered"]), timeout=step["within"] / 1000)
        if "close" in step:
            player.client.leave()
        for event, *arguments in decoded(step.get("events", [])):
            player.expect(event, arguments)
        if "count" in step:
            event, count = step["count"]
            for index in range(count):
                player.expect(event, [index])
        if "without" in step:
            assert not player.left(step["without"])
        if "disconnected" in step:
            player.client.wait(lambda: player.client.disconnects, what="it is disconnected")
            # Those of Socket.IO 2 get no reason from their library.
            assert player.client.disconnects == [step["disconnected"].get(self.library)]

    def connect(self, name, step):
        options = {"namespace": step["connect"], "reconnection": False, **self.options}
        if "auth" in step:
            options["auth"] = step["auth"]
        client = self.clients.any(self.kind, self.server, **options)
        self.players[name] = Player(client)
        if "refused" in step:
            refusal = client.wait_refused()
            wanted = step["refused"]
            if self.library == "socketio2" and "data" in wanted:
                wanted = {"data": wanted["data"]}  # in Socket.IO 2 it takes the message's place
            assert {key: refusal.get(key) for key in wanted} == wanted
            return
        client.wait_connected()
        client.wait(lambda: client.transport == self.transport, what=f"it is on {self.transport}")
        [answer] = client.request("whoami")
        assert answer["nsp"] == step["connect"] and not answer["recovered"]
        assert answer["id"] == client.connects[-1] and answer["rooms"] == [answer["id"]]
        assert answer["transport"] == self.transport


class Player:
    """A client, and how far its events were looked at."""

    def __init__(self, client):
        self.client = client
        self.looked_at = {}

    def expect(self, event, arguments):
        index = self.looked_at.get(event, 0)
        self.client.wait(lambda: len(self.client.arguments_of(event)) > index, what=f"{event} {arguments}")
        self.looked_at[event] = index + 1
        got = self.client.arguments_of(event)[index]
        # With connection state recovery a server adds its offset, and libraries hand it over.
        assert got == arguments or (got[:-1] == arguments and isinstance(got[-1], str)), f"{event} {got}"

    def left(self, event):
        """Those that no step has expected yet."""
        return self.client.arguments_of(event)[self.looked_at.get(event, 0) :]


def decoded(value):
    if isinstance(value, dict):
        if "$bytes" in value:
            return bytes(value["$bytes"])
        return {key: decoded(item) for key, item in value.items()}
    return [decoded(item) for item in value] if isinstance(value, list) else value
