# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Who is online, asked of any node's admin listener."""

from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pytest

from harness.cluster import LEASE
from harness.waiting import eventually, throughout


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Of this module's own: presence is compared with *all* who are connected."""
    from conftest import _cluster

    yield from _cluster(tmp_path_factory, "presence")


@pytest.fixture(autouse=True)
def nobody_left(cluster):
    yield
    cluster.wait_online([], timeout=15)


def connect_many(cluster, clients, user, count):
    made = []
    for number in range(count):
        name = user()
        made.append(clients.raw(cluster.nodes[number % 3], name, cluster.token(name)))
    return [client.wait_connected() for client in made]


def test_every_node_lists_exactly_the_connected_users(cluster, clients, user):
    names = [user("이용자"), user("a/b"), user("c d"), user(), user(), user()]
    kinds = ["raw", "python", "node", "python polling", "chromium upgrade", "chromium polling"]
    places = [cluster.nodes[0], cluster.nodes[1], cluster.nodes[2], cluster, cluster, cluster.nodes[0]]
    everyone = {}
    before = datetime.now(timezone.utc)
    for name, kind, place in zip(names, kinds, places):
        everyone[name] = clients.any(kind, place, name, cluster.token(name)).wait_connected()
        cluster.wait_online(everyone)
    for node in cluster.nodes:
        page = node.admin.json("/v1/presence")
        assert page["total"] == len(names) and page["cursor"] is None
        for item in page["items"]:
            (connection,) = item["connections"]
            client = everyone[item["user"]]
            assert connection["namespace"] == "/"
            assert connection["node"] == client.request("whoami")[0]["node"]
            connected_at = datetime.fromisoformat(connection["connectedAt"])
            assert connection["connectedAt"].endswith("Z")
            assert before - timedelta(seconds=1) <= connected_at <= datetime.now(timezone.utc) + timedelta(seconds=1)
            assert connection["address"].startswith("127.0.0.1")
            assert connection["sid"]
    # An upgrade comes to be known.
    expected = {"python polling": "polling", "chromium upgrade": "websocket", "chromium polling": "polling"}

    def transports():
        online = cluster.nodes[1].admin.online()
        return [online[name][0]["transport"] for name in names] == [expected.get(kind, "websocket") for kind in kinds]

    eventually(transports, what=f"the transports of {kinds}")
    for name in list(everyone):
        everyone.pop(name).close()
        cluster.wait_online(everyone)


def test_pages(cluster, clients, user):
    """A walk in small pages finds everybody."""
    names = {client.user for client in connect_many(cluster, clients, user, 60)}
    for limit in (1, 7, 25, 1000):
        for node in cluster.nodes:
            pages = list(node.admin.pages(limit))
            assert {item["user"] for page in pages for item in page["items"]} == names
            assert all(page["total"] == 60 for page in pages)
    assert len(list(cluster.nodes[0].admin.pages(7))) > 1


def test_the_users_of_one_node(cluster, clients, user):
    everyone = connect_many(cluster, clients, user, 9)
    for index, node in enumerate(cluster.nodes):
        page = cluster.nodes[0].admin.json("/v1/presence", node=node.name)
        assert {item["user"] for item in page["items"]} == {c.user for c in everyone[index::3]}


BAD_PAGES = ["limit=0", "limit=-1", "limit=x", "limit=99999999999999999999", "cursor=nonsense", "cursor=99999.1"]


@pytest.mark.parametrize("query", BAD_PAGES)
def test_bad_pages_are_refused(query, cluster):
    response = cluster.nodes[0].admin.get(f"/v1/presence?{query}")
    assert response.status_code in (200, 400), response.text
    if response.status_code == 400:
        assert response.headers["content-type"].startswith("application/problem+json")
        assert response.json()["status"] == 400 and response.json()["code"]


@pytest.mark.parametrize("name", ["이용자", "a/b", "c d", "e%2Ff", "g?h", "#", "..", "plus+plus"])
def test_one_user(name, cluster, clients):
    path = "/v1/presence/" + quote(name, safe="").replace(".", "%2E")
    for node in cluster.nodes:
        answer = node.admin.get(path)
        assert answer.status_code == 404 and answer.headers["content-type"].startswith("application/problem+json")
    client = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()
    for node in cluster.nodes:
        item = node.admin.json(path)
        assert item["user"] == name and [c["node"] for c in item["connections"]] == ["n1"]
    client.close()
    eventually(lambda: cluster.nodes[1].admin.get(path).status_code == 404, what="offline")


@pytest.mark.parametrize("kind", ["node", "python", "chromium polling"])
def test_disconnecting_a_user_anywhere(kind, cluster, clients, user):
    name, other = user(), user()
    witness = clients.raw(cluster.nodes[0], other, cluster.token(other)).wait_connected()
    client = clients.any(kind, cluster.nodes[0], name, cluster.token(name)).wait_connected()
    response = cluster.nodes[2].admin.request("DELETE", f"/v1/presence/{name}")
    assert (response.status_code, response.json()) == (200, {"disconnected": 1})
    client.wait(lambda: client.disconnects, what="the client is disconnected")
    # By a DISCONNECT packet: it must not come back by itself.
    throughout(lambda: not client.connected, 1.5, "it stays away")
    if kind != "python":
        assert client.disconnects == ["io server disconnect"] and not client.active
    cluster.wait_online([other])
    assert witness.request("echo", 1) == [1]
    # By hand it may.
    assert clients.raw(cluster.nodes[1], name, cluster.token(name)).wait_connected()
    assert cluster.nodes[2].admin.request("DELETE", f"/v1/presence/{user()}").json() == {"disconnected": 0}


def join_that_is_told(stream, cluster, node, clients, user):
    """The client, its user and the event of its coming. Until a first reader's node listens, events are missed: a reset tells."""
    while True:
        resets, name = stream.count("reset"), user()
        client = clients.raw(node, name, cluster.token(name)).wait_connected()
        eventually(lambda: stream.of(name) or stream.count("reset") > resets, what=f"join of {name}, or a reset")
        if stream.of(name):
            return client, name, stream.wait_for("join", name)
        client.close()


def test_events_of_the_whole_cluster(cluster, clients, user):
    names = []
    with cluster.nodes[1].admin.events() as stream:
        stream.wait_for("reset")
        for node in cluster.nodes:
            client, name, (_, data, number) = join_that_is_told(stream, cluster, node, clients, user)
            names.append(name)
            assert data["node"] == node.name and number
            assert datetime.fromisoformat(data["time"]).tzinfo
            client.close()
            _, data, _ = stream.wait_for("leave", name)
            assert data["user"] == name
        for name in names:
            assert stream.of(name) == ["join", "leave"]
        times = [datetime.fromisoformat(data["time"]) for kind, data, _ in stream.events if kind == "reset"]
        assert min(times) > datetime.now().astimezone() - timedelta(minutes=10)


def test_events_are_resumed(cluster, clients, user):
    missed = user()
    admin = cluster.nodes[1].admin
    with admin.events() as stream:
        _, first, (_, _, last) = join_that_is_told(stream, cluster, cluster.nodes[0], clients, user)
    clients.raw(cluster.nodes[2], missed, cluster.token(missed)).wait_connected()
    with admin.events(last) as stream:
        stream.wait_for("join", missed)
        assert stream.of(first) == [] and "reset" not in [kind for kind, _, _ in stream.events]
    with admin.events("nonsense") as stream:
        stream.wait_for("reset")


def test_nodes(cluster, clients, user):
    everyone = connect_many(cluster, clients, user, 5)

    def counted():
        nodes = cluster.nodes[0].admin.json("/v1/nodes")
        nodes = nodes["items"] if isinstance(nodes, dict) else nodes
        by_id = {node["id"]: node for node in nodes}
        return by_id if [by_id[n]["connections"] for n in ("n1", "n2", "n3")] == [2, 2, 1] else None

    nodes = eventually(counted, what="all nodes with their connections")
    assert sorted(nodes) == ["n1", "n2", "n3"]
    for node in cluster.nodes:
        assert nodes[node.name]["draining"] is False
        assert str(node.sid_prefix) in str(nodes[node.name])
    assert len(everyone) == 5


def test_rooms_and_namespaces(cluster, clients, user):
    room = user("room")
    for client in connect_many(cluster, clients, user, 3):
        client.request("join", room)
    assert "/" in str(cluster.nodes[0].admin.json("/v1/namespaces"))
    rooms = cluster.nodes[0].admin.json("/v1/rooms", namespace="/")
    assert room in str(rooms)


def test_a_dead_nodes_users_leave_the_list(new_cluster, clients, user):
    cluster = new_cluster(balancer=False)
    everyone = connect_many(cluster, clients, user, 6)
    cluster.wait_online([client.user for client in everyone])
    with cluster.nodes[1].admin.events() as stream:
        cluster.nodes[0].kill()
        dead = everyone[0::3]
        cluster.wait_online([client.user for client in everyone if client not in dead], timeout=LEASE + 10)
        for client in dead:
            stream.wait_for("leave", client.user, timeout=15)
    # Their index is cleaned up as well: the totals agree.
    eventually(lambda: cluster.nodes[1].admin.json("/v1/presence")["total"] == 4, 15, "the total agrees")


# The admin listener itself


def test_openapi_and_the_admin_page(cluster):
    admin = cluster.nodes[0].admin
    document = admin.get("/openapi.yaml")
    assert document.status_code == 200 and "openapi: 3.1" in document.text
    for path in ["presence", "presence/{user}", "presence/events", "nodes", "namespaces", "rooms", "emit", "drain"]:
        assert f"/v1/{path}:" in document.text, path
    page = admin.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")


def test_the_admin_page_shows_who_is_online(cluster, clients, user, chromium):
    names = [client.user for client in connect_many(cluster, clients, user, 3)]
    page = chromium.new_page()
    try:
        page.goto(cluster.nodes[0].admin.url)
        for text in [*names, "n1", "n2", "n3"]:
            page.get_by_text(text, exact=False).first.wait_for(timeout=10_000)
    finally:
        page.close()


def test_metrics_are_counted_and_carry_no_user(cluster, clients, user):
    (client,) = connect_many(cluster, clients, user, 1)
    admin = cluster.nodes[0].admin
    before = admin.metrics()
    for number in range(10):
        client.request("echo", number)
    eventually(lambda: sum(admin.metrics().values()) > sum(before.values()), what="something is counted")
    assert client.user not in admin.get("/metrics").text
    assert client.connects[0] not in admin.get("/metrics").text


def test_the_token_guards_everything_but_health(new_node):
    secret, token = "0123456789abcdef0123456789abcdef", "admin-token-of-this-test"
    node = new_node("--jwt-secret", secret, "--admin-token", token).start()
    admin = node.admin
    for path in ["/healthz", "/readyz"]:
        assert admin.get(path).status_code == 200
    reads = ["/v1/presence", "/v1/presence/a", "/v1/presence/events", "/v1/nodes", "/v1/namespaces", "/v1/rooms"]
    writes = [("DELETE", "/v1/presence/a"), ("POST", "/v1/emit"), ("POST", "/v1/drain")]
    guarded = [*(("GET", path) for path in [*reads, "/metrics"]), *writes]
    wrong = ["Bearer", "Bearer wrong", f"Basic {token}", f"Bearer {token}x", f"bearer  {token[:-1]}"]
    for authorization in [None, *wrong]:
        admin.headers = {"Authorization": authorization} if authorization else {}
        for method, path in guarded:
            response = admin.request(method, path)
            assert response.status_code == 401, (method, path, authorization)
            assert response.headers["content-type"].startswith("application/problem+json")
            assert token not in response.text
    admin.headers = {"Authorization": f"Bearer {token}"}
    assert admin.get("/v1/presence").json()["total"] == 0
    assert admin.get("/metrics").status_code == 200
    assert token not in node.logged() and secret not in node.logged()


@pytest.mark.parametrize(
    "method, path, body, statuses",
    [
        ("POST", "/v1/emit", b"", (400, 415, 422)),
        ("POST", "/v1/emit", b"{", (400, 422)),
        ("POST", "/v1/emit", b"[]", (400, 422)),
        ("POST", "/v1/emit", b'{"event":1}', (400, 422)),
        ("POST", "/v1/emit", b'{"args":[]}', (400, 422)),
        ("POST", "/v1/emit", b'{"event":"x","args":{}}', (400, 422)),
        ("POST", "/v1/emit", b'{"event":"x","rooms":"a"}', (400, 422)),
        ("POST", "/v1/emit", b'{"event":"disconnect"}', (400, 422)),
        ("POST", "/v1/emit", b'{"event":"x","namespace":"/other"}', (400, 404, 422)),
        ("POST", "/v1/emit", b'{"event":"\xff"}', (400, 422)),
        ("POST", "/v1/emit", b'{"event":"' + b"x" * 3_000_000 + b'"}', (400, 413, 422)),
        ("POST", "/v1/emit", b"[" * 100_000, (400, 413, 422)),
        ("GET", "/v1/nothing", b"", (404,)),
        ("PUT", "/v1/presence", b"", (404, 405)),
        ("GET", "/v1/presence/%ff%fe", b"", (400, 404)),
        ("GET", "/v1/presence/%", b"", (400, 404)),
        ("GET", "/v1/presence/" + "x" * 5000, b"", (400, 404, 414, 431)),
        ("GET", "/v1/rooms?namespace=%00", b"", (200, 400, 404)),
    ],
)
def test_malformed_admin_requests(method, path, body, statuses, cluster, clients, user):
    name = user()
    witness = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()
    response = cluster.nodes[0].admin.request(method, path, data=body, **{"timeout": 20})
    assert response.status_code in statuses, response.text
    if response.status_code >= 400 and response.status_code not in (414, 431):
        assert response.headers["content-type"].startswith("application/problem+json"), response.headers
        problem = response.json()
        assert problem["status"] == response.status_code and problem["title"] and problem["code"]
    assert witness.request("echo", 1) == [1]
