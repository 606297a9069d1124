# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Processes that a test starts, looks at and ends."""

import ctypes
import os
import random
import signal
import socket
import subprocess
from pathlib import Path

from .waiting import eventually

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def free_port():
    """A port that nobody listens on, below the range that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class ManagedProcess:
    """One process at a time under one name; its output goes to files, so that nothing waits for a reader."""

    # Those that are running or have run in this worker, for the report of a failed test.
    all = []

    def __init__(self, name, directory):
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.out = self.directory / f"{name}.out"
        self.err = self.directory / f"{name}.log"
        self.process = None
        ManagedProcess.all.append(self)

    def launch(self, command, **environment):
        assert not self.running, f"{self.name} runs already"
        self.out.write_bytes(b"")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("ROLLCALL_")}
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.directory,
                env={**inherited, **environment},
                start_new_session=True,
                # It must not outlive the tests, even if they are killed.
                preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
            )

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9, and the proof of death."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def pause(self):
        self.signal(signal.SIGSTOP)
        eventually(lambda: self._state() == "T", what=f"{self.name} is stopped")

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout):
        """The exit code; negative for a signal."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {timeout} s") from None

    def end(self, timeout=10.0):
        """Asks it to end; returns the exit code, or None if it was not running."""
        if not self.running:
            return None
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout} s of SIGTERM") from None

    def logged(self):
        return self.err.read_text(errors="replace") if self.err.exists() else ""

    def tail(self, lines=30):
        text = (self.out.read_text(errors="replace") if self.out.exists() else "") + self.logged()
        return "\n".join(text.splitlines()[-lines:])

    def _state(self):
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
