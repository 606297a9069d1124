# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""python-socketio 4, a client of Socket.IO 2, with the functions of clients.js: over standard input and output, one JSON
object per line. {"call", "method", "params"} → {"call", "result"} or {"call", "error"}."""

import json
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import engineio.payload
import socketio

assert socketio.__version__.startswith("4."), socketio.__version__
# As in python_client.py.
engineio.payload.Payload.max_decode_packets = 10_000


class Driven(socketio.Client):
    """One namespace of a connection, with a record."""

    def __init__(self, namespace, **options):
        super().__init__(**options)
        self.record = []
        self.answers = {}
        self.is_in = False
        self._namespace = namespace
        self._messages = ThreadPoolExecutor(1)
        self._start_task = self.eio.start_background_task
        self.eio.start_background_task = self._start

    def _start(self, target, *arguments, **options):
        # The library gives each message a thread of its own: one overtakes the other, or its own attachments.
        if target == self.eio.handlers["message"]:
            return self._messages.submit(target, *arguments, **options)
        return self._start_task(target, *arguments, **options)

    def _handle_eio_message(self, data):
        super()._handle_eio_message(b"" if data is None else data)  # an empty attachment arrives as None

    def _trigger_event(self, event, namespace, *arguments):
        if namespace != self._namespace:
            return None
        match event:
            case "connect":
                self.is_in = True
                # Clients of this protocol make the socket's id up by themselves.
                self.note("connect", sid=self.eio.sid if namespace == "/" else f"{namespace}#{self.eio.sid}")
            case "connect_error":
                [error] = arguments or [None]
                message = error.get("message") if isinstance(error, dict) else error
                self.note("connect_error", message=message, data=error)
            case "disconnect":
                self.is_in = False
                self.note("disconnect", reason=None)
            case _:
                self.note("event", name=event, args=encode(arguments))
                answer = self.answers.get(event, {"args": [], "after": 0})
                time.sleep(answer["after"] / 1000)
                return tuple(decode(answer["args"]))

    def note(self, kind, **detail):
        self.record.append({"type": kind, **detail})

    def end(self):
        self._reconnect_abort.set()
        self.disconnect()
        self._messages.shutdown(wait=False)


class Methods:
    def __init__(self):
        self._clients = {}

    def connect(self, id, url, namespace, options, tokens):
        client = self._clients[id] = Driven(
            namespace,
            reconnection=options.get("reconnection", True),
            reconnection_delay=options["reconnectionDelay"] / 1000,
            reconnection_delay_max=options["reconnectionDelayMax"] / 1000,
        )
        # What is `auth` since Socket.IO 3 is the query here, of the connection for `/`, else behind the namespace's name.
        query = f"?{urlencode(options['auth'])}" if "auth" in options else ""
        name = namespace + query if namespace != "/" else "/"
        try:
            client.connect(url + (query if name == "/" else ""), transports=options["transports"], namespaces=[name])
        except socketio.exceptions.ConnectionError:
            pass  # told to the handler

    def look(self, id, **options):
        client = self._clients[id]
        return {
            "record": client.record[options["from"] :],
            "connected": client.is_in,
            "active": client.reconnection,
            "transport": client.transport() if client.eio.state == "connected" else None,
        }

    def answer(self, id, event, args, after):
        self._clients[id].answers[event] = {"args": args, "after": after}

    def emit(self, id, event, args):
        client = self._clients[id]
        client.emit(event, tuple(decode(args)), namespace=client._namespace)

    def request(self, id, event, args, timeout):
        client = self._clients[id]
        answer = queue.Queue()
        client.emit(event, tuple(decode(args)), namespace=client._namespace, callback=lambda *args: answer.put(args))
        try:
            return encode(answer.get(timeout=timeout / 1000))
        except queue.Empty:
            raise TimeoutError(f"no acknowledgement of {event}") from None

    def leave(self, id):
        client = self._clients[id]
        client.disconnect()
        client.note("disconnect", reason=None)  # of which the library tells nobody

    def close(self, id):
        if client := self._clients.pop(id, None):
            client.end()


def decode(value):
    if isinstance(value, dict):
        return bytes(value["$bytes"]) if "$bytes" in value else {key: decode(item) for key, item in value.items()}
    return [decode(item) for item in value] if isinstance(value, list) else value


def encode(value):
    if isinstance(value, bytes):
        return {"$bytes": list(value)}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return [encode(item) for item in value] if isinstance(value, (list, tuple)) else value


def main():
    methods = Methods()
    lock = threading.Lock()

    def serve(call, method, params):
        try:
            body = {"result": getattr(methods, method)(**params)}
        except Exception as error:
            body = {"error": str(error) or repr(error)}
        with lock:
            print(json.dumps({"call": call, **body}), flush=True)

    for line in sys.stdin:
        # A thread each: an acknowledgement that is slow to come must not hold up the other calls.
        threading.Thread(target=serve, kwargs=json.loads(line), daemon=True).start()


if __name__ == "__main__":
    main()
