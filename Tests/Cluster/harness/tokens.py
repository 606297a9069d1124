# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Tokens as a login service would make them."""

import time

import jwt


def make_token(secret, user, ttl=3600, algorithm="HS256", headers=None, **claims):
    """A JWT of `user`, valid for `ttl` seconds; a claim of None is left out."""
    now = int(time.time())
    payload = {"sub": user, "iat": now, "exp": now + ttl, **claims}
    payload = {key: value for key, value in payload.items() if value is not None}
    return jwt.encode(payload, secret, algorithm, headers=headers)
