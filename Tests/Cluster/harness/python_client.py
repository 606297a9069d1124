# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""python-socketio as its users have it."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
import time

import engineio.payload
import requests
import socketio

from .client import Acknowledgements, Client

# The library drops a connection whose server answers a poll with more than 16 packets, which is its own limit, not the
# protocol's.
engineio.payload.Payload.max_decode_packets = 10_000


class PythonClient(Client):
    kind = "python"

    def __init__(
        self,
        url,
        user=None,
        token=None,
        transports=None,
        auth=None,
        headers=None,
        wait_timeout=5,
        namespace="/",
        **options,
    ):
        super().__init__(user)
        options = {"reconnection_delay": 0.5, "reconnection_delay_max": 1, **options}
        self.client = socketio.Client(**options)
        self._messages = _one_at_a_time(self.client.eio)
        self.acknowledgements = Acknowledgements()
        self.namespace = namespace
        self._answers = {}
        handlers = {
            "connect": lambda: self.connects.append(self.client.get_sid(namespace)),
            "connect_error": self._refused,
            "disconnect": lambda reason=None: self.disconnects.append(reason),
            "*": self._arrived,
        }
        for event, handler in handlers.items():
            self.client.on(event, handler, namespace=namespace)
        try:
            self.client.connect(
                url,
                auth=auth if auth is not None else {"token": token} if token else None,
                transports=transports,
                headers=headers or {},
                namespaces=[namespace],
                wait_timeout=wait_timeout,
            )
        except socketio.exceptions.ConnectionError as error:
            self.error = error

    error = None

    @property
    def connected(self):
        return self.client.connected

    @property
    def transport(self):
        return self.client.transport()

    def _refused(self, data=None):
        self.refusals.append(data if isinstance(data, dict) else {"message": data})

    def _arrived(self, event, *arguments):
        self.record_event(event, list(arguments))
        answer, after = self._answers.get(event, ((), 0))
        time.sleep(after / 1000)
        return answer

    def answer(self, event, arguments, after=0):
        self._answers[event] = (tuple(arguments), after)

    def leave(self):
        self.client.disconnect()

    def emit(self, event, *arguments):
        self.client.emit(event, arguments, namespace=self.namespace)

    def request(self, event, *arguments, timeout=10):
        number = self.acknowledgements.open()
        self.client.emit(
            event,
            arguments,
            namespace=self.namespace,
            callback=lambda *answer: self.acknowledgements.settle(number, list(answer)),
        )
        return self.acknowledgements.result(number, timeout, self)

    def close(self):
        engine = self.client.eio
        polling = f"{engine.base_url}&sid={engine.sid}" if self.connected and self.transport == "polling" else None
        # Ends its attempts to reconnect as well.
        thread = threading.Thread(target=self.client.shutdown, daemon=True)
        thread.start()
        if polling:
            # Over polling the library ends its writing loop before it has sent its last packets, now and then: then the
            # server could know only by its ping timeout.
            thread.join(0.2)
            with contextlib.suppress(requests.RequestException):
                requests.post(polling, "1", timeout=5)
        thread.join(5)
        self._messages.shutdown(wait=False)


def _one_at_a_time(engine):
    """python-engineio gives each message a thread of its own, so that on a busy machine one overtakes the other, or its own
    attachments, and the end of the connection overtakes them all. Here they have one thread, which the caller shuts down,
    and the end waits for it."""
    executor = ThreadPoolExecutor(1)
    thread = executor.submit(threading.get_ident).result()
    start, trigger = engine.start_background_task, engine._trigger_event

    def start_background_task(target, *arguments, **options):
        if target == engine.handlers["message"]:
            return executor.submit(target, *arguments, **options)
        return start(target, *arguments, **options)

    def trigger_event(event, *arguments, **options):
        if event == "disconnect" and threading.get_ident() != thread:
            with contextlib.suppress(RuntimeError):  # it was shut down
                executor.submit(lambda: None).result()
        return trigger(event, *arguments, **options)

    engine.start_background_task = start_background_task
    engine._trigger_event = trigger_event
    return executor
