# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Nodes that die or stand still: their users are served again, and never twice at once."""

import time

import pytest

from harness.cluster import LEASE
from harness.raw import Closed, RawSocket
from harness.waiting import eventually, throughout

# From the death of a node: the lease, two heartbeats, the poll of those who wait, and three attempts of a client, which
# python-socketio gives a second each.
BACK = LEASE + 12


def crowd(cluster, clients, user, kinds, each):
    made = []
    for kind in kinds:
        for name in [user() for _ in range(each)]:
            made.append(clients.any(kind, cluster, name, cluster.token(name)))
    return [client.wait_connected() for client in made]


def node_of(cluster, client):
    """By the node's own word: a client of the balancer does not know where it is."""
    name = client.request("whoami")[0]["node"]
    return next(node for node in cluster.nodes if node.name == name)


@pytest.mark.parametrize("duplicates", ["reject", "probe"])
def test_the_users_of_a_killed_node_are_back_by_themselves(duplicates, new_cluster, clients, user):
    cluster = new_cluster(duplicates=duplicates)
    kinds = ["python", "python polling", "node", "chromium polling", "chromium upgrade"]
    everyone = crowd(cluster, clients, user, kinds, each=3)
    homes = {client: node_of(cluster, client) for client in everyone}
    # The node with the most kinds of clients.
    victim = max(cluster.nodes, key=lambda node: len({c.kind for c in everyone if homes[c] is node}))
    lost = [client for client in everyone if homes[client] is victim]
    assert {client.kind for client in lost} >= {"python", "javascript (Node)"}, "the balancer has spread them"
    victim.kill()
    deadline = time.monotonic() + BACK
    for client in lost:
        client.wait_connected(max(deadline - time.monotonic(), 0.1), times=2)
    for client in everyone:
        assert node_of(cluster, client) is not victim
        if client not in lost:
            assert len(client.connects) == 1, f"{client} was not concerned"
    cluster.wait_online([client.user for client in everyone], timeout=15)
    # The official client would have given up after a refusal.
    refused = [c for c in lost if c.kind.startswith("javascript") and any(r.get("data") for r in c.refusals)]
    assert not refused, refused
    cluster.restart_node(victim)
    name = user()
    assert clients.raw(victim, name, cluster.token(name)).wait_connected()


def test_all_nodes_are_killed_and_started_again(new_cluster, clients, user):
    """Nothing that Redis still knows of the dead keeps anybody out for longer than the lease."""
    cluster = new_cluster(duplicates="reject")
    everyone = crowd(cluster, clients, user, ["python", "node"], each=3)
    for node in cluster.nodes:
        node.kill()
    for node in cluster.nodes:
        node.start(ready=False, **cluster.environment)
    for client in everyone:
        client.wait_connected(BACK + 10, times=2)
    cluster.wait_online([client.user for client in everyone], timeout=15)


@pytest.mark.parametrize("duplicates", ["reject", "probe"])
def test_a_node_that_stood_still_serves_nobody_who_is_elsewhere(duplicates, new_cluster, clients, user):
    """SIGSTOP for longer than the lease: what lay in its sockets when it wakes up must not be served."""
    cluster = new_cluster(duplicates=duplicates, balancer=False)
    sleeper, other = cluster.nodes[0], cluster.nodes[1]
    name = user()
    old = clients.raw(sleeper, name, cluster.token(name)).wait_connected()
    assert old.request("echo", "before") == ["before"]
    assert old.request("join", "club") == [{"ok": True}]
    sleeper.pause()
    asleep = [old.send_request("echo", "asleep", number) for number in range(3)]
    new = clients.raw(other, name, cluster.token(name)).wait_connected(timeout=LEASE + 10)
    assert new.request("echo", "here") == ["here"]
    asleep += [old.send_request("echo", "replaced", number) for number in range(3)]
    # Pub/sub messages that wait for the sleeper, too.
    assert new.request("broadcast", "to all") == [{"ok": True}]
    assert new.request("send", "club", "said", 1) == [{"ok": True}]
    sleeper.resume()
    old.wait(lambda: old.closed or old.disconnects, 20, "the old connection is ended")
    assert not [number for number in asleep if number in old.acknowledgements.received], old
    assert not old.events, old
    assert new.request("echo", "still") == ["still"] and new.connected
    sleeper.wait_ready()
    cluster.wait_online([name])
    # By a DISCONNECT packet: the user is connected elsewhere, so this client must not come back by itself.
    assert old.disconnects


def test_a_node_that_stood_still_keeps_who_is_not_elsewhere(new_cluster, clients, user):
    cluster = new_cluster(nodes=2, balancer=False)
    sleeper = cluster.nodes[0]
    name, other = user(), user()
    client = clients.raw(sleeper, name, cluster.token(name)).wait_connected()
    watcher = clients.raw(cluster.nodes[1], other, cluster.token(other)).wait_connected()
    sleeper.pause()
    request = client.send_request("echo", "asleep")
    # Its lease is over when presence no longer lists the user.
    cluster.wait_online([other], timeout=LEASE + 10, node=cluster.nodes[1])
    sleeper.resume()
    assert client.acknowledgements.result(request, 20, client) == ["asleep"]
    assert len(client.connects) == 1 and client.connected
    cluster.wait_online([name, other])
    assert watcher.request("broadcast", "again") == [{"ok": True}]
    client.wait_event("broadcast", "again")


def test_a_short_standstill_loses_nothing(new_cluster, clients, user):
    cluster = new_cluster(nodes=2, duplicates="reject", balancer=False)
    names = [user() for _ in range(10)]
    everyone = [clients.raw(cluster.nodes[n % 2], name, cluster.token(name)) for n, name in enumerate(names)]
    for client in everyone:
        client.wait_connected()
    cluster.nodes[0].pause()
    requests = {client: client.send_request("echo", client.user) for client in everyone}
    throughout(lambda: all(client.closed is None for client in everyone), LEASE / 3, "nobody is disconnected")
    cluster.nodes[0].resume()
    for client, number in requests.items():
        assert client.acknowledgements.result(number, 10, client) == [client.user]
    cluster.wait_online(names)


def test_a_node_that_is_killed_again_and_again(new_cluster, clients, user):
    """The same user on the same client through three deaths."""
    cluster = new_cluster()
    name = user()
    client = clients.node_js(cluster, name, cluster.token(name)).wait_connected()
    for death in range(1, 4):
        victim = node_of(cluster, client)
        victim.kill()
        client.wait_connected(BACK, times=death + 1)
        cluster.restart_node(victim)
    assert not [r for r in client.refusals if r.get("data")]


def test_half_open_connections_of_the_balancer(new_cluster, clients, user):
    """The node dies while requests are on their way through the balancer: they fail, and nothing is left hanging."""
    cluster = new_cluster(nodes=2)
    name = user()
    http = RawSocket(cluster.port)
    status, _, body = http.exchange("GET", "/socket.io/?EIO=4&transport=polling")
    assert status == 200
    sid = body.decode().split('"sid":"')[1][:20]
    target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
    http.send_request("GET", target)
    cluster.node_of(sid).kill()
    try:
        assert http.read_response()[0] >= 500
    except Closed:
        # HAProxy's other way to make a client try again.
        pass

    def unknown():
        probe = RawSocket(cluster.port)
        try:
            status, _, body = probe.exchange("GET", target)
        finally:
            probe.close()
        return status == 400 and b'"code":1' in body

    # Another node answers for the dead one, so that the client starts again at once.
    eventually(unknown, what="another node says that it does not know the session")
    assert clients.raw(cluster, name, cluster.token(name)).wait_connected()
