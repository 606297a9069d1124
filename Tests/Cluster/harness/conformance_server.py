# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""A `conformance-server` process."""

import os
from pathlib import Path

from .node import REPOSITORY
from .processes import ManagedProcess, free_port
from .waiting import eventually


class ConformanceServer(ManagedProcess):
    def __init__(self, directory, name="conformance"):
        super().__init__(name, directory)
        self.port = free_port()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, *flags):
        program = Path(os.environ.get("ROLLCALL_BINARIES", REPOSITORY / ".build/debug")) / "conformance-server"
        assert program.is_file(), f"no executable {program}: deploy/test.sh builds it"
        self.launch([program, "--port", self.port, *flags])
        eventually(lambda: "listening on" in self.out.read_text(), what=f"{self.name} listens: {self.tail()}")
        return self
