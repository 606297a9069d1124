# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Whatever a client sends: the documented refusal, and nobody else notices."""

import json
import time

import pytest

from harness.raw import BINARY, CLOSE, PATH, PING, PONG, TEXT, Closed, RawPolling, RawSocket
from harness.tokens import make_token
from harness.waiting import eventually

POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture
def node(probe_cluster):
    return probe_cluster.nodes[0]


@pytest.fixture(autouse=True)
def witness(node, probe_cluster, clients, user):
    """Somebody else on the same node, who must not notice anything."""
    name = user("witness")
    client = clients.raw(node, name, probe_cluster.token(name)).wait_connected()
    assert client.request("echo", "before") == ["before"]
    yield client
    assert client.request("echo", "after") == ["after"]
    assert client.connected and len(client.connects) == 1


def until_closed(client, seconds=10):
    """All packets until the other side ends the connection."""
    packets = []
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            packets.append(client.read_packet())
    except (Closed, ConnectionError):
        return packets
    except TimeoutError:
        pass
    raise AssertionError(f"not closed: {packets}")


# HTTP

HTTP_ERRORS = [
    ("GET", "/socket.io/?EIO=4", 400, 0),
    ("GET", "/socket.io/?EIO=4&transport=carrier-pigeon", 400, 0),
    ("GET", "/socket.io/?EIO=4&transport=", 400, 0),
    ("GET", POLLING + "&sid=so-such-session-12345", 400, 1),
    ("GET", POLLING + "&sid=" + "x" * 3000, 400, 1),
    ("GET", POLLING + "&sid=%00%ff", 400, 1),
    ("POST", POLLING, 400, 2),
    ("GET", "/socket.io/?EIO=4&transport=websocket", 400, 3),
    ("GET", "/socket.io/?EIO=3&transport=polling", 400, 5),
    ("GET", "/socket.io/?EIO=99&transport=polling", 400, 5),
    ("GET", "/socket.io/?transport=polling", 400, 5),
]


@pytest.mark.parametrize("method, target, status, code", HTTP_ERRORS)
def test_http_errors(method, target, status, code, node):
    http = RawSocket(node.port)
    answer, headers, body = http.exchange(method, target)
    http.close()
    assert answer == status and json.loads(body)["code"] == code and json.loads(body)["message"]
    assert headers["content-type"].startswith("application/json")


def test_methods_on_a_session(node, clients):
    polling = clients.keep(RawPolling(node.port))
    for method in ["PUT", "DELETE", "PATCH"]:
        http = RawSocket(node.port)
        status, _, _ = http.exchange(method, polling.target())
        http.close()
        assert status in (400, 405, 500)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n" + b"X-Filler: y\r\n" * 20000 + b"\r\n",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 512,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x00" * 100_000,
        b"\xff" * 100_000,
    ],
    ids=lambda data: data[:30].decode("latin-1").encode("unicode_escape").decode() + f" ({len(data)})",
)
def test_what_is_not_http(request_bytes, node):
    """An HTTP error or the end of the connection; either way the end."""
    incomplete = request_bytes.startswith((b"\r\n", b"POST"))
    http = RawSocket(node.port)
    try:
        http.send(request_bytes)
        http.socket.settimeout(2 if incomplete else 15)
        while http.socket.recv(65536):
            pass
    except (ConnectionError, BrokenPipeError):
        pass
    except TimeoutError:
        # Nothing came: then the request counts as incomplete, and the connection waits for its rest within its bound.
        assert incomplete
    finally:
        http.close()


def test_an_upgrade_without_a_key(node):
    http = RawSocket(node.port)
    http.send_request("GET", PATH, {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"})
    assert http.read_response()[0] == 400
    http.close()


# WebSocket

FRAMES = {
    "not masked": lambda c: c.send_frame(TEXT, b"40", masked=False),
    "reserved bit": lambda c: c.send_frame(TEXT, b"40", reserved=4),
    "reserved opcode": lambda c: c.send_frame(3, b"40"),
    "continuation of nothing": lambda c: c.send_frame(0, b"40"),
    "fragmented ping": lambda c: c.send_frame(PING, b"x", final=False),
    "long ping": lambda c: c.send_frame(PING, b"x" * 126),
    "not UTF-8": lambda c: c.send_frame(TEXT, b"4\xff\xfe"),
    "length beyond 63 bits": lambda c: c.send(b"\x81\xff" + b"\xff" * 8 + b"mask"),
    "announced too large": lambda c: c.send(b"\x81\xff" + (1_000_001).to_bytes(8, "big") + b"mask"),
    "too large": lambda c: c.send_frame(TEXT, b"4" * 1_000_001),
    "too large in fragments": lambda c: (
        c.send_frame(TEXT, b"4" * 600_000, final=False),
        c.send_frame(0, b"4" * 600_000),
    ),
    "text within text": lambda c: (c.send_frame(TEXT, b"4", final=False), c.send_frame(TEXT, b"4")),
    "close of one byte": lambda c: c.send_frame(CLOSE, b"x"),
    "close with a code that does not exist": lambda c: c.send_frame(CLOSE, b"\x00\x01"),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_malformed_frames_end_the_connection(frame, node):
    client = RawSocket(node.port).upgrade()
    client.read_open()
    try:
        FRAMES[frame](client)
    except ConnectionError:
        pass
    assert until_closed(client) == []
    client.close()


def test_control_frames_are_answered(node):
    client = RawSocket(node.port).upgrade()
    client.read_open()
    client.send_frame(PONG, b"unasked")
    client.send_frame(PING, b"here?")
    assert client.read_frame() == (PONG, b"here?")
    client.close()


def test_fragments_are_put_together(node, probe_cluster, user):
    client = RawSocket(node.port).upgrade()
    client.read_open()
    packet = ('40{"token":"%s"}' % probe_cluster.token(user())).encode()
    client.send_frame(TEXT, packet[:7], final=False)
    client.send_frame(PING, b"between")
    client.send_frame(0, packet[7:20], final=False)
    client.send_frame(0, packet[20:])
    assert client.read_frame() == (PONG, b"between")
    assert client.read_packet().startswith("40{")
    client.close()


# Engine.IO and Socket.IO packets

BEFORE_CONNECT = [
    "",
    "9",
    "0{}",
    "6x",
    "2",
    "2probe",
    "5",
    "x",
    '42["echo",1]',
    "41",
    "430[1]",
    "44{}",
    "4",
    "49",
    "45",
    '451-["a"]',
]
CONNECTS = [
    "40[",
    "40[]",
    '40"x"',
    '40{"token":}',
    '40{"token":"a"',
    "40" + "[" * 50_000,
    '40{"token":"\\ud800"}',
    "400{}",
    "40,,",
]
AFTER_CONNECT = [
    "42",
    "42{}",
    "42[]",
    "42[",
    "42[1,",
    "42[null]",
    "42[{}]",
    '42["disconnect"]',
    '42["connect"]',
    '42["echo"',
    '42["echo",]',
    '42["echo","\\x"]',
    '4299999999999999999999999["echo"]',
    '42-1["echo"]',
    "43",
    "43x",
    "431{}",
    "44{}",
    "40{}",
    '45["a"]',
    '4511-["a"]',
    '45999999999999-["a"]',
    '451-["a",{"_placeholder":true,"num":0}]TEXT',
    "46",
    "47[]",
    "48",
    "4\u0000",
    "42" + "[" * 100_000,
    '42["echo",' + "[" * 50_000 + "]" * 50_000 + "]",
    "41x",
    '42/unknown,["echo",1]',
]


@pytest.mark.parametrize("packet", [*BEFORE_CONNECT, *CONNECTS], ids=lambda p: ascii(p)[:40])
def test_malformed_packets_before_connect(packet, node):
    """The connection ends, or the packet is ignored or refused; nobody is admitted by it."""
    client = RawSocket(node.port).upgrade()
    client.read_open()
    client.send_text(packet)
    # Whatever it made of that, a ping of the WebSocket is answered in order, or the connection is over.
    try:
        client.send_frame(PING, b"end")
        while (frame := client.read_frame())[0] not in (PONG, CLOSE):
            assert not frame[1].startswith(b"40"), frame
    except (Closed, ConnectionError):
        pass
    client.close()


@pytest.mark.parametrize("packet", AFTER_CONNECT, ids=lambda p: ascii(p)[:40])
def test_malformed_packets_after_connect(packet, node, probe_cluster, user):
    client = RawSocket(node.port).upgrade()
    client.read_open()
    client.send_connect(probe_cluster.token(user()))
    assert client.read_packet().startswith("40{")
    client.send_text(packet)
    try:
        client.send_frame(PING, b"end")
        while client.read_frame()[0] not in (PONG, CLOSE):
            pass
    except (Closed, ConnectionError):
        pass
    client.close()


CLOSING = ["42", "42{}", "42[]", '42["disconnect"]', "431{}", "44{}", "40{}", '4511-["a"]', "47[]", '42["echo",]']


@pytest.mark.parametrize("packet", CLOSING)
def test_what_the_protocol_forbids_closes_the_connection_and_frees_the_user(packet, node, probe_cluster, clients, user):
    name = user()
    client = clients.raw(node, name, probe_cluster.token(name)).wait_connected()
    client.socket.send_text(packet)
    client.wait_closed()
    assert clients.raw(probe_cluster.nodes[1], name, probe_cluster.token(name)).wait_connected()


def test_binary_that_nobody_announced(node, probe_cluster, clients, user):
    name = user()
    client = clients.raw(node, name, probe_cluster.token(name)).wait_connected()
    client.socket.send_frame(BINARY, b"\x00\x01")
    client.wait_closed()


def test_another_namespace(node, probe_cluster, user):
    client = RawSocket(node.port).upgrade()
    client.read_open()
    client.send_text('40/other,{"token":"%s"}' % probe_cluster.token(user()))
    packet = client.read_packet()
    assert packet.startswith("44/other,") and json.loads(packet[9:])["message"] == "Invalid namespace"
    client.close()


def test_malformed_packets_are_counted(node):
    before = node.admin.metrics()
    for _ in range(3):
        client = RawSocket(node.port).upgrade()
        client.read_open()
        client.send_text("x")
        until_closed(client)
        client.close()
        RawSocket(node.port).exchange("GET", "/socket.io/?EIO=4&transport=none")

    def grown():
        after = node.admin.metrics()
        grown = [name for name in after if after[name] >= before.get(name, 0) + 3]
        return [name for name in grown if "error" in name or "reason" in name or "closed" in name]

    eventually(grown, what="a counter of errors has grown")


# Long-polling


@pytest.mark.parametrize(
    "body", ["", "x", "\x1e", "\x1e\x1e", "4", "b!!!!", "bAAA", "9", "2\x1e", "4444" + "\x1e" * 1000]
)
def test_malformed_payloads(body, node, clients):
    polling = clients.keep(RawPolling(node.port))
    status, _ = polling.post(body)
    assert status in (200, 400)


def test_a_payload_too_large(node, clients):
    polling = clients.keep(RawPolling(node.port))
    try:
        status, _ = polling.post("4" * 1_000_001)
        assert status == 413
    except (Closed, ConnectionError):
        # Answered before all of it was read: the rest had nowhere to go.
        pass


def test_two_gets_at_once_end_the_session(node, clients):
    polling = clients.keep(RawPolling(node.port))
    polling.send_get()
    second = RawSocket(node.port)
    status, _, _ = second.exchange("GET", polling.target())
    second.close()
    assert status == 400
    assert polling.read()[0] == 200
    assert polling.get()[0] == 400


# Slowness


def test_who_sends_nothing_costs_nothing(node, clients):
    for _ in range(50):
        clients.raw_socket(node)
    for _ in range(50):
        clients.raw_socket(node).send(b"GET /socket.io/?EIO=4&tr")


def test_who_reads_nothing_is_cut_off_in_the_end(new_node, clients):
    """Its queue has a bound; the others go on meanwhile."""
    secret = "0123456789abcdef0123456789abcdef"
    node = new_node("--jwt-secret", secret, "--grant", "broadcast", "--max-queued-bytes", "262144").start()
    deaf = RawSocket(node.port).upgrade()
    deaf.read_open()
    deaf.send_connect(make_token(secret, "deaf"))
    assert deaf.read_packet().startswith("40{")
    speaker = clients.raw(node, "speaker", make_token(secret, "speaker")).wait_connected()
    big = "x" * 100_000

    def cut_off():
        assert speaker.request("broadcast", big) == [{"ok": True}]
        return "deaf" not in node.admin.online()

    eventually(cut_off, 30, "the deaf client is cut off")
    assert speaker.connected and speaker.request("echo", 1) == [1]
    deaf.close()
