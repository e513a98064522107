"""Verifies an export of `social-ledger audit export`, written from docs/audit.md alone.

Checks every hash, every link, and what the manifest states. Python's standard library has no
Ed25519, so the signature is left to `social-ledger audit verify FILE --key ...`.
"""
import base64, hashlib, json, sys, uuid


def chain_hash(event, metadata, data):
    hashed = hashlib.sha256()
    for field in (b"social-ledger/chain/1", event["stream"].encode(),
                  event["revision"].to_bytes(8, "big"), uuid.UUID(event["event_id"]).bytes,
                  event["type"].encode(), metadata, data):
        hashed.update(len(field).to_bytes(8, "big") + field)
    return hashed.hexdigest()


*lines, manifest, signature = open(sys.argv[1], "rb").read().splitlines(keepends=True)
manifest = json.loads(manifest)
assert manifest["format"] == "social-ledger/export/1", "this is no export"
assert json.loads(signature)["algorithm"] == "ed25519", "it is not signed"
tip = manifest["prev"]
for revision, line in enumerate(lines, manifest["first_revision"]):
    event = json.loads(line)
    metadata, data = (base64.b64decode(event[name], validate=True) for name in ("metadata", "data"))
    assert event["stream"] == manifest["stream"], f"revision {revision} is of another stream"
    assert event["revision"] == revision, f"revision {revision} is missing"
    assert json.loads(metadata)["prev"] == tip, f"revision {revision} does not continue the chain"
    tip = chain_hash(event, metadata, data)
    assert event["hash"] == tip, f"revision {revision} has another hash"
assert len(lines) == manifest["events"] and revision == manifest["last_revision"], "events are missing"
assert tip == manifest["tip"], "the tip is another one"
assert hashlib.sha256(b"".join(lines)).hexdigest() == manifest["sha256"], "bytes were changed"
print(f"{manifest['stream']} holds: {len(lines)} events, tip {tip}")
