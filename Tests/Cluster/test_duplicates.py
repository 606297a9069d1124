# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""A user is connected once in the whole cluster: the three policies, seen from the second connection."""

import time

import pytest

from harness.cluster import DUPLICATE_MESSAGE
from harness.raw import RawClient, RawPolling
from harness.waiting import throughout


@pytest.fixture(params=["reject", "probe"])
def cluster(request):
    return request.getfixturevalue(f"{request.param}_cluster")


def places(cluster, second):
    """Where the two connections go."""
    return {
        "same node": (cluster.nodes[0], cluster.nodes[0]),
        "another node": (cluster.nodes[0], cluster.nodes[2]),
        "balancer": (cluster, cluster),
    }[second]


def check_refusal(refusal, cluster):
    assert refusal["message"] == DUPLICATE_MESSAGE
    data = refusal["data"]
    assert data["code"] == "USER_ALREADY_CONNECTED"
    # Where the other connection is, is nobody's business.
    assert set(data) - {"retryAfterMs"} == {"code", "since"}
    # A pong answers further ones for a second; where nobody asks, only the end of the other connection helps.
    assert data.get("retryAfterMs") == (1000 if cluster.duplicates == "probe" else None)
    assert not any(node.name == value for node in cluster.nodes for value in data.values())


@pytest.mark.parametrize("kind", ["raw", "python", "node", "chromium polling", "chromium upgrade"])
@pytest.mark.parametrize("second", ["same node", "another node", "balancer"])
def test_the_second_connection_is_refused(kind, second, cluster, clients, user):
    name = user()
    token = cluster.token(name)
    one, two = places(cluster, second)
    first = clients.raw(one, name, token).wait_connected()
    refused = clients.any(kind, two, name, token)
    check_refusal(refused.wait_refused(), cluster)
    assert not refused.connects
    if kind not in ("raw", "python"):
        assert not refused.active
    # The first one has not noticed anything; as soon as its node has seen it go, the user is free.
    assert first.request("echo", 1) == [1]
    first.close()
    cluster.wait_offline(name)
    again = clients.any(kind, two, name, token)
    assert again.wait_answered().connected, again
    assert again.request("echo", 2) == [2]


def test_a_refused_connection_does_not_hold_the_user(cluster, clients, user):
    name = user()
    first = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()
    for node in cluster.nodes:
        clients.raw(node, name, cluster.token(name)).wait_refused()
    assert first.request("echo", 1) == [1]
    assert len(cluster.nodes[1].admin.online()[name]) == 1


def test_two_namespaces_of_connect_on_one_connection(cluster, clients, user):
    """The same user twice over one transport is a protocol error, not a second connection."""
    name = user()
    client = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()
    client.socket.send_connect(cluster.token(name))
    client.wait_closed()
    assert len(client.connects) == 1
    assert clients.raw(cluster.nodes[1], name, cluster.token(name)).wait_connected()


def test_200_simultaneous_connections_of_one_user_admit_exactly_one(cluster, user):
    name = user()
    token = cluster.token(name)
    contenders = [RawClient(cluster.nodes[number % 3].port, name) for number in range(200)]
    try:
        # All transports are open: the CONNECT packets leave within a few milliseconds.
        for client in contenders:
            client.socket.send_connect(token)
        for client in contenders:
            client.wait_answered(30)
        winners = [client for client in contenders if client.connects]
        assert len(winners) == 1, winners
        for client in contenders:
            if client is not winners[0]:
                # A contender may also have been sent away to come back by itself; that is no admission either.
                assert client.refusals or client.closed
                if client.refusals:
                    check_refusal(client.refusals[0], cluster)
        assert winners[0].request("echo", 1) == [1]
        assert [len(c) for u, c in cluster.nodes[0].admin.online().items() if u == name] == [1]
        winners[0].close()
        cluster.wait_offline(name)
        later = RawClient(cluster.nodes[1].port, name, token)
        contenders.append(later)
        later.wait_connected()
    finally:
        for client in contenders:
            client.close()


def test_200_users_connect_at_once(cluster, user):
    """Nobody is refused because of others."""
    names = [user() for _ in range(200)]
    contenders = [RawClient(cluster.nodes[number % 3].port, name) for number, name in enumerate(names)]
    try:
        for client in contenders:
            client.socket.send_connect(cluster.token(client.user))
        for client in contenders:
            client.wait_connected(30)
    finally:
        for client in contenders:
            client.close()


# probe


@pytest.mark.parametrize("second", ["same node", "another node"])
def test_probe_replaces_a_connection_that_does_not_answer(second, probe_cluster, clients, user):
    """The first connection is half-open: TCP stands, but nobody is there."""
    name = user()
    one, two = places(probe_cluster, second)
    dead = clients.raw(one, name, probe_cluster.token(name)).wait_connected()
    dead.answer_pings = False
    alive = clients.raw(two, name, probe_cluster.token(name)).wait_connected(timeout=10)
    assert alive.request("echo", 1) == [1]
    dead.wait_closed()
    assert "2" in [packet for _, packet in dead.packets]


def test_probe_does_not_take_other_traffic_for_an_answer(probe_cluster, clients, user):
    """Only the pong to the probe counts: bytes may have stood in the socket for long."""
    name = user()
    dead = clients.raw(probe_cluster.nodes[0], name, probe_cluster.token(name)).wait_connected()
    dead.answer_pings = False
    newcomer = clients.raw(probe_cluster.nodes[1], name, probe_cluster.token(name))

    def talk():
        if dead.closed is None:
            try:
                dead.emit("echo", 1)
            except OSError:
                pass
        return newcomer.connected

    newcomer.wait(talk, 10, "the newcomer is admitted")
    assert not newcomer.refusals


@pytest.mark.parametrize("kind", ["python", "python polling", "node", "chromium polling", "chromium websocket"])
def test_probe_is_answered_by_living_clients(kind, probe_cluster, clients, user):
    name = user()
    living = clients.any(kind, probe_cluster.nodes[0], name, probe_cluster.token(name)).wait_connected()
    for _ in range(3):
        check_refusal(
            clients.raw(probe_cluster.nodes[1], name, probe_cluster.token(name)).wait_refused(), probe_cluster
        )
    assert living.request("echo", 1) == [1]
    assert len(living.connects) == 1 and not living.disconnects


def test_probe_finds_a_polling_client_that_asks_no_more(probe_cluster, clients, user):
    name = user()
    polling = RawPolling(probe_cluster.nodes[0].port)
    assert polling.connect(probe_cluster.token(name)).startswith("40{")
    # No GET waits any more.
    newcomer = clients.raw(probe_cluster.nodes[1], name, probe_cluster.token(name)).wait_connected(timeout=10)
    assert newcomer.request("echo", 1) == [1]
    # Its session is gone.
    status, packets = polling.get()
    assert (status, '"code":1' in packets[0]) == (400, True)
    polling.close()


def test_an_impatient_newcomer_does_not_stop_the_probe(probe_cluster, clients, user):
    """python-socketio gives up after a second, the probe takes three: a later attempt finds its result."""
    name = user()
    dead = clients.raw(probe_cluster.nodes[0], name, probe_cluster.token(name)).wait_connected()
    dead.answer_pings = False
    deadline = time.monotonic() + 15
    while True:
        attempt = RawClient(probe_cluster.nodes[1].port, name, probe_cluster.token(name))
        try:
            attempt.wait_answered(timeout=1)
        except AssertionError:
            assert time.monotonic() < deadline, "never admitted"
            attempt.close()
            continue
        break
    clients.keep(attempt)
    assert attempt.connected and attempt.request("echo", 1) == [1]


# reject


def test_reject_believes_an_open_connection_until_its_ping_timeout(new_cluster, clients, user):
    cluster = new_cluster(
        nodes=2, duplicates="reject", balancer=False, flags=["--ping-interval", "2s", "--ping-timeout", "2s"]
    )
    name = user()
    dead = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()
    dead.answer_pings = False
    refused = clients.raw(cluster.nodes[1], name, cluster.token(name))
    assert refused.wait_refused()["data"]["code"] == "USER_ALREADY_CONNECTED"
    dead.wait_closed(timeout=10)
    assert clients.raw(cluster.nodes[1], name, cluster.token(name)).wait_connected()


# replace


@pytest.mark.parametrize("kind", ["raw", "python", "node", "chromium polling"])
@pytest.mark.parametrize("second", ["same node", "another node"])
def test_replace_lets_the_newest_win(kind, second, replace_cluster, clients, user):
    name = user()
    one, two = places(replace_cluster, second)
    old = clients.any(kind, one, name, replace_cluster.token(name)).wait_connected()
    new = clients.raw(two, name, replace_cluster.token(name)).wait_connected()
    assert new.request("echo", 1) == [1]
    old.wait(lambda: old.disconnects, what="the old connection ends")
    # By a DISCONNECT packet: it must not come back by itself, or the two would throw each other out for ever.
    if kind == "node" or kind.startswith("chromium"):
        assert old.disconnects == ["io server disconnect"] and not old.active
    throughout(lambda: new.connected and not old.connected and len(old.connects) == 1, 2, "the old one stays away")
    assert new.request("echo", 2) == [2]


def test_replace_serves_one_at_a_time(replace_cluster, user):
    """Twenty connections of one user at once: in the end one is there, and it works."""
    name = user()
    everyone = [RawClient(replace_cluster.nodes[number % 3].port, name) for number in range(20)]
    try:
        for client in everyone:
            client.socket.send_connect(replace_cluster.token(name))

        def settled():
            states = [client.connected for client in everyone]
            others = [client for client in everyone if not client.connected]
            return sum(states) == 1 and all(client.disconnects or client.refusals or client.closed for client in others)

        everyone[0].wait(settled, 20, "one is left")
        (winner,) = [client for client in everyone if client.connected]
        assert winner.request("echo", 1) == [1]
        assert len(replace_cluster.nodes[0].admin.online()[name]) == 1
    finally:
        for client in everyone:
            client.close()
