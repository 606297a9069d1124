# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""A broadcast from each node reaches every client of every node exactly once, in the order of its sender."""

import pytest


def crowd(cluster, clients, user, kinds):
    """One client of each kind on each node."""
    made = []
    for node in cluster.nodes:
        for kind in kinds:
            name = user()
            made.append(clients.any(kind, node, name, cluster.token(name)))
    return [client.wait_connected() for client in made]


def arrived(client, run, index, count):
    """What came of one sender, in the order of arrival."""

    def got():
        return [a[2] for a in client.arguments_of("broadcast") if a[:2] == [run, index]]

    if client.kind != "python":
        return got()
    # This library gives each message to a thread of its own: they may overtake each other after their arrival.
    client.wait(lambda: len(got()) >= count, what="the threads of all messages")
    return sorted(got(), key=lambda number: (isinstance(number, str), number))


CROWDS = [["raw", "raw", "python", "node"], ["python polling", "python upgrade", "chromium polling"]]


@pytest.mark.parametrize("kinds", CROWDS)
def test_everybody_gets_each_broadcast_once(kinds, probe_cluster, clients, user):
    everyone = crowd(probe_cluster, clients, user, kinds)
    run = user("run")
    senders = everyone[:: len(kinds)]
    assert len(senders) == 3
    for number in range(50):
        for index, sender in enumerate(senders):
            sender.emit("broadcast", run, index, number)
    for index, sender in enumerate(senders):
        assert sender.request("broadcast", run, index, "end") == [{"ok": True}]
    expected = [*range(50), "end"]
    for client in everyone:
        for index in range(3):
            # Each sender's last one comes last, so that all that could come from it has come.
            client.wait_event("broadcast", run, index, "end", timeout=20)
        for index in range(3):
            assert arrived(client, run, index, len(expected)) == expected, f"{client}, from node {index + 1}"


def test_the_acknowledgement_and_the_senders_own_copy(probe_cluster, clients, user):
    name = user()
    client = clients.raw(probe_cluster.nodes[0], name, probe_cluster.token(name)).wait_connected()
    assert client.request("broadcast", name, {"a": [1]}, None) == [{"ok": True}]
    client.wait_event("broadcast", name, {"a": [1]}, None)
    assert client.request("echo", "after") == ["after"]
    assert len([a for a in client.arguments_of("broadcast") if a[0] == name]) == 1


def test_binary_broadcast_across_nodes(probe_cluster, clients, user):
    name, other = user(), user()
    sender = clients.python(probe_cluster.nodes[0], name, probe_cluster.token(name)).wait_connected()
    receiver = clients.node_js(probe_cluster.nodes[2], other, probe_cluster.token(other)).wait_connected()
    sender.request("broadcast", name, b"\x00\x01\xff")
    receiver.wait_event("broadcast", name, b"\x00\x01\xff")


def test_who_connects_later_does_not_get_earlier_broadcasts(probe_cluster, clients, user):
    one, two = user(), user()
    sender = clients.raw(probe_cluster.nodes[0], one, probe_cluster.token(one)).wait_connected()
    assert sender.request("broadcast", one, "early") == [{"ok": True}]
    sender.wait_event("broadcast", one, "early")
    # The nodes' messages are in order: when "late" has come, "early" would have come.
    late = clients.raw(probe_cluster.nodes[0], two, probe_cluster.token(two)).wait_connected()
    sender.request("broadcast", one, "late")
    late.wait_event("broadcast", one, "late")
    assert [a[1] for a in late.arguments_of("broadcast") if a[0] == one] == ["late"]


def test_the_administrator_reaches_everybody(probe_cluster, clients, user):
    everyone = crowd(probe_cluster, clients, user, ["raw", "python"])
    tag = user("news")
    for node in probe_cluster.nodes:
        answer = node.admin.request("POST", "/v1/emit", json={"event": tag, "args": [node.name, {"n": 1}]})
        assert answer.status_code == 202, answer.text
    for client in everyone:
        for node in probe_cluster.nodes:
            client.wait_event(tag, node.name, {"n": 1})
        assert len(client.arguments_of(tag)) == 3
