# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""A client that drops in any phase of its handshake locks nobody out: the same user can connect at once."""

import time

import pytest

from harness.raw import PATH, RawPolling, RawSocket
from harness.waiting import eventually

# After the CONNECT packet, in milliseconds: middleware runs, the claim is sent, is answered, the answer is on its way.
DELAYS = [0, 0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30]


def tcp_open(port, token):
    return RawSocket(port)


def half_a_request(port, token):
    client = RawSocket(port)
    client.send(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgr".encode())
    return client


def upgrade_sent(port, token):
    client = RawSocket(port)
    client.send_upgrade()
    return client


def websocket_open(port, token):
    return RawSocket(port).upgrade()


def open_packet_read(port, token):
    client = RawSocket(port).upgrade()
    client.read_open()
    return client


def half_a_connect(port, token):
    client = open_packet_read(port, token)
    client.send(b"\x81\xfe\x01")
    return client


def connect_sent(port, token):
    client = open_packet_read(port, token)
    client.send_connect(token)
    return client


def connect_answered(port, token):
    client = connect_sent(port, token)
    assert client.read_packet().startswith("40{")
    return client


def first_event_sent(port, token):
    client = connect_answered(port, token)
    client.send_text('421["echo",1]')
    return client


def first_event_answered(port, token):
    client = first_event_sent(port, token)
    assert client.read_packet() == "431[1]"
    return client


PHASES = [
    tcp_open,
    half_a_request,
    upgrade_sent,
    websocket_open,
    open_packet_read,
    half_a_connect,
    connect_answered,
    first_event_sent,
    first_event_answered,
]


@pytest.fixture(params=["direct, same node", "direct, another node", "balancer"])
def ports(request):
    """Functions of a cluster: where the one that drops was, and where the next one goes."""
    return {
        "direct, same node": lambda cluster: (cluster.nodes[0].port, cluster.nodes[0]),
        "direct, another node": lambda cluster: (cluster.nodes[0].port, cluster.nodes[1]),
        "balancer": lambda cluster: (cluster.port, cluster),
    }[request.param]


def connects_at_once(cluster, place, name, clients):
    client = clients.raw(place, name, cluster.token(name)).wait_answered()
    assert client.connected, client
    assert client.request("echo", "here") == ["here"]
    client.close()


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_drop_in_each_phase(phase, reset, ports, probe_cluster, clients, user):
    name = user()
    dropping, place = ports(probe_cluster)
    phase(dropping, probe_cluster.token(name)).drop(reset)
    connects_at_once(probe_cluster, place, name, clients)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_drop_at_each_moment_after_connect(reset, ports, probe_cluster, clients, user):
    """The same user throughout: what one drop left behind would stand in the way of the next one."""
    name = user()
    dropping, place = ports(probe_cluster)
    for delay in DELAYS:
        client = connect_sent(dropping, probe_cluster.token(name))
        # The moment is what is being tried; nothing depends on where in the handshake it falls.
        time.sleep(delay / 1000)
        client.drop(reset)
        connects_at_once(probe_cluster, place, name, clients)
    clients.raw(place, name, probe_cluster.token(name)).wait_connected()
    assert len(probe_cluster.nodes[2].admin.online()[name]) == 1


@pytest.mark.parametrize("phase", [*PHASES, connect_sent], ids=lambda phase: phase.__name__)
def test_policy_reject_locks_nobody_out_either(phase, reject_cluster, clients, user):
    """Here an open connection is believed unasked: one that has gone must have been noticed in time."""
    name = user()

    def admitted():
        client = clients.raw(reject_cluster.nodes[1], name, reject_cluster.token(name)).wait_answered()
        client.close()
        return bool(client.connects)

    for reset in (False, True):
        phase(reject_cluster.nodes[0].port, reject_cluster.token(name)).drop(reset)
        # The end of the first one may still be on its way to its own node when the other node asks about it; but that is
        # noticed long before the ping timeout (45 s).
        eventually(admitted, 10, "admitted")
        reject_cluster.wait_offline(name)


def test_twenty_drops_in_a_row_leave_nothing(probe_cluster, clients, user):
    """Neither presence nor the nodes keep anything of connections that never came to be."""
    names = [user() for _ in range(20)]
    for number, name in enumerate(names):
        connect_sent(probe_cluster.nodes[number % 3].port, probe_cluster.token(name)).drop(number % 2)
    admin = probe_cluster.nodes[0].admin

    def gone():
        return not set(names) & set(admin.online())

    clients.raw(probe_cluster.nodes[0], "x", probe_cluster.token(user())).wait(gone, 10, "nobody of them is listed")


# Long-polling


def test_a_polling_client_that_drops_after_the_handshake(ports, probe_cluster, clients, user):
    name = user()
    dropping, place = ports(probe_cluster)
    RawPolling(dropping).close()
    connects_at_once(probe_cluster, place, name, clients)


@pytest.mark.parametrize("waiting", [False, True], ids=["no GET waits", "a GET waits"])
def test_a_polling_client_that_drops_with_its_connect_sent(waiting, ports, probe_cluster, clients, user):
    name = user()
    dropping, place = ports(probe_cluster)
    polling = RawPolling(dropping)
    polling.post('40{"token":"%s"}' % probe_cluster.token(name))
    if waiting:
        polling.send_get()
    polling.close()
    connects_at_once(probe_cluster, place, name, clients)


def test_a_polling_client_that_drops_while_its_get_waits(ports, probe_cluster, clients, user):
    name = user()
    dropping, place = ports(probe_cluster)
    polling = RawPolling(dropping)
    assert polling.connect(probe_cluster.token(name)).startswith("40{")
    polling.send_get()
    polling.close()
    connects_at_once(probe_cluster, place, name, clients)


def test_an_upgrade_that_drops_half_way(ports, probe_cluster, clients, user):
    """The polling session stays: only the candidate is gone. It ends when its own client goes."""
    name = user()
    dropping, place = ports(probe_cluster)
    polling = RawPolling(dropping)
    assert polling.connect(probe_cluster.token(name)).startswith("40{")
    candidate = RawSocket(dropping).upgrade(f"{PATH}&sid={polling.sid}")
    candidate.send_text("2probe")
    assert candidate.read_packet() == "3probe"
    candidate.drop(True)
    assert polling.post('421["echo",1]') == (200, "ok")
    status, packets = polling.get()
    while "431[1]" not in packets:
        assert status == 200 and packets == ["6"], packets
        status, packets = polling.get()
    polling.send_get()
    polling.close()
    connects_at_once(probe_cluster, place, name, clients)
