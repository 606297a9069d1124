# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Clients that fight for their user without end, to catch two of them being served at once."""

import itertools
import json
import threading
import time

from .raw import Closed, RawSocket


class Contender(threading.Thread):
    """Connects again and again to one node after the other, and asks for echoes as long as it is served.

    It writes down each acknowledgement with the times between which it was given; `overlap.overlaps` judges.
    """

    _numbers = itertools.count(1)

    def __init__(self, user, token, nodes, first):
        super().__init__(daemon=True)
        self.user = user
        self.acknowledgements = []  # (user, connection, sent, received)
        self.admissions = 0
        self.refusals = []
        self.failure = None
        self._token = token
        self._nodes = itertools.cycle(nodes[first:] + nodes[:first])
        self._stopping = threading.Event()

    def stop(self):
        self._stopping.set()

    def run(self):
        while not self._stopping.is_set():
            client = None
            try:
                client = RawSocket(next(self._nodes).port, timeout=5)
                self._contend(client)
            except (OSError, Closed, AssertionError):
                # A node or the connection is gone, or the node has refused with an HTTP error: the next one.
                self._stopping.wait(0.05)
            except Exception as error:
                self.failure = error
                raise
            finally:
                if client:
                    client.close()

    def _contend(self, client):
        client.upgrade()
        client.read_open()
        client.send_connect(self._token)
        packet = self._next(client)
        if packet.startswith("44"):
            self.refusals.append(json.loads(packet[2:])["message"])
            self._stopping.wait(0.05)
            return
        assert packet.startswith("40"), packet
        self.admissions += 1
        connection = next(self._numbers)
        # A while, then it leaves: others must be able to follow.
        until = time.monotonic() + 1
        while time.monotonic() < until and not self._stopping.is_set():
            sent = time.monotonic()
            client.send_text('421["echo",1]')
            packet = self._next(client)
            if packet == "41":
                return
            assert packet == "431[1]", packet
            self.acknowledgements.append((self.user, connection, sent, time.monotonic()))
            self._stopping.wait(0.005)
        client.close()
        # Long enough for the other party to come first.
        self._stopping.wait(0.2)

    def _next(self, client):
        while (packet := client.read_packet()) == "2":
            client.send_text("3")
        return packet
