# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Waiting for conditions. Tests never sleep for a time in the hope that something has happened by then."""

import time


def eventually(condition, timeout=10.0, what="the condition holds", interval=0.02):
    """Returns the first true value of `condition()`; fails when the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what} (last: {value!r})")
        time.sleep(interval)


def throughout(condition, duration, what="the condition holds", interval=0.02):
    """Fails as soon as `condition()` is false within the duration: for what must *not* happen."""
    deadline = time.monotonic() + duration
    while time.monotonic() < deadline:
        assert condition(), f"no longer: {what}"
        time.sleep(interval)
