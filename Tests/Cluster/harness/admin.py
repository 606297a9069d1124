# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""A node's admin API, as an operator would use it."""

import contextlib
import http.client
import json
import socket
import threading

import requests

from .waiting import eventually


class Admin:
    def __init__(self, port, token=None):
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def request(self, method, path, timeout=10, **options):
        return requests.request(method, self.url + path, headers=self.headers, timeout=timeout, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def json(self, path, **params):
        response = self.get(path, params=params)
        assert response.status_code == 200, f"GET {path}: {response.status_code} {response.text}"
        return response.json()

    def readiness(self):
        """The status of /readyz; None while nobody answers."""
        try:
            return self.get("/readyz", timeout=2).status_code
        except requests.RequestException:
            return None

    def pages(self, limit=100):
        """The whole walk over who is online, page by page."""
        cursor = None
        while True:
            page = self.json("/v1/presence", limit=limit, **({"cursor": cursor} if cursor else {}))
            yield page
            cursor = page["cursor"]
            if cursor is None:
                return

    def online(self, limit=100):
        """Who is online: user → connections."""
        return {item["user"]: item["connections"] for page in self.pages(limit) for item in page["items"]}

    def metrics(self):
        """Samples by name with labels."""
        samples = {}
        for line in self.get("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def events(self, last_event_id=None):
        """The stream of joins and leaves, read in the background; a context manager."""
        return EventStream(self, last_event_id)


class EventStream:
    """Server-sent events, collected as (kind, data, id)."""

    def __init__(self, admin, last_event_id):
        self.events = []
        headers = {**admin.headers, "Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        connection = http.client.HTTPConnection(admin.url.removeprefix("http://"), timeout=60)
        connection.connect()
        self._socket = connection.sock
        connection.request("GET", "/v1/presence/events", headers=headers)
        self._response = connection.getresponse()
        assert self._response.status == 200, self._response.read()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._response.close()

    def _read(self):
        event = {}
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            while line := self._response.readline():
                field, _, value = line.decode().rstrip("\r\n").partition(":")
                if field:
                    event[field] = value.removeprefix(" ")
                elif "data" in event or "event" in event:
                    self.events.append((event.get("event"), json.loads(event.get("data") or "null"), event.get("id")))
                    event = {}

    def of(self, user):
        """The kinds of this user's events, in order."""
        return [kind for kind, data, _ in list(self.events) if data and data.get("user") == user]

    def count(self, kind):
        return [event[0] for event in list(self.events)].count(kind)

    def wait_for(self, kind, user=None, timeout=10):
        def found():
            for event in list(self.events):
                if event[0] == kind and (user is None or event[1].get("user") == user):
                    return event

        return eventually(found, timeout, f"event {kind} of {user} among {self.events}")
