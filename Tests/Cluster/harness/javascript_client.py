# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""The official JavaScript client: under Node over WebSocket, in headless Chromium over everything."""

import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import playwright.sync_api

from .client import Client

_HERE = Path(__file__).parent / "javascript"


def client_library():
    """socket.io.min.js; deploy/test.sh fetches it."""
    path = Path(os.environ["ROLLCALL_JS_CLIENT"])
    assert path.is_file(), f"no file {path}: deploy/test.sh fetches it"
    return path


def msgpack_library():
    """The library with a MessagePack parser, and the options that this takes: its own build where a checkout of its
    repository is given, which alone has it; else the usual build with the parser of msgpack_parser.js."""
    checkout = os.environ.get("ROLLCALL_SOCKETIO_CHECKOUT")
    path = Path(checkout or "/", "packages/socket.io-client/dist/socket.io.msgpack.min.js")
    return (path, {}) if path.is_file() else (client_library(), {"parser": "msgpack"})


class JavaScriptClient(Client):
    """One socket of a runtime; also of one whose clients are not JavaScript, but driven like these."""

    def __init__(
        self, runtime, url, user=None, token=None, tokens=None, transports=None, namespace="/", **options
    ):
        super().__init__(user)
        self.kind = runtime.kind
        self.attempts = 0  # reconnections that the library has tried
        self.opens = 0  # Engine.IO connections that came about
        self._runtime = runtime
        self._id = next(runtime.numbers)
        self._state = {"connected": False, "active": True, "transport": None}
        self._seen = 0
        options = {"reconnectionDelay": 500, "reconnectionDelayMax": 1000, **options}
        if transports:
            options["transports"] = transports
        tokens = tokens or ([token] if token is not None else None)
        runtime.call("connect", id=self._id, url=url, namespace=namespace, options=options, tokens=tokens)

    def poll(self):
        look = self._runtime.call("look", id=self._id, **{"from": self._seen})
        self._state = look
        self._seen += len(look["record"])
        for entry in look["record"]:
            match entry["type"]:
                case "connect":
                    self.connects.append(entry["sid"])
                case "connect_error":
                    self.refusals.append({key: entry.get(key) for key in ("message", "data", "active")})
                case "disconnect":
                    self.disconnects.append(entry["reason"])
                case "event":
                    self.record_event(entry["name"], _unpack(entry["args"]))
                case "attempt":
                    self.attempts += 1
                case "open":
                    self.opens += 1

    @property
    def connected(self):
        self.poll()
        return self._state["connected"]

    @property
    def active(self):
        """Will the library try to connect by itself?"""
        self.poll()
        return self._state["active"]

    @property
    def transport(self):
        self.poll()
        return self._state["transport"]

    def emit(self, event, *arguments):
        self._runtime.call("emit", id=self._id, event=event, args=_pack(list(arguments)))

    def request(self, event, *arguments, timeout=10):
        answer = self._runtime.call(
            "request", id=self._id, event=event, args=_pack(list(arguments)), timeout=timeout * 1000
        )
        return _unpack(answer)

    def answer(self, event, arguments, after=0):
        self._runtime.call("answer", id=self._id, event=event, args=_pack(arguments), after=after)

    def leave(self):
        self._runtime.call("leave", id=self._id)

    def close(self):
        self._runtime.call("close", id=self._id)


class ProcessRuntime:
    """A process that has clients and serves the functions of clients.js over standard input and output."""

    def __init__(self, command, **environment):
        self.numbers = itertools.count(1)
        self._calls = itertools.count(1)
        self._answers = {}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, **environment},
        )
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, method, **params):
        answer = queue.Queue(1)
        with self._lock:
            number = next(self._calls)
            self._answers[number] = answer
            self._process.stdin.write(json.dumps({"call": number, "method": method, "params": params}) + "\n")
            self._process.stdin.flush()
        body = answer.get(timeout=60)
        if "error" in body:
            raise AssertionError(body["error"])
        return body["result"]

    def _read(self):
        for line in self._process.stdout:
            body = json.loads(line)
            self._answers.pop(body["call"]).put(body)

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


class NodeRuntime(ProcessRuntime):
    """One Node process for all JavaScript clients of a worker. The library is a browser build: WebSocket only."""

    kind = "javascript (Node)"

    def __init__(self, library=None, **environment):
        nodejs = os.environ.get("ROLLCALL_NODEJS") or shutil.which("node")
        driver = [_HERE / "driver.mjs", library or client_library()]
        super().__init__([nodejs, "--experimental-websocket", "--no-warnings", *driver], **environment)


class SocketIO2Runtime(ProcessRuntime):
    """One process for all clients of Socket.IO 2: python-socketio 4, of which a process has one version only."""

    kind = "python (Socket.IO 2)"

    def __init__(self):
        packages = Path(sys.prefix) / "socketio2"
        assert packages.is_dir(), f"no folder {packages}: deploy/test.sh makes it"
        driver = Path(__file__).parent / "socketio2/driver.py"
        super().__init__([sys.executable, driver], PYTHONPATH=str(packages))


class PageRuntime:
    """A page of headless Chromium of a wanted origin."""

    kind = "javascript (Chromium)"

    def __init__(self, browser, origin, library=None):
        self.numbers = itertools.count(1)
        self._context = browser.new_context()
        self.page = self._context.new_page()
        # Whatever the server says there (a node: 400) is a page of its origin. A page made up by the test would not do:
        # Chromium takes its address for a public one and refuses it WebSockets to this machine.
        self.page.goto(f"{origin}/socket.io/")
        self.page.add_script_tag(content=(library or client_library()).read_text())
        for script in ("msgpack_parser.js", "clients.js"):
            self.page.add_script_tag(content=(_HERE / script).read_text())

    def call(self, method, **params):
        try:
            return self.page.evaluate("([method, params]) => rollcallClients[method](params)", [method, params])
        except playwright.sync_api.Error as error:
            raise AssertionError(error.message) from error

    def close(self):
        self._context.close()


def _pack(value):
    if isinstance(value, bytes):
        return {"$bytes": list(value)}
    if isinstance(value, list):
        return [_pack(item) for item in value]
    if isinstance(value, dict):
        return {key: _pack(item) for key, item in value.items()}
    return value


def _unpack(value):
    if isinstance(value, dict):
        return bytes(value["$bytes"]) if "$bytes" in value else {key: _unpack(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    return value
