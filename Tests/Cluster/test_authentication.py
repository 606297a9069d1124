# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Tokens: who is admitted, who is refused with which code, and what the clients make of it."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from harness.tokens import make_token
from harness.waiting import throughout

REFUSABLE = ["raw", "python", "python polling", "node", "chromium polling", "chromium upgrade"]


@pytest.fixture
def node(probe_cluster):
    return probe_cluster.nodes[0]


def bad_tokens(secret):
    """Code and token of everything that must not pass."""
    good = make_token(secret, "mallory")
    head, payload, signature = good.split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return {
        "missing": ("TOKEN_MISSING", None),
        "expired": ("TOKEN_EXPIRED", make_token(secret, "mallory", ttl=-3600)),
        "another secret": ("TOKEN_INVALID", make_token("x" * 32, "mallory")),
        "signature changed": ("TOKEN_INVALID", f"{head}.{payload}.{flipped}"),
        "signature cut off": ("TOKEN_INVALID", f"{head}.{payload}."),
        "payload of another": ("TOKEN_INVALID", ".".join([head, make_token(secret, "eve").split(".")[1], signature])),
        "no algorithm": ("TOKEN_INVALID", jwt.encode({"sub": "mallory"}, None, "none")),
        "not a token": ("TOKEN_INVALID", "abc"),
        "not base64": ("TOKEN_INVALID", "a.!.c"),
        "empty": ("TOKEN_MISSING", ""),
        "oversized": ("TOKEN_INVALID", make_token(secret, "mallory", padding="x" * 100_000)),
        "no subject": ("TOKEN_INVALID", make_token(secret, None)),
        "empty subject": ("TOKEN_INVALID", make_token(secret, "")),
        "long subject": ("TOKEN_INVALID", make_token(secret, "u" * 257)),
        "control character": ("TOKEN_INVALID", make_token(secret, "mal\u0001lory")),
        "not yet valid": ("TOKEN_INVALID", make_token(secret, "mallory", nbf=int(time.time()) + 3600)),
    }


@pytest.mark.parametrize("case", bad_tokens("s" * 32).keys())
def test_bad_tokens_are_refused_with_a_code(case, node, probe_cluster, clients):
    code, token = bad_tokens(probe_cluster.secret)[case]
    client = clients.raw(node, "mallory", auth={} if token is None else {"token": token})
    refusal = client.wait_refused()
    assert refusal["data"]["code"] == code
    assert refusal["message"] and token != refusal["message"]
    assert not client.connects


@pytest.mark.parametrize("token", [17, ["a"], {"a": 1}, True, None])
def test_a_token_of_another_type_is_refused(token, node, clients):
    client = clients.raw(node, auth={"token": token})
    assert client.wait_refused()["data"]["code"] in ("TOKEN_INVALID", "TOKEN_MISSING")


@pytest.mark.parametrize("kind", REFUSABLE)
@pytest.mark.parametrize("code", ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED"])
def test_a_refusal_is_one_connect_error_and_no_retry(kind, code, probe_cluster, clients):
    token = {
        "TOKEN_MISSING": None,
        "TOKEN_INVALID": "not-a-token",
        "TOKEN_EXPIRED": probe_cluster.token("mallory", ttl=-3600),
    }[code]
    options = {"auth": {}} if kind == "raw" and token is None else {}
    client = clients.any(kind, probe_cluster, "mallory", token, **options)
    refusal = client.wait_refused()
    assert refusal["data"]["code"] == code and refusal["message"]
    if kind == "node" or kind.startswith("chromium"):
        # The library says that it has given up; it would have tried again by now if it had not.
        assert not client.active
        throughout(lambda: client.attempts == 0 and client.opens == 1, 2, "no retry")
    client.poll()
    assert len(client.refusals) == 1 and not client.connects and not client.connected


def test_a_refused_client_leaves_nothing_behind(node, probe_cluster, clients, user):
    """The same connection may try again with a good token: nothing of the refused attempt stands in its way."""
    name = user()
    client = clients.raw(node, name, probe_cluster.token(name, ttl=-3600))
    client.wait_refused()
    assert name not in node.admin.online()
    again = clients.raw(node, name, probe_cluster.token(name)).wait_connected()
    assert again.request("echo", 1) == [1]


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_hmac_algorithms(algorithm, node, probe_cluster, clients, user):
    name = user()
    token = make_token(probe_cluster.secret, name, algorithm=algorithm)
    assert clients.raw(node, name, token).wait_connected().request("whoami")[0]["user"] == name


@pytest.mark.parametrize("name", ["이용자", "a b", "u:1", "{}", "*", "x" * 256, "ü" * 128, "a/b?c#d%20"])
def test_user_ids_of_all_kinds(name, node, probe_cluster, clients):
    client = clients.raw(node, name, probe_cluster.token(name)).wait_connected()
    assert client.request("whoami")[0]["user"] == name


def _pem(key):
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


KEYS = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def _hmac_by_hand(key, user):
    """PyJWT refuses to sign with a public key; attackers do not."""

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": user, "exp": int(time.time()) + 3600}]
    signed = b".".join(encode(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + encode(hmac.new(key, signed, hashlib.sha256).digest())).decode()


@pytest.mark.parametrize("algorithm", KEYS)
def test_public_keys(algorithm, new_node, clients, tmp_path):
    private, public = _pem(KEYS[algorithm]())
    (tmp_path / "key.pem").write_bytes(public)
    node = new_node("--jwt-public-key", tmp_path / "key.pem").start()
    good = jwt.encode({"sub": "alice", "exp": int(time.time()) + 60}, private, algorithm)
    assert clients.raw(node, "alice", good).wait_connected().request("whoami")[0]["user"] == "alice"
    other, _ = _pem(KEYS[algorithm]())
    for bad in [
        jwt.encode({"sub": "bob", "exp": int(time.time()) + 60}, other, algorithm),
        _hmac_by_hand(public, "bob"),
        _hmac_by_hand(public.strip(), "bob"),
        _hmac_by_hand(b"", "bob"),
    ]:
        assert clients.raw(node, "bob", bad).wait_refused()["data"]["code"] == "TOKEN_INVALID"


def test_issuer_and_audience(new_node, clients):
    secret = "0123456789abcdef0123456789abcdef"
    node = new_node("--jwt-secret", secret, "--jwt-issuer", "login", "--jwt-audience", "chat").start()
    good = {"iss": "login", "aud": "chat"}
    assert clients.raw(node, "a", make_token(secret, "a", **good)).wait_connected()
    for wrong in [{"iss": "other"}, {"aud": "other"}, {"iss": None}, {"aud": None}]:
        client = clients.raw(node, "b", make_token(secret, "b", **{**good, **wrong}))
        assert client.wait_refused()["data"]["code"] == "TOKEN_INVALID"


@pytest.fixture(scope="module")
def expiry_cluster(tmp_path_factory):
    from conftest import _cluster

    flags = ["--jwt-leeway", "0s"]
    yield from _cluster(tmp_path_factory, "expiry", nodes=2, flags=flags)


@pytest.mark.parametrize("kind", ["node", "chromium polling", "chromium upgrade"])
def test_a_token_that_expires_ends_its_connection_and_a_fresh_one_brings_it_back(kind, expiry_cluster, clients, user):
    name = user()
    tokens = [expiry_cluster.token(name, ttl=3), expiry_cluster.token(name, ttl=3600)]
    client = clients.any(kind, expiry_cluster, name, tokens=tokens).wait_connected()
    client.wait_connected(timeout=20, times=2)
    # A closed transport, not a DISCONNECT packet, after which the client would stay away.
    assert "io server disconnect" not in client.disconnects and not client.refusals
    assert client.request("echo", 1) == [1]


@pytest.mark.parametrize("kind", ["node", "python"])
def test_a_stale_token_is_refused_after_its_expiry(kind, expiry_cluster, clients, user):
    name = user()
    client = clients.any(kind, expiry_cluster, name, expiry_cluster.token(name, ttl=3)).wait_connected()
    assert client.wait_refused(timeout=20)["data"]["code"] == "TOKEN_EXPIRED"
    assert len(client.connects) == 1
    assert expiry_cluster.nodes[0].admin.get(f"/v1/presence/{name}").status_code == 404


def test_expiry_may_be_ignored(new_node, clients):
    secret = "0123456789abcdef0123456789abcdef"
    node = new_node("--jwt-secret", secret, "--jwt-leeway", "0s", "--token-expiry", "ignore").start()
    token = make_token(secret, "alice", ttl=2)
    client = clients.raw(node, "alice", token).wait_connected()
    expired_at = jwt.decode(token, options={"verify_signature": False})["exp"]
    client.wait(lambda: time.time() > expired_at + 1, what="the token has expired")
    assert client.request("echo", 1) == [1] and client.connected
