# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""What the log says of clients that are refused or sent away: one line each, and no secret."""

import json

from harness.tokens import make_token
from harness.waiting import eventually


def lines(node, code):
    logged = [json.loads(line) for line in node.logged().splitlines() if line.startswith("{")]
    return [line for line in logged if line.get("code") == code]


def line(node, code, level, message):
    """The only one with this code."""
    found = eventually(lambda: lines(node, code), 10, f"a line with {code}")
    assert len(found) == 1, found
    assert (found[0]["level"], found[0]["message"]) == (level, message), found
    assert found[0]["address"] == "127.0.0.1" and found[0]["reason"]
    return found[0]


def test_each_refusal_is_one_line(new_cluster, clients, user):
    cluster = new_cluster(nodes=2, duplicates="replace", balancer=False, flags=["--log-level", "debug"])
    one, two = cluster.nodes
    name = user()
    old = clients.raw(one, name, cluster.token(name)).wait_connected()
    new = clients.raw(two, name, cluster.token(name)).wait_connected()
    old.wait(lambda: old.disconnects, what="replaced")
    assert line(one, "REPLACED", "info", "connection closed")["user"] == name

    assert two.admin.request("DELETE", f"/v1/presence/{name}").status_code == 200
    new.wait(lambda: new.disconnects, what="kicked")
    assert line(two, "KICKED", "info", "connection closed")["user"] == name

    clients.raw(one, "x", cluster.token("x", ttl=-99)).wait_refused()
    assert "user" not in line(one, "TOKEN_EXPIRED", "debug", "connection refused")
    strange = make_token("another-secret-of-thirty-two-bytes", "x")
    cluster.secrets |= {strange, strange.rpartition(".")[2]}
    clients.raw(one, "x", strange).wait_refused()
    assert "user" not in line(one, "TOKEN_INVALID", "debug", "connection refused")
    clients.raw(one, "x", "").wait_refused()
    line(one, "TOKEN_MISSING", "debug", "connection refused")


def test_a_duplicate_is_a_line_at_the_default_level(new_cluster, clients, user):
    cluster = new_cluster(nodes=2, duplicates="reject", balancer=False)
    one, two = cluster.nodes
    name = user()
    clients.raw(one, name, cluster.token(name)).wait_connected()
    clients.raw(two, name, cluster.token(name)).wait_refused()
    assert line(two, "USER_ALREADY_CONNECTED", "info", "connection refused")["user"] == name
    clients.raw(two, "x", "no-token").wait_refused()
    assert not lines(two, "TOKEN_INVALID") and not lines(one, "USER_ALREADY_CONNECTED")


def test_a_flood_of_bad_tokens_is_no_flood_of_lines(new_cluster, clients):
    cluster = new_cluster(nodes=1, balancer=False, flags=["--log-level", "debug"])
    node = cluster.nodes[0]
    client = clients.raw(node, "x", "bad")
    client.wait_refused()
    for _ in range(2000):
        client.socket.send_connect("bad")
    client.wait(lambda: len(client.refusals) >= 2000, what="all are refused", timeout=30)
    assert 100 <= len(lines(node, "TOKEN_INVALID")) < len(client.refusals)
