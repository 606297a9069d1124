# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""A `rollcall serve` process."""

import os
import re
import subprocess
from pathlib import Path

from .admin import Admin
from .processes import ManagedProcess, free_port
from .waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[3]
LISTENING = re.compile(r"listening on (\S+):(\d+), admin on (\S+):(\d+), node (\S+)\n")


def rollcall():
    """The executable under test."""
    path = Path(os.environ.get("ROLLCALL_BINARIES", REPOSITORY / ".build/debug")) / "rollcall"
    assert path.is_file(), f"no executable {path}: deploy/test.sh builds it"
    return path


def run_rollcall(*arguments, timeout=30, directory=None, **environment):
    """Runs a command to its end; the result has returncode, stdout and stderr."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ROLLCALL_")}
    return subprocess.run(
        [str(rollcall()), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        cwd=directory,
        env={**inherited, **environment},
    )


class Node(ManagedProcess):
    """A node with fixed ports, so that it can be started again behind the same balancer."""

    def __init__(self, directory, name="n1", sid_prefix=None, flags=()):
        super().__init__(name, directory)
        self.sid_prefix = sid_prefix or name
        self.port = free_port()
        self.admin_port = free_port()
        self.flags = [*flags]
        self.admin = Admin(self.admin_port)

    @property
    def url(self):
        return f"{'https' if '--tls-key' in self.flags else 'http'}://127.0.0.1:{self.port}"

    def start(self, *more_flags, ready=True, **environment):
        self.launch(
            [
                rollcall(),
                "serve",
                "--port",
                self.port,
                "--admin-port",
                self.admin_port,
                "--node-id",
                self.name,
                "--sid-prefix",
                self.sid_prefix,
                *self.flags,
                *more_flags,
            ],
            **environment,
        )
        self.wait_listening()
        if ready:
            self.wait_ready()
        return self

    def wait_listening(self, timeout=30):
        eventually(lambda: self.listening or not self.running, timeout, f"{self.name} listens")
        assert self.running, f"{self.name} ended with {self.process.returncode}: {self.tail()}"
        host, port, _, admin_port, name = self.listening.groups()
        assert (host, int(port), int(admin_port), name) == ("127.0.0.1", self.port, self.admin_port, self.name)

    @property
    def listening(self):
        return LISTENING.fullmatch(self.out.read_text())

    def wait_ready(self, timeout=30):
        eventually(self.is_ready, timeout, f"{self.name} is ready")

    def is_ready(self):
        return self.admin.readiness() == 200 and not self.admin.get("/readyz").json().get("recovering")
