# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""TLS: the listener's, and that of the connections to Redis; Redis by a Unix socket."""

import contextlib
import socket
import ssl

import pytest
import requests

from harness.certificates import DAY, Authority
from harness.cluster import DUPLICATE_MESSAGE
from harness.javascript_client import JavaScriptClient, NodeRuntime
from harness.node import run_rollcall
from harness.processes import ManagedProcess
from harness.redis_server import RedisServer
from harness.tokens import make_token
from harness.waiting import eventually

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Nobody trusts it."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def server(authority):
    return authority.issue("server")


@pytest.fixture
def node(new_node, server):
    flags = ["--jwt-secret", SECRET, "--tls-certificate", server.certificate, "--tls-key", server.key]
    return new_node(*flags).start()


# The listener.


@pytest.mark.parametrize(
    "transports, last", [(["websocket"], "websocket"), (["polling"], "polling"), (["polling", "websocket"], "websocket")]
)
def test_python_client(transports, last, node, authority, clients):
    session = requests.Session()
    session.trust_env = False
    # The library hands this on to its WebSocket.
    session.verify = str(authority.certificate)
    token = make_token(SECRET, "alice")
    client = clients.python(node, "alice", token, transports=transports, http_session=session).wait_connected()
    client.wait(lambda: client.transport == last, what=f"the transport is {last}")
    for payload in ["hello", "x" * 200_000, b"\0\1" * 1000]:
        assert client.request("echo", payload) == [payload]
    item = node.admin.json("/v1/presence/alice")
    assert [connection["transport"] for connection in item["connections"]] == [last]


def test_official_javascript_client(node, authority, clients):
    runtime = NodeRuntime(NODE_EXTRA_CA_CERTS=str(authority.certificate))
    try:
        token = make_token(SECRET, "bob")
        client = JavaScriptClient(runtime, node.url, "bob", token, transports=["websocket"])
        client.wait_connected()
        assert client.request("echo", "hello", {"a": [1]}) == ["hello", {"a": [1]}]
        client.close()
    finally:
        runtime.close()


def test_what_is_not_tls_is_turned_away(node, authority):
    """And leaves nothing behind: the next one is served."""
    for opening in [b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\xff\xff", b""]:
        with socket.create_connection(("127.0.0.1", node.port), 10) as plain:
            with contextlib.suppress(OSError):  # it may have ended the connection already
                plain.sendall(opening)
                plain.shutdown(socket.SHUT_WR)
                assert b"sid" not in plain.recv(1000)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{node.url}/socket.io/?EIO=4&transport=polling", timeout=10)
    answer = requests.get(
        f"{node.url}/socket.io/?EIO=4&transport=polling", timeout=10, verify=str(authority.certificate)
    )
    assert answer.status_code == 200 and '"sid"' in answer.text
    assert node.running


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_versions_of_tls_are_refused(node, authority):
    context = ssl.create_default_context(cafile=authority.certificate)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", node.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            assert wrapped.version() == "TLSv1.2"
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", node.port), 10) as plain, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(plain, server_hostname="localhost")


# Bad files.


@pytest.mark.parametrize(
    "flag, key_flag", [("--tls-certificate", "--tls-key"), ("--redis-certificate", "--redis-key")]
)
def test_bad_files(flag, key_flag, tmp_path, authority, server, stranger):
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    junk_key = tmp_path / "junk.key"
    junk_key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    expired = authority.issue("expired", valid=-DAY)
    cases = [
        ([flag, server.certificate, key_flag, "/no/such/file"], [key_flag, "/no/such/file", "No such file"]),
        ([flag, "/no/such/file", key_flag, server.key], [flag, "/no/such/file", "No such file"]),
        ([flag, server.certificate], [flag, key_flag]),
        ([flag, server.certificate, key_flag, stranger.key], [key_flag, "is not that of the certificate"]),
        ([flag, expired.certificate, key_flag, expired.key], [flag, "has expired"]),
        ([flag, junk, key_flag, server.key], [flag, "holds no certificate"]),
        ([flag, server.certificate, key_flag, junk_key], [key_flag, "holds no private key"]),
    ]
    redis = ["--redis-url", "rediss://127.0.0.1:1"] if "redis" in flag else []
    for flags, words in cases:
        for command in [["serve", "--port", 0, "--admin-port", 0], ["config", "check"]]:
            result = run_rollcall(*command, "--jwt-secret", SECRET, *redis, *flags)
            assert result.returncode == 78, (flags, result.stdout, result.stderr)
            assert len(result.stderr.strip().splitlines()) == 1, result.stderr
            assert all(word in result.stderr for word in words), (words, result.stderr)


def test_a_bad_authority(tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    result = run_rollcall(
        "config", "check", "--jwt-secret", SECRET, "--redis-url", "rediss://127.0.0.1:1", "--redis-ca", junk
    )
    assert result.returncode == 78 and "--redis-ca" in result.stderr and "holds no certificate" in result.stderr


# Redis.


def works_as_one(cluster, clients, user):
    """A duplicate is refused and a broadcast arrives on the other node."""
    name, other = user(), user()
    first = clients.raw(cluster.nodes[0], name, cluster.token(name)).wait_connected()
    refused = clients.raw(cluster.nodes[1], name, cluster.token(name))
    assert refused.wait_refused()["message"] == DUPLICATE_MESSAGE
    second = clients.raw(cluster.nodes[1], other, cluster.token(other)).wait_connected()
    assert second.request("broadcast", "hello") == [{"ok": True}]
    first.wait_event("broadcast", "hello")


@pytest.mark.parametrize("password", [None, "a-password-of-redis"])
def test_a_cluster_over_tls(password, new_cluster, authority, server, clients, user):
    own = authority.issue("node")
    flags = ["--redis-ca", authority.certificate, "--redis-certificate", own.certificate, "--redis-key", own.key]
    cluster = new_cluster(
        nodes=2, balancer=False, password=password, redis_tls=(server, authority), redis_flags=flags
    )
    works_as_one(cluster, clients, user)


def test_a_cluster_over_a_unix_socket(new_cluster, clients, user):
    cluster = new_cluster(nodes=2, balancer=False, redis_url=lambda redis: f"unix://{redis.path}")
    works_as_one(cluster, clients, user)


@pytest.fixture
def tls_redis(tmp_path):
    made = []

    def make(certificate, authority):
        redis = RedisServer(tmp_path, tls=(certificate, authority))
        made.append(redis)
        return redis.start()

    yield make
    for redis in made:
        ManagedProcess.all.remove(redis)
        redis.end()


UNTRUSTED = {
    "another authority": "not signed by a trusted authority",
    "no authority": "not signed by a trusted authority",
    "expired": "has expired",
    "another host": "not for this host name",
    "no client certificate": "--redis-certificate",
    "a client certificate of a stranger": "refuses",
}


@pytest.mark.parametrize("case", UNTRUSTED)
def test_an_untrusted_redis(case, tls_redis, new_node, authority, server, stranger):
    """The node is not ready and says why, in one line without the words of the TLS library."""
    own = authority.issue("node")
    strange = stranger.issue("node")
    certificate = {
        "expired": lambda: authority.issue("expired-redis", valid=-DAY),
        "another host": lambda: authority.issue("elsewhere", hosts=["redis.example"]),
    }.get(case, lambda: server)()
    redis = tls_redis(certificate, authority)
    url, ca, mine = redis.url, ["--redis-ca", authority.certificate], own
    if case == "another authority":
        ca = ["--redis-ca", stranger.certificate]
    elif case == "no authority":
        ca = []
    elif case == "no client certificate":
        mine = None
    elif case == "a client certificate of a stranger":
        mine = strange
    elif case == "another host":
        url = url.replace("127.0.0.1", "localhost")
    flags = [*ca, *(["--redis-certificate", mine.certificate, "--redis-key", mine.key] if mine else [])]
    node = new_node("--jwt-secret", SECRET, "--redis-url", url, *flags)
    node.start(ready=False)
    eventually(lambda: UNTRUSTED[case] in node.logged(), 15, f"it says {UNTRUSTED[case]}")
    assert node.admin.readiness() == 503
    lines = [line for line in node.logged().splitlines() if "no connection to Redis" in line]
    assert lines and all("TLS: " in line and "OPENSSL" not in line and ".cc:" not in line for line in lines), lines
    assert node.running
