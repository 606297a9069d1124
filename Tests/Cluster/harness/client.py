# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""What all kinds of clients have in common: a record of what happened to them, which tests wait on."""

import itertools
import threading
import time

from .waiting import eventually


class Client:
    """A client with a record. Kinds: PythonClient, JavaScriptClient (Node or Chromium), RawClient."""

    kind = "?"

    def __init__(self, user=None):
        self.user = user
        self.lock = threading.Lock()
        self.connects = []  # session ids, one per admission
        self.refusals = []  # {"message", "data"} of each CONNECT_ERROR, or of the library's own connect_error
        self.disconnects = []  # reasons
        self.events = []  # (name, [arguments]) in order of arrival

    @property
    def connected(self):
        raise NotImplementedError

    def poll(self):
        """Brings the record up to date, where that does not happen by itself."""

    def wait(self, condition, timeout=10, what=None):
        def polled():
            self.poll()
            return condition()

        return eventually(polled, timeout, what or f"{self} as expected")

    def wait_connected(self, timeout=10, times=1):
        self.wait(lambda: self.connected and len(self.connects) >= times, timeout, f"{self} is connected")
        return self

    def wait_refused(self, timeout=10):
        """The refusal: {"message", "data"}."""
        return self.wait(lambda: self.refusals, timeout, f"{self} is refused")[0]

    def wait_answered(self, timeout=10):
        """Until it is admitted, refused or cut off."""

        def answered():
            return self.connects or self.refusals or getattr(self, "closed", None)

        self.wait(answered, timeout, f"{self} has an answer")
        return self

    def wait_event(self, name, *arguments, timeout=10):
        def arrived():
            return [e for e in list(self.events) if e[0] == name and (not arguments or e[1] == list(arguments))]

        return self.wait(arrived, timeout, f"{self} gets {name} {arguments}")[0][1]

    def arguments_of(self, name):
        """The argument lists of all events of this name so far."""
        return [arguments for event, arguments in list(self.events) if event == name]

    def record_event(self, name, arguments):
        with self.lock:
            self.events.append((name, arguments))

    def answer(self, event, arguments, after=0):
        """What events that ask for an acknowledgement get from now on, so many milliseconds later."""
        raise NotImplementedError

    def leave(self):
        """Disconnects of its own accord, and keeps its record."""
        raise NotImplementedError

    def request(self, event, *arguments, timeout=10):
        """Sends and returns the acknowledgement's arguments."""
        raise NotImplementedError

    def __repr__(self):
        record = f"connects {self.connects}, refusals {self.refusals}, disconnects {self.disconnects}"
        return f"<{self.kind} client of {self.user}: {record}, last events {self.events[-3:]}>"


class Acknowledgements:
    """Requests that wait for their acknowledgement, with the times at which they went and came."""

    def __init__(self):
        self._next = itertools.count(1)
        self._lock = threading.Condition()
        self.sent = {}
        self.received = {}

    def open(self):
        with self._lock:
            number = next(self._next)
            self.sent[number] = time.monotonic()
            return number

    def settle(self, number, arguments):
        with self._lock:
            if number in self.sent and number not in self.received:
                self.received[number] = (time.monotonic(), arguments)
                self._lock.notify_all()

    def result(self, number, timeout, who):
        with self._lock:
            if not self._lock.wait_for(lambda: number in self.received, timeout):
                raise AssertionError(f"no acknowledgement within {timeout} s: {who}")
            return self.received[number][1]
