#!/usr/bin/env python3
"""Opens every sealed value of a log with the master key, as somebody would who has stolen both.

Written from the formats in ARCHITECTURE.md and docs/erasure.md alone; it shares no code with the
program, and its AES-GCM is its own.

    MASTER_KEY=... open_sealed.py CONNECTION_STRING

prints one JSON object for each account: how many of its values opened, how many stayed closed,
and the texts.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import uuid


def rotate(byte, by):
    return (byte << by | byte >> (8 - by)) & 0xFF


def double(byte):
    return (byte << 1) ^ (0x11B if byte & 0x80 else 0)


def sbox():
    box, p, q = [0] * 256, 1, 1
    while True:
        p ^= double(p)  # times 3
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        if q & 0x80:
            q ^= 0x09  # divided by 3
        box[p] = q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4) ^ 0x63
        if p == 1:
            box[0] = 0x63
            return box


SBOX = sbox()


class Aes256:
    def __init__(self, key):
        words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
        constant = 1
        for i in range(8, 60):
            word = list(words[-1])
            if i % 8 == 0:
                word = [SBOX[b] for b in word[1:] + word[:1]]
                word[0] ^= constant
                constant = double(constant)
            elif i % 8 == 4:
                word = [SBOX[b] for b in word]
            words.append([a ^ b for a, b in zip(words[i - 8], word)])
        self.rounds = [sum(words[i : i + 4], []) for i in range(0, 60, 4)]

    def block(self, data):
        state = [a ^ b for a, b in zip(data, self.rounds[0])]
        for number, key in enumerate(self.rounds[1:], 1):
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < 14:
                mixed = []
                for c in range(0, 16, 4):
                    a = state[c : c + 4]
                    whole = a[0] ^ a[1] ^ a[2] ^ a[3]
                    mixed += [a[i] ^ whole ^ double(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
                state = mixed
            state = [a ^ b for a, b in zip(state, key)]
        return bytes(state)


def ghash_times(x, y):
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return product


def open_box(key, box, bound_to):
    """The plain text, or None."""
    nonce, text, tag = box[:12], box[12:-16], box[-16:]
    aes = Aes256(key)
    h = int.from_bytes(aes.block(bytes(16)), "big")
    pad = lambda data: data + bytes(-len(data) % 16)
    lengths = (len(bound_to) * 8).to_bytes(8, "big") + (len(text) * 8).to_bytes(8, "big")
    hashed, total = pad(bound_to) + pad(text) + lengths, 0
    for i in range(0, len(hashed), 16):
        total = ghash_times(total ^ int.from_bytes(hashed[i : i + 16], "big"), h)
    counter = lambda n: aes.block(nonce + n.to_bytes(4, "big"))
    expected = bytes(a ^ b for a, b in zip(total.to_bytes(16, "big"), counter(1)))
    if not hmac.compare_digest(expected, tag):
        return None
    stream = b"".join(counter(n) for n in range(2, 2 + (len(text) + 15) // 16))
    return bytes(a ^ b for a, b in zip(text, stream))


def derive(key, usage):
    """HKDF-SHA256 without salt, one block."""
    extracted = hmac.new(bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, usage.encode() + b"\x01", hashlib.sha256).digest()


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rows(database, query):
    command = ["psql", "-X", "-q", "-A", "-t", "-F", "|", "-c", query, database]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split("|") for line in found.splitlines() if line]


def sealed_values(event_type, data):
    """Each sealed value with what it is bound to beside the account."""
    if "profile" in data:
        yield b"/profile", data["profile"]
    for post in data.get("changed", []):
        if "text" in post:
            yield b"/post/" + uuid.UUID(post["post"]).bytes, post["text"]


def main(database):
    # The master key against a value that every AES-256-GCM must open: the test of this script.
    zeros = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert open_box(bytes(32), bytes(12) + zeros, b"") == bytes(16)
    wrap = derive(base64.b64decode(os.environ["MASTER_KEY"]), "social-ledger/master/wrap/1")
    keys = {}
    for account, wrapped in rows(
        database, "select account_id, encode(wrapped_key, 'hex') from vault.accounts"
    ):
        bound_to = uuid.UUID(account).bytes
        key = open_box(wrap, bytes.fromhex(wrapped), bound_to)
        keys[account] = derive(key, "social-ledger/account/seal/1")
    accounts = {}
    for stream, event_type, data in rows(
        database,
        "select stream, event_type, encode(data, 'hex') from log_events order by position",
    ):
        account = stream.removeprefix("account-")
        known = {"account": account, "opened": 0, "closed": 0, "texts": []}
        found = accounts.setdefault(account, known)
        for subject, sealed in sealed_values(event_type, json.loads(bytes.fromhex(data))):
            key = keys.get(account, bytes(32))
            bound_to = uuid.UUID(account).bytes + subject
            plain = open_box(key, unpadded(sealed["box"]), bound_to)
            found["opened" if plain is not None else "closed"] += 1
            if plain is not None:
                found["texts"].append(json.loads(plain))
    for found in accounts.values():
        print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
