# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Echo with acknowledgement: each client, each transport, directly and through the balancer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import socketio

from harness.raw import RawPolling

PAYLOADS = [
    [],
    ["hello"],
    [1, -2.5, True, None, {"nested": [{"a": ["b", {}]}]}],
    ['이미 연결된 유저입니다. 🎉\u2028\u0000"\\'],
    ["x" * 100_000],
]

KINDS = {
    "raw": "websocket",
    "python": "websocket",
    "python polling": "polling",
    "python upgrade": "websocket",
    "node": "websocket",
    "chromium polling": "polling",
    "chromium websocket": "websocket",
    "chromium upgrade": "websocket",
}


@pytest.fixture(params=["direct", "balancer"])
def place(request, probe_cluster):
    return probe_cluster if request.param == "balancer" else probe_cluster.nodes[1]


@pytest.mark.parametrize("kind", KINDS)
def test_echo(kind, place, probe_cluster, clients, user):
    name = user()
    client = clients.any(kind, place, name, probe_cluster.token(name)).wait_connected()
    for payload in PAYLOADS:
        assert client.request("echo", *payload) == payload
    if kind != "raw":
        client.wait(lambda: client.transport == KINDS[kind], what=f"the transport is {KINDS[kind]}")
    # After an upgrade the session is the same one and serves on.
    for payload in PAYLOADS:
        assert client.request("echo", *payload) == payload
    assert len(client.connects) == 1 and not client.disconnects


@pytest.mark.parametrize("kind", ["python", "python polling", "node", "chromium upgrade"])
def test_binary_echo(kind, place, probe_cluster, clients, user):
    name = user()
    client = clients.any(kind, place, name, probe_cluster.token(name)).wait_connected()
    data = bytes(range(256)) * 4
    assert client.request("echo", data, {"part": [data[:3], "text"]}, b"") == [data, {"part": [data[:3], "text"]}, b""]


@pytest.mark.parametrize("kind", ["python", "python polling"])
def test_many_in_flight_all_come_back(kind, place, probe_cluster, clients, user):
    name = user()
    client = clients.any(kind, place, name, probe_cluster.token(name)).wait_connected()
    answers = []
    for number in range(300):
        client.client.emit("echo", number, callback=answers.append)
    client.wait(lambda: len(answers) == 300, what="all acknowledgements")
    # Each with its own number. This library gives each message to a thread of its own, which may overtake each other;
    # the order is judged by test_the_order_of_events.
    assert sorted(answers) == list(range(300))


@pytest.mark.parametrize("kind", ["raw", "node", "chromium polling", "chromium upgrade"])
def test_the_order_of_events(kind, place, probe_cluster, clients, user):
    """What one client sends is served and answered in its order, also while its transport changes."""
    name = user()
    token = probe_cluster.token(name, rollcall={"broadcast": True})
    client = clients.any(kind, place, name, token).wait_connected()
    for number in range(200):
        client.emit("broadcast", name, number)

    def mine():
        return [arguments[1] for arguments in client.arguments_of("broadcast") if arguments[0] == name]

    client.wait(lambda: len(mine()) >= 200, what="all of them")
    assert mine() == list(range(200))


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
def test_the_asynchronous_python_client(transports, place, probe_cluster, user):
    name = user()

    async def talk():
        client = socketio.AsyncClient()
        await client.connect(
            place.url, auth={"token": probe_cluster.token(name)}, transports=transports, wait_timeout=10
        )
        try:
            answers = await asyncio.gather(*(client.call("echo", number, timeout=10) for number in range(20)))
            assert answers == list(range(20))
            assert (await client.call("whoami"))["user"] == name
        finally:
            await client.disconnect()

    # On a thread of its own: the browser's loop may be running on this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(asyncio.wait_for(talk(), 60))).result()


def test_session_ids_name_their_node(probe_cluster, clients, user):
    """20 characters, the prefix and a dash first: what the balancer routes by."""
    for node in probe_cluster.nodes:
        name = user()
        client = clients.raw(node, name, probe_cluster.token(name)).wait_connected()
        sid = client.engine["sid"]
        assert len(sid) == 20 and sid.startswith(node.sid_prefix + "-")
        assert all(c.isascii() and (c.isalnum() or c in "-_") for c in sid)


def test_the_balancer_spreads_sessions_and_routes_each_request_to_its_own(probe_cluster, clients, user):
    """Polling sessions of all nodes over one TCP connection: every request must find its session."""
    sessions = []
    for _ in range(6):
        name = user()
        session = RawPolling(probe_cluster.port)
        session.user = name
        sessions.append(clients.keep(session))
    assert {probe_cluster.node_of(s.sid).name for s in sessions} == {"n1", "n2", "n3"}
    one = sessions[0].http
    for session in sessions:
        session.http = one
        packet = session.connect(probe_cluster.token(session.user))
        assert packet.startswith("40{"), packet
    for _ in range(3):
        for number, session in enumerate(sessions):
            session.post(f'42{number}["echo",{number}]')
            status, packets = session.get()
            assert status == 200 and f"43{number}[{number}]" in packets


def test_whoami(probe_cluster, clients, user):
    for node in probe_cluster.nodes:
        name = user()
        client = clients.raw(node, name, probe_cluster.token(name)).wait_connected()
        (answer,) = client.request("whoami")
        assert (answer["user"], answer["node"]) == (name, node.name)
        assert datetime.fromisoformat(answer["connectedAt"]).tzinfo is not None
