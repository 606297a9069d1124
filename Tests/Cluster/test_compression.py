# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""permessage-deflate with a client that others wrote."""

import os
import random
import re
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

from harness.processes import ManagedProcess
from harness.waiting import eventually

OFFERS = {
    "defaults": ClientPerMessageDeflateFactory(client_max_window_bits=True),
    "no context in either direction": ClientPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True
    ),
    "small windows": ClientPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=10),
}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Of a server whose /ws-echo sends every message back, and whose sessions below /engine.io do."""
    process = ManagedProcess("conformance", tmp_path_factory.mktemp("conformance"))
    program = Path(os.environ["ROLLCALL_BINARIES"]) / "conformance-server"
    # The profile's own ping interval is shorter than a message takes on a busy machine.
    options = ["--per-message-deflate", "--ping-interval", "60000", "--ping-timeout", "60000"]
    process.launch([program, "--profile", "protocol", "--port", "0", *options])
    found = eventually(lambda: re.search(r"listening on .*:(\d+)", process.out.read_text()))
    yield int(found[1])
    process.kill()
    ManagedProcess.all.remove(process)


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("path", ["/ws-echo", "/engine.io/?EIO=4&transport=websocket"])
def test_round_trips(port, path, offer):
    with connect(f"ws://127.0.0.1:{port}{path}", compression=None, extensions=[offer], max_size=None) as client:
        assert [extension.name for extension in client.protocol.extensions] == ["permessage-deflate"]
        if "EIO" in path:
            assert client.recv().startswith("0{")
        source = random.Random(path)
        for size in [0, 1, 1022, 1023, 1024, 5000, 5000, 70_000, 900_000]:
            text = "4" + "".join(source.choices("abcdefgh 가나다🎉", k=size // 4))
            client.send(text)
            assert client.recv(timeout=20) == text
        client.send([b"x" * 100_000, b"", b"y"])  # in fragments
        assert client.recv(timeout=20) == b"x" * 100_000 + b"y"


def test_bomb(port):
    """A hundred kilobytes that would become a hundred megabytes: that ends its connection, and nobody else's."""
    with connect(f"ws://127.0.0.1:{port}/engine.io/?EIO=4&transport=websocket") as client:
        assert client.recv().startswith("0{")
        with pytest.raises(ConnectionClosedError) as caught:
            client.send(bytes(100_000_000))
            while True:
                client.recv(timeout=20)
        assert caught.value.rcvd.code == 1009
    with connect(f"ws://127.0.0.1:{port}/ws-echo") as client:
        client.send("alive")
        assert client.recv(timeout=20) == "alive"
