# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Every kind of bad input, many times over: the documented answer, a counter with a reason, the memory back to where it
was, no session left, and everybody else undisturbed."""

import contextlib
import json
import os
import struct
import threading
from dataclasses import dataclass

import pytest

from harness.raw import BINARY, CLOSE, PING, TEXT, Closed, RawClient, RawPolling, RawSocket
from harness.tokens import make_token
from harness.waiting import eventually

SECRET = "0123456789abcdef0123456789abcdef"
POLLING = "/socket.io/?EIO=4&transport=polling"

# What a node may have grown by after an attack: less than a kilobyte for each of the attempts, or this.
SLACK = 6 << 20


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A node of its own: what others do must not count."""
    from harness.node import Node
    from harness.processes import ManagedProcess

    # The shortest lease, since the time for a CONNECT must be longer than any wait for a user.
    flags = ["--jwt-secret", SECRET, "--lease", "2s", "--connect-timeout", "11s", "--event-loops", "1"]
    node = Node(tmp_path_factory.mktemp("hostile"), "hostile", "ho", flags)
    node.start()
    yield node
    ManagedProcess.all.remove(node)
    node.end()
    assert "Fatal error" not in node.logged(), node.tail(60)


class Witness:
    """Somebody else on the node, who says something all the time and must be answered each time."""

    def __init__(self, node):
        self.client = RawClient(node.port, "witness", make_token(SECRET, "witness")).wait_connected()
        self.answered = 0
        self.failure = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self):
        try:
            while not self._stop.wait(0.01):
                assert self.client.request("echo", self.answered) == [self.answered]
                self.answered += 1
        except Exception as error:  # told to the test, which is another thread
            self.failure = error

    def check(self):
        before = self.answered
        eventually(lambda: self.failure or self.answered > before + 3, what="the witness is answered")
        assert self.failure is None, self.failure
        assert self.client.connected and len(self.client.connects) == 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)
        self.client.close()


# Attacks. Each is one client's, says itself what the answer must be, and leaves nothing behind on this side.


def http(node, method, target, status, code=None, headers=(), body=b""):
    connection = RawSocket(node.port)
    try:
        answer, _, content = connection.exchange(method, target, headers, body)
        assert answer == status, (answer, content)
        if code is not None:
            assert json.loads(content)["code"] == code
    finally:
        connection.close()


def bytes_over_tcp(data, *statuses):
    """An HTTP error, or the end of the connection without one."""

    def attack(node, _):
        connection = RawSocket(node.port)
        try:
            connection.send(data)
            status, _, _ = connection.read_response()
            assert status in statuses, status
            until_end(connection)
        except (Closed, ConnectionError):
            pass
        finally:
            connection.close()

    return attack


def until_end(connection):
    with contextlib.suppress(ConnectionError):
        while connection.socket.recv(65536):
            pass


def open_socket(node):
    connection = RawSocket(node.port).upgrade()
    connection.read_open()
    return connection


def admitted(node, user):
    connection = open_socket(node)
    connection.send_connect(make_token(SECRET, user))
    packet = connection.read_packet()
    assert packet.startswith("40{"), packet
    return connection


def close_code(connection):
    """The code with which the server closes; None for a close without one, or the end of the stream."""
    try:
        while True:
            opcode, payload = connection.read_frame()
            if opcode == CLOSE:
                return struct.unpack(">H", payload[:2])[0] if payload else None
    except (Closed, ConnectionError):
        return None


def frame(send, code):
    """A malformed frame ends the connection with this code of RFC 6455, 7.4.1."""

    def attack(node, _):
        connection = open_socket(node)
        with contextlib.suppress(ConnectionError):
            send(connection)
        assert close_code(connection) == code
        connection.close()

    return attack


def packet(text, connected=True):
    """A packet that the protocol forbids ends the connection, and the user is free again."""

    def attack(node, user):
        connection = admitted(node, user) if connected else open_socket(node)
        connection.send_text(text)
        assert close_code(connection) is None
        connection.close()

    return attack


def attachments(text, *binaries):
    def attack(node, user):
        connection = admitted(node, user)
        connection.send_text(text)
        with contextlib.suppress(ConnectionError):
            for binary in binaries:
                connection.send_frame(BINARY, binary)
        assert close_code(connection) is None
        connection.close()

    return attack


def missing_attachments(node, user):
    """They are waited for: a ping in between is no violation, a packet is."""
    connection = admitted(node, user)
    connection.send_text('453-["echo",{"_placeholder":true,"num":0}]')
    connection.send_frame(BINARY, b"x" * 50_000)
    connection.send_frame(PING, b"")
    connection.send_text('42["echo"]')
    assert close_code(connection) is None
    connection.close()


def huge_event_name(node, user):
    """Nobody listens to it; the connection goes on."""
    connection = admitted(node, user)
    connection.send_text("42" + json.dumps(["n" * 200_000]))
    connection.send_text('427["echo","still here"]')
    assert connection.read_packet() == '437["still here"]'
    connection.close()


def thousands_of_namespaces(node, user):
    connection = admitted(node, user)
    for number in range(2000):
        connection.send_text(f"40/namespace-{number},")
    for number in range(2000):
        answer = connection.read_packet()
        assert answer == f'44/namespace-{number},{{"message":"Invalid namespace"}}', answer
    connection.send_text('427["echo","still here"]')
    assert connection.read_packet() == '437["still here"]'
    connection.close()


def never_connects(node, _):
    connection = RawSocket(node.port, timeout=30).upgrade()
    connection.read_open()
    assert close_code(connection) == 1001
    connection.close()


def slow_header(node, _):
    connection = RawSocket(node.port, timeout=30)
    connection.send(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0")
    until_end(connection)
    connection.close()


def slow_body(node, _):
    polling = RawPolling(node.port)
    connection = RawSocket(node.port, timeout=30)
    head = f"POST {polling.target()} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n4"
    connection.send(head.encode())
    until_end(connection)
    connection.close()
    polling.post("1")
    polling.close()


def large_post(node, _):
    polling = RawPolling(node.port)
    with contextlib.suppress(Closed, ConnectionError):  # answered before all of it was read
        status, _ = polling.post("4" * 1_000_001)
        assert status == 413, status
    polling.post("1")
    polling.close()


def bad_method(node, _):
    polling = RawPolling(node.port)
    http(node, "DELETE", polling.target(), 500)
    polling.post("1")
    polling.close()


@dataclass
class Row:
    name: str
    attack: object
    reason: str
    times: int = 100
    at_once: int = 1


def get(target, code):
    return lambda node, _: http(node, "GET", target, 400, code)


DEEP = "[" * 100_000
ROWS = [
    Row("wrong EIO version", get("/socket.io/?EIO=2&transport=polling", 5), "unsupported_protocol_version"),
    Row("unknown session", get(POLLING + "&sid=no-such-session-1234", 1), "session_unknown"),
    Row("unknown transport", get("/socket.io/?EIO=4&transport=pigeon", 0), "transport_unknown"),
    Row("bad method of a handshake", lambda node, _: http(node, "POST", POLLING, 400, 2), "bad_handshake_method"),
    Row("bad method", bad_method, "bad_method"),
    Row("malformed request line", bytes_over_tcp(b"GARBAGE\r\n\r\n", 400), "malformed_request"),
    Row("malformed header", bytes_over_tcp(b"GET /socket.io/ HTTP/1.1\r\nHo st : x\r\n\r\n", 400), "malformed_request"),
    Row(
        "header block too large",
        bytes_over_tcp(f"GET {POLLING} HTTP/1.1\r\n".encode() + b"X-Filler: y\r\n" * 20_000 + b"\r\n", 431),
        "headers_too_large",
    ),
    Row(
        "too many headers of an opening handshake",
        bytes_over_tcp(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            + b"A: b\r\n" * 300
            + b"\r\n",
            431,
        ),
        "headers_too_large",
    ),
    Row("slow header", slow_header, "request_timeout", times=20, at_once=20),
    Row("slow body", slow_body, "request_timeout", times=20, at_once=20),
    Row("oversize POST", large_post, "payload_too_large", times=30),
    Row("oversize frame", frame(lambda c: c.send_frame(TEXT, b"4" * 1_000_001), 1009), "websocket_1009", times=30),
    Row("frame of 2^63 bytes", frame(lambda c: c.send(b"\x81\xff\x80" + bytes(7) + b"mask"), 1002), "websocket_1002"),
    Row(
        "frame of 2^63 - 1 bytes",
        frame(lambda c: c.send(b"\x81\xff\x7f" + b"\xff" * 7 + b"mask"), 1009),
        "websocket_1009",
    ),
    Row("unmasked frame", frame(lambda c: c.send_frame(TEXT, b"40", masked=False), 1002), "websocket_1002"),
    Row("reserved bit", frame(lambda c: c.send_frame(TEXT, b"40", reserved=4), 1002), "websocket_1002"),
    Row("reserved opcode", frame(lambda c: c.send_frame(3, b"40"), 1002), "websocket_1002"),
    Row("invalid UTF-8", frame(lambda c: c.send_frame(TEXT, b"4\xff\xfe"), 1007), "websocket_1007"),
    Row("fragmented control frame", frame(lambda c: c.send_frame(PING, b"x", final=False), 1002), "websocket_1002"),
    Row("unknown Engine.IO packet", packet("x", connected=False), "parse error"),
    Row("unknown packet type", packet("47[]"), "packet_unknown_type"),
    Row("packet before CONNECT", packet('42["echo"]', connected=False), "packet_before_connect"),
    Row("second CONNECT", packet("40{}"), "packet_second_connect"),
    Row("attachments that never come", missing_attachments, "packet_text_among_attachments"),
    Row("attachment nobody announced", attachments("43[]", b"x"), "packet_attachment_without_packet"),
    Row("more attachments than allowed", packet('4511-["echo"]'), "packet_too_many_attachments"),
    Row(
        "placeholder out of range",
        attachments('451-["echo",{"_placeholder":true,"num":1}]', b"x"),
        "packet_placeholder_out_of_range",
    ),
    Row("JSON nested 100,000 deep", packet(f'42["echo",{DEEP}'), "packet_json_too_deep", times=50),
    Row("huge event name", huge_event_name, None, times=30),
    Row("ack id beyond 2^53", packet('429007199254740993["echo"]'), "packet_id_out_of_range"),
    Row("thousands of namespaces", thousands_of_namespaces, "invalid_namespace", times=5),
    Row("never connects", never_connects, "closed_connect_timeout", times=20, at_once=20),
]


def run(row, node, label):
    """All attempts of a row; those of one batch at once."""
    failures = []

    def attempt(number):
        try:
            row.attack(node, f"{label}-{number}")
        except BaseException as error:  # told to the test, which is another thread
            failures.append(error)

    for start in range(0, row.times, row.at_once):
        threads = [threading.Thread(target=attempt, args=(start + index,)) for index in range(row.at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]


def resident_bytes(node):
    with open(f"/proc/{node.pid}/status") as status:
        (line,) = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def open_files(node):
    return len(os.listdir(f"/proc/{node.pid}/fd"))


def sessions(node):
    metrics = node.admin.metrics()
    return sum(value for name, value in metrics.items() if name.startswith("socketio_connections{"))


def counted(node, reason):
    return sum(value for name, value in node.admin.metrics().items() if f'reason="{reason}"' in name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_bad_input_costs_the_client_alone(row, node):
    with Witness(node) as witness:
        # The first time, buffers and tables may grow to what such clients need; after that nothing may grow any more.
        eventually(lambda: sessions(node) == 1, 15, "only the witness is there")
        files = open_files(node)
        run(row, node, f"{row.name}-warm")
        eventually(lambda: sessions(node) == 1, 15, "only the witness is left")
        # The server holds a refused connection until its client has gone, or for some seconds: two rounds at once take more.
        eventually(lambda: open_files(node) <= files, 15, f"no more than {files} open files")
        before, memory = counted(node, row.reason), resident_bytes(node)
        run(row, node, f"{row.name}-again")
        eventually(lambda: sessions(node) == 1, 15, "only the witness is left")
        if row.reason:
            assert counted(node, row.reason) >= before + row.times, node.admin.metrics()
        eventually(lambda: resident_bytes(node) <= memory + SLACK, 15, f"memory as before, {memory} bytes")
        witness.check()
    eventually(lambda: node.admin.online() == {}, 15, "everybody is free again")
