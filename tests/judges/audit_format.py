"""Checks an evidence bundle with the Python standard library and docs/audit-format.md, and with nothing of Keepgate's.

python3 audit_format.py BUNDLE: prints the number of entries, or ends with 1 and says what is wrong. The signature is for a program that
knows Ed25519; everything below it is checked here.
"""
import base64, hashlib, json, re, struct, sys, tarfile

YES = {"action", "actor", "entity", "id", "outcome", "recorded_at", "request_id", "tenant", "time_quality", "v"}
MAY = {1: {"reason", "source_c"}, 2: {"reason", "c", "occurred_at"}}
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def sha(data):
    return hashlib.sha256(data).digest()


def root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha(b"")
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\1" + root(hashes[:k]) + root(hashes[k:]))


def check(index, leaf, tenant):
    entry = json.loads(leaf)
    assert leaf == json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), f"{index}: not canonical"
    assert YES <= set(entry) <= YES | MAY[entry["v"]], f"{index}: other fields"
    assert entry["tenant"] == tenant and set(entry["actor"]) == {"id", "type"}, f"{index}: tenant or actor"
    assert all(re.fullmatch(UUID, text) for text in (entry["id"], entry["request_id"], entry["actor"]["id"])), f"{index}: id"
    assert all(re.fullmatch(TIME, entry[name]) for name in ("recorded_at", "occurred_at") if name in entry), f"{index}: time"
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in entry.get("c", {}).values()), f"{index}: commitment"
    assert entry["outcome"] == "done" or "reason" in entry, f"{index}: no reason"


def name(number):
    groups = re.findall("...", f"{number:0{-(-len(str(number)) // 3) * 3}}")
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


def main(path):
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}
    origin, size, signed = files["checkpoint"].decode().split("\n\n")[0].split("\n")[:3]
    key = files["vkey"].decode().split("\n")[0].split("+", 2)
    assert key[0] == origin and sha(f"{origin}\n".encode() + base64.b64decode(key[2]))[:4].hex() == key[1], "the key is not the log's"
    assert re.search(f"^— {re.escape(origin)} ", files["checkpoint"].decode(), re.M), "no signature of the log's key"
    hashes = []
    for first in range(0, int(size), 256):
        width = min(256, int(size) - first)
        end = "" if width == 256 else f".p/{width}"
        bundle, offset, tile = files[f"tile/entries/{name(first // 256)}{end}"], 0, files[f"tile/0/{name(first // 256)}{end}"]
        for index in range(first, first + width):
            (length,) = struct.unpack_from(">H", bundle, offset)
            leaf, offset = bundle[offset + 2 : offset + 2 + length], offset + 2 + length
            check(index, leaf, origin.rsplit("/", 1)[1])
            hashes.append(sha(b"\0" + leaf))
            assert tile[(index - first) * 32 :][:32] == hashes[-1], f"{index}: not the leaf of the tile"
        assert offset == len(bundle) and len(tile) == 32 * width, f"bytes too many after {index}"
    assert root(hashes) == base64.b64decode(signed), "not the root that the checkpoint signs"
    print(len(hashes))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (AssertionError, KeyError, ValueError, struct.error) as error:
        sys.exit(f"{type(error).__name__}: {error}")
