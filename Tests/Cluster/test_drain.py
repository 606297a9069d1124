# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""SIGTERM: every client moves to another node by itself, nobody is locked out, and the process ends cleanly."""

import signal

import pytest

from harness.raw import RawPolling, RawSocket
from harness.waiting import eventually
from test_node_failure import crowd, node_of


@pytest.mark.parametrize("duplicates", ["reject", "probe"])
def test_sigterm_moves_everybody(duplicates, new_cluster, clients, user):
    cluster = new_cluster(duplicates=duplicates)
    kinds = ["python", "python polling", "node", "chromium polling", "chromium upgrade"]
    everyone = crowd(cluster, clients, user, kinds, each=3)
    homes = {client: node_of(cluster, client) for client in everyone}
    leaving = max(cluster.nodes, key=lambda node: len({c.kind for c in everyone if homes[c] is node}))
    moving = [client for client in everyone if homes[client] is leaving]
    assert {client.kind for client in moving} >= {"python", "javascript (Node)"}
    leaving.signal(signal.SIGTERM)
    for client in moving:
        client.wait_connected(20, times=2)
    assert leaving.wait(20) == 0
    for client in everyone:
        assert node_of(cluster, client) is not leaving
        assert "io server disconnect" not in client.disconnects
        assert not [r for r in client.refusals if (r.get("data") or {}).get("code")], client
        assert client in moving or len(client.connects) == 1
    cluster.wait_online([client.user for client in everyone])


def test_one_node_after_the_other(new_cluster, clients, user):
    """A rolling restart: the same clients through all of it."""
    cluster = new_cluster(duplicates="reject")
    everyone = crowd(cluster, clients, user, ["python", "node", "chromium upgrade"], each=2)
    for node in cluster.nodes:
        node.signal(signal.SIGTERM)
        assert node.wait(20) == 0
        cluster.restart_node(node)
        for client in everyone:
            client.wait_connected(20)
        cluster.wait_online([client.user for client in everyone])
    for client in everyone:
        assert client.request("echo", 1) == [1]
        assert not [r for r in client.refusals if (r.get("data") or {}).get("code")], client


def test_a_draining_node_refuses_newcomers_and_serves_who_is_there(new_cluster, clients, user):
    cluster = new_cluster(nodes=2, balancer=False, drain=("3s", "2s"))
    node = cluster.nodes[0]
    name, polling_name = user(), user()
    client = clients.raw(node, name, cluster.token(name)).wait_connected()
    polling = clients.keep(RawPolling(node.port))
    assert polling.connect(cluster.token(polling_name)).startswith("40{")
    node.signal(signal.SIGTERM)
    eventually(lambda: node.admin.readiness() == 503, what="not ready")
    assert node.admin.get("/healthz").status_code == 200
    for target in ["/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=websocket"]:
        http = RawSocket(node.port)
        if "websocket" in target:
            http.send_upgrade(target)
        else:
            http.send_request("GET", target)
        status, headers, body = http.read_response()
        http.close()
        assert status == 503 and int(headers["retry-after"]) >= 0
        assert b'"code":"NODE_DRAINING"' in body.replace(b" ", b"") and b'"message"' in body
    # Both are served on, over new TCP connections too.
    assert client.request("echo", 1) == [1]
    assert polling.post('421["echo",1]') == (200, "ok")
    assert "431[1]" in polling.get()[1]
    # Then their turn comes: a closed transport, no DISCONNECT packet, no Engine.IO close packet.
    polling.send_get()
    status, packets = polling.read()
    assert status == 503 and "NODE_DRAINING" in packets[0], (status, packets)
    client.wait_closed(timeout=10)
    assert not client.disconnects and "1" not in [packet for _, packet in client.packets]
    # Released before the client could know: it is welcome elsewhere at once.
    again = clients.raw(cluster.nodes[1], name, cluster.token(name)).wait_connected(timeout=2)
    assert again.request("echo", 1) == [1]
    assert node.wait(15) == 0


def test_an_idle_node_ends_at_once(new_cluster):
    cluster = new_cluster(nodes=2, balancer=False)
    cluster.nodes[0].signal(signal.SIGTERM)
    assert cluster.nodes[0].wait(10) == 0


def test_drain_by_the_admin_api(new_cluster, clients, user):
    cluster = new_cluster(nodes=2)
    everyone = crowd(cluster, clients, user, ["node"], each=4)
    leaving = cluster.nodes[0]
    moving = [client for client in everyone if node_of(cluster, client) is leaving]
    assert moving
    assert leaving.admin.request("POST", "/v1/drain").status_code in (200, 202, 204)
    for client in moving:
        client.wait_connected(20, times=2)
    cluster.wait_online([c.user for c in everyone], node=cluster.nodes[1])
    for client in everyone:
        assert node_of(cluster, client) is cluster.nodes[1]


def test_sigterm_while_redis_is_away(new_cluster, clients, user):
    """The drain cannot release anybody, and ends all the same."""
    cluster = new_cluster(nodes=1, balancer=False)
    name = user()
    client = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()
    cluster.redis.kill()
    cluster.nodes[0].signal(signal.SIGTERM)
    client.wait_closed(timeout=20)
    assert cluster.nodes[0].wait(20) in (0, 1)
