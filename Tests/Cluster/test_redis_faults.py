# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Redis away, restarted with and without its data, flushed, paused: nobody is served twice, presence is whole again."""

import time

import pytest

from conftest import _cluster
from harness.cluster import DUPLICATE_MESSAGE, LEASE
from harness.contender import Contender
from harness.node import Node
from harness.overlap import overlaps
from harness.raw import RawSocket
from harness.redis_server import RedisServer
from harness.tokens import make_token
from harness.waiting import eventually, throughout


def pause(seconds):
    def fault(cluster):
        cluster.redis.pause()
        # The length of the fault is what is being tried.
        time.sleep(seconds)
        cluster.redis.resume()

    return fault


def down(seconds, data):
    def fault(cluster):
        if data:
            cluster.redis.cli("save")
        else:
            cluster.redis.dump.unlink(missing_ok=True)
        cluster.redis.kill()
        time.sleep(seconds)
        cluster.redis.start()

    return fault


def drop_connections(cluster):
    cluster.redis.cli("client", "kill", "type", "normal", "skipme", "yes")
    cluster.redis.cli("client", "kill", "type", "pubsub")


def forget_scripts(cluster):
    cluster.redis.cli("script", "flush")


def lose_a_key(cluster):
    """As an eviction does: single keys of the registry are gone."""
    keys = cluster.redis.cli("keys", "*:c").split() or cluster.redis.cli("keys", "*").split()
    for key in keys[:3]:
        cluster.redis.cli("del", key)


# Shorter than a lease: no connection may be lost.
SHORT = {
    "paused": pause(LEASE / 3),
    "restarted with data": lambda cluster: cluster.redis.restart(data=True),
    "restarted without data": lambda cluster: cluster.redis.restart(data=False),
    "down for a third of the lease": down(LEASE / 3, data=False),
    "flushed": lambda cluster: cluster.redis.cli("flushall"),
    "connections dropped": drop_connections,
    "scripts forgotten": forget_scripts,
    "keys lost": lose_a_key,
}

# Longer than a lease: connections are suspended, and served on when it is certain that nobody took their users.
LONG = {
    "paused long": pause(LEASE * 1.5),
    "down long, with data": down(LEASE * 1.5, data=True),
    "down long, without data": down(LEASE * 1.5, data=False),
}


@pytest.fixture(scope="module", params=["reject", "probe"])
def cluster(request, tmp_path_factory):
    yield from _cluster(tmp_path_factory, f"redis-{request.param}", duplicates=request.param)


@pytest.fixture
def residents(cluster, clients, user):
    """Clients of all kinds, two on each node, that must live through it all."""
    for node in cluster.nodes:
        node.wait_ready()
    made = []
    for index, kind in enumerate(["raw", "python", "node", "raw", "python polling", "node"]):
        name = user("resident")
        made.append(clients.any(kind, cluster.nodes[index % 3], name, cluster.token(name)))
    return [client.wait_connected() for client in made]


@pytest.fixture
def contenders(cluster, user):
    """Three users whom two clients each fight for."""
    threads = []
    for _ in range(3):
        name = user("contended")
        threads += [Contender(name, cluster.token(name), cluster.nodes, first) for first in (0, 1)]
    for thread in threads:
        thread.start()
    yield threads
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join(15)


def whole_again(cluster, residents, contenders, user, clients):
    """Everything works as before the fault."""
    # The registry is reached again, and the recovery window, if there was one, has ended: newcomers are admitted.
    for node in cluster.nodes:
        node.wait_ready()
    name = user("newcomer")
    newcomer = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()

    # Presence lists the residents, each once, on every node.
    def listed():
        everywhere = [node.admin.online() for node in cluster.nodes]
        return all(len(online.get(c.user, [])) == 1 for online in everywhere for c in [*residents, newcomer])

    eventually(listed, 15, "presence is whole again")
    # Both parties of each contended user are served again, in turns.
    marks = {thread: thread.admissions for thread in contenders}
    eventually(lambda: all(t.admissions > marks[t] for t in contenders), 30, "contended users are admitted")
    # Broadcasts cross nodes in all directions: the subscriptions are back.
    for sender in residents[:3]:
        tag = user("after")
        assert sender.request("broadcast", tag) == [{"ok": True}]
        for client in [*residents, newcomer]:
            client.wait_event("broadcast", tag)
            assert len([a for a in client.arguments_of("broadcast") if a == [tag]]) == 1


def judge(contenders):
    acknowledgements = [entry for thread in contenders for entry in thread.acknowledgements]
    assert not [thread.failure for thread in contenders if thread.failure]
    assert len(acknowledgements) > 100, "the contenders were served at all"
    assert not overlaps(acknowledgements)
    for thread in contenders:
        assert set(thread.refusals) <= {DUPLICATE_MESSAGE}


@pytest.mark.parametrize("fault", SHORT)
def test_a_short_fault_loses_no_connection(fault, cluster, residents, contenders, user, clients):
    eventually(lambda: all(thread.admissions for thread in contenders), 30, "contended users are admitted")
    SHORT[fault](cluster)
    whole_again(cluster, residents, contenders, user, clients)
    judge(contenders)
    for client in residents:
        client.poll()
        assert len(client.connects) == 1 and not client.disconnects and client.connected, client
        assert client.request("echo", 1) == [1]


@pytest.mark.parametrize("fault", LONG)
def test_a_long_fault_serves_nobody_twice(fault, cluster, residents, contenders, user, clients):
    eventually(lambda: all(thread.admissions for thread in contenders), 30, "contended users are admitted")
    LONG[fault](cluster)
    whole_again(cluster, residents, contenders, user, clients)
    judge(contenders)
    # Nobody else was there to take their users, so a stall is all they noticed.
    for client in residents:
        client.poll()
        assert len(client.connects) == 1 and not client.disconnects and client.connected, client
        assert client.request("echo", 1) == [1]


def test_what_is_local_goes_on_while_redis_is_away(cluster, residents, user):
    """Nothing waits for Redis on the way of a packet, as long as the lease holds."""
    cluster.redis.pause()
    try:
        for client in residents:
            if client.kind != "python":
                assert client.request("echo", "now", timeout=LEASE / 3) == ["now"]
        assert residents[0].request("broadcast", "local", residents[0].user, timeout=LEASE / 3) == [{"ok": True}]
        residents[0].wait_event("broadcast", "local", residents[0].user, timeout=LEASE / 3)
    finally:
        cluster.redis.resume()


def test_past_the_deadline_connections_are_suspended_and_newcomers_sent_away(cluster, residents, user):
    raw = [client for client in residents if client.kind == "raw"]
    cluster.redis.pause()
    try:
        eventually(lambda: all(node.admin.readiness() == 503 for node in cluster.nodes), LEASE + 5, "not ready")
        assert all(node.admin.get("/healthz").status_code == 200 for node in cluster.nodes)

        def suspended():
            """The deadline has passed when an echo stays without an answer for longer than any round trip."""
            numbers = [client.send_request("echo", "?") for client in raw]
            try:
                for client, number in zip(raw, numbers):
                    client.acknowledgements.result(number, 0.5, client)
                return False
            except AssertionError:
                return numbers

        waiting = eventually(suspended, LEASE + 5, "connections are suspended")
        throughout(lambda: all(client.closed is None for client in raw), 1, "suspended, not closed")
        for node in cluster.nodes:
            status, headers, body = refused_handshake(node)
            assert status == 503 and "retry-after" in headers
            assert b"REGISTRY_UNAVAILABLE" in body
    finally:
        resumed = time.monotonic()
        cluster.redis.resume()
    for client, number in zip(raw, waiting):
        client.acknowledgements.result(number, 3 * LEASE, client)
    late = [c.acknowledgements.received[n][0] for c, n in zip(raw, waiting)]
    assert max(late) > resumed
    for client in residents:
        client.poll()
        assert len(client.connects) == 1 and not client.disconnects, client
    eventually(lambda: all(node.is_ready() for node in cluster.nodes), 20, "ready again")


def refused_handshake(node):
    http = RawSocket(node.port)
    try:
        return http.exchange("GET", "/socket.io/?EIO=4&transport=polling")
    finally:
        http.close()


@pytest.mark.parametrize("kind", ["python", "node"])
def test_clients_come_by_themselves_when_redis_is_back(kind, cluster, clients, user):
    """Who connects during an outage is sent away in a way that brings it back."""
    cluster.redis.pause()
    try:
        eventually(lambda: all(node.admin.readiness() == 503 for node in cluster.nodes), LEASE + 5, "not ready")
        name = user()
        options = {} if kind == "node" else {"wait_timeout": 1}
        client = clients.any(kind, cluster.nodes[0], name, cluster.token(name), **options)
        assert not client.connects
    finally:
        cluster.redis.resume()
    if kind == "python":
        # Its first connect() never tries again by itself: the application does.
        client = clients.any(kind, cluster.nodes[0], name, cluster.token(name), wait_timeout=LEASE * 3)
    client.wait_connected(timeout=3 * LEASE + 10)
    assert client.request("echo", 1) == [1]


def test_a_node_that_starts_before_redis(tmp_path, clients):
    """It listens, says why it is not ready, and serves as soon as Redis is there."""
    secret = "0123456789abcdef0123456789abcdef"
    redis = RedisServer(tmp_path, password="the-password-of-redis")
    flags = ["--redis-url", redis.url, "--jwt-secret", secret, "--lease-ms", "3000"]
    node = Node(tmp_path, "early", "ea", flags)
    try:
        node.start(ready=False)
        assert node.admin.readiness() == 503 and node.admin.get("/healthz").status_code == 200
        status, _, body = refused_handshake(node)
        assert status == 503 and b"REGISTRY_UNAVAILABLE" in body
        eventually(lambda: str(redis.port) in node.logged(), what="the log says what cannot be reached")
        throughout(lambda: node.running and node.admin.readiness() == 503, 1, "it keeps trying")
        redis.start()
        node.wait_ready()
        # Without `registry init` an empty Redis may be one that lost its data: newcomers wait for a lease, not longer.
        client = clients.raw(node, "alice", make_token(secret, "alice")).wait_connected(timeout=LEASE + 10)
        assert client.request("echo", 1) == [1]
        assert redis.password not in node.logged() and secret not in node.logged()
    finally:
        node.end()
        redis.end()


def test_garbage_on_the_channels_of_the_cluster(cluster, residents, user):
    """Anybody who may publish may publish anything."""
    channels = cluster.redis.cli("pubsub", "channels").split()
    assert any(channel.startswith("socket.io") for channel in channels), channels
    rooms = [channel for channel in channels if channel.startswith("socket.io#/#") and channel != "socket.io#/#"]
    # One room stands for all of them.
    others = set(channels) - set(rooms)
    for channel in [*others, *rooms[:1], "socket.io#/#room#", "socket.io-request#/#", "socket.io-response#/#"]:
        for garbage in ["", "garbage", "\\xff\\xfe", "[]", "{", '{"type":99}', "\x93\x01\x02", "x" * 100_000]:
            cluster.redis.cli("publish", channel, garbage)
    tag = user()
    assert residents[0].request("broadcast", tag) == [{"ok": True}]
    for client in residents:
        client.wait_event("broadcast", tag)
        assert client.connected


# The judge itself: a checker that has not been shown to fail proves nothing.


def test_the_judge_sees_an_overlap():

    def served(connection, *times):
        return [("alice", connection, t, t + 0.1) for t in times]

    assert overlaps(served(1, 0, 1, 2) + served(2, 1.5))
    assert overlaps(served(1, 0, 10) + served(2, 4, 5, 20))
    assert not overlaps(served(1, 0, 1, 2) + served(2, 3, 4))
    assert not overlaps(served(1, 0, 1) + [("bob", 2, 0.5, 0.6)])
    # It could have been served just before or just after.
    assert not overlaps(served(1, 0, 1) + [("alice", 2, 0.95, 1.5)])
    assert not overlaps([("alice", 1, 0, 5), ("alice", 2, 1, 2)])
