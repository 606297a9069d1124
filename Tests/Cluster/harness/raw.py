# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Engine.IO v4 and Socket.IO v5 by hand, on sockets: can stop at each step, send anything, and fall silent."""

import base64
import json
import os
import re
import socket
import struct
import threading
import time

from .client import Acknowledgements, Client

PATH = "/socket.io/?EIO=4&transport=websocket"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The other side ended the connection."""


class RawSocket:
    """One TCP connection, step by step."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    # HTTP

    def send(self, data):
        self.socket.sendall(data)

    def send_request(self, method, target, headers=(), body=b""):
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in dict(headers).items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def read_response(self):
        """(status, headers with lower-case names, body)."""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, self._read(int(headers.get("content-length", 0)))

    def exchange(self, method, target, headers=(), body=b""):
        self.send_request(method, target, headers, body)
        return self.read_response()

    def send_upgrade(self, target=PATH, headers=()):
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        upgrade |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
        self.send_request("GET", target, {**upgrade, **dict(headers)})

    def upgrade(self, target=PATH, headers=()):
        """Opens the WebSocket."""
        self.send_upgrade(target, headers)
        status, _, body = self.read_response()
        assert status == 101, f"{status} {body!r}"
        return self

    # WebSocket

    def send_frame(self, opcode, payload=b"", final=True, masked=True, reserved=0):
        head = bytes([final << 7 | reserved << 4 | opcode])
        length = len(payload)
        if length < 126:
            head += bytes([masked << 7 | length])
        elif length < 65536:
            head += bytes([masked << 7 | 126]) + struct.pack(">H", length)
        else:
            head += bytes([masked << 7 | 127]) + struct.pack(">Q", length)
        if masked:
            mask = os.urandom(4)
            keys = (mask * (length // 4 + 1))[:length]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(length, "big")
            head += mask
        self.send(head + payload)

    def send_text(self, text):
        self.send_frame(TEXT, text.encode())

    def read_frame(self):
        """(opcode, payload); servers do not fragment."""
        opcode, length = self._read(2)
        if length == 126:
            (length,) = struct.unpack(">H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._read(8))
        return opcode & 15, self._read(length)

    def read_packet(self):
        """The next Engine.IO packet as text; Closed when the connection ends."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == TEXT:
                return payload.decode()
            if opcode == CLOSE:
                raise Closed(f"close frame {payload!r}")

    # Socket.IO

    def read_open(self):
        """The parameters of the `open` packet."""
        packet = self.read_packet()
        assert packet[0] == "0", packet
        return json.loads(packet[1:])

    def send_connect(self, token=None, auth=None):
        """CONNECT with this token, or with any auth payload at all."""
        if token is not None:
            auth = {"token": token}
        self.send_text("40" + (json.dumps(auth) if auth else ""))

    def close(self):
        self.socket.close()

    def drop(self, reset):
        """Goes away without a word: by FIN, or by RST as after a crash of the client."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _read(self, count):
        while len(self.buffer) < count:
            self._fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed("end of stream")
        self.buffer += data


class RawClient(Client):
    """A WebSocket client that reads in the background; it answers pings unless told otherwise."""

    kind = "raw"

    def __init__(self, port, user=None, token=None, auth=None, headers=(), answer_pings=True):
        super().__init__(user)
        self.answer_pings = answer_pings
        self.acknowledgements = Acknowledgements()
        self.packets = []  # (time, packet): all that came
        self.closed = None  # why
        self.socket = RawSocket(port).upgrade(headers=headers)
        self.engine = self.socket.read_open()
        # From here on the reader waits for as long as it takes.
        self.socket.socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        if token is not None or auth is not None:
            self.socket.send_connect(token, auth)

    @property
    def connected(self):
        return bool(self.connects) and not self.refusals and self.closed is None and not self.disconnects

    def emit(self, event, *arguments):
        self.socket.send_text("42" + json.dumps([event, *arguments]))

    def send_request(self, event, *arguments):
        """Sends and returns the number under which the acknowledgement will come."""
        number = self.acknowledgements.open()
        self.socket.send_text(f"42{number}" + json.dumps([event, *arguments]))
        return number

    def request(self, event, *arguments, timeout=10):
        return self.acknowledgements.result(self.send_request(event, *arguments), timeout, self)

    def wait_closed(self, timeout=10):
        return self.wait(lambda: self.closed, timeout, f"the connection of {self} is closed")

    def close(self):
        try:
            self.socket.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self.socket.close()

    def _read(self):
        try:
            while True:
                packet = self.socket.read_packet()
                self.packets.append((time.monotonic(), packet))
                if packet == "2":
                    if self.answer_pings:
                        self.socket.send_text("3")
                elif packet[:1] == "4":
                    self._receive(packet[1:2], packet[2:])
        except (Closed, OSError) as error:
            self.closed = str(error) or type(error).__name__
        except Exception as error:
            self.closed = f"not understood: {error!r}"
            raise

    def _receive(self, kind, body):
        if kind == "0":
            self.connects.append(json.loads(body)["sid"])
        elif kind == "1":
            self.disconnects.append("server disconnect")
        elif kind == "2":
            name, *arguments = json.loads(body)
            self.record_event(name, arguments)
        elif kind == "3":
            number, arguments = re.fullmatch(r"(\d+)(\[.*\])", body, re.DOTALL).groups()
            self.acknowledgements.settle(int(number), json.loads(arguments))
        elif kind == "4":
            self.refusals.append(json.loads(body))


class RawPolling:
    """HTTP long-polling by hand, one request per call."""

    def __init__(self, port, headers=()):
        self.port = port
        self.headers = dict(headers)
        self.http = RawSocket(port)
        status, _, body = self.http.exchange("GET", self.target(), self.headers)
        assert status == 200, (status, body)
        self.engine = json.loads(body[1:])
        self.sid = self.engine["sid"]

    def target(self):
        sid = getattr(self, "sid", None)
        return "/socket.io/?EIO=4&transport=polling" + (f"&sid={sid}" if sid else "")

    def post(self, *packets):
        """Sends packets; on a connection of its own, because a GET may wait on the other one."""
        post = RawSocket(self.port)
        headers = {"Content-Type": "text/plain;charset=UTF-8", **self.headers}
        try:
            status, _, body = post.exchange("POST", self.target(), headers, "\x1e".join(packets).encode())
        finally:
            post.close()
        return status, body.decode()

    def send_get(self):
        self.http.send_request("GET", self.target(), self.headers)

    def read(self):
        """(status, packets) of the GET that was sent."""
        status, _, body = self.http.read_response()
        return status, body.decode().split("\x1e")

    def get(self):
        self.send_get()
        return self.read()

    def connect(self, token):
        """The answer to CONNECT, pings left out and answered."""
        answer = self.post("40" + json.dumps({"token": token}))
        assert answer == (200, "ok"), answer
        while True:
            status, packets = self.get()
            assert status == 200, (status, packets)
            for packet in packets:
                if packet == "2":
                    self.post("3")
                elif packet[0] == "4":
                    return packet

    def close(self):
        self.http.close()
