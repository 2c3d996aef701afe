#!/usr/bin/env python3
"""Checks the audit log in this folder: every entry, the tree over them, the signature. Python 3.8 or newer, nothing else.

    python3 verify.py 'NAME+ID+KEY'

The argument is the log's public key as you got it from somebody you trust: the file vkey beside this one is only what the bundle's maker
says. Nothing is read but the files of this folder, nothing is written. Personal values are in entries as commitments; those that somebody
told you, as lines {"index":…,"field":"source","salt":"hex","value":"…"} in openings.jsonl beside this file, are compared with them.
Exit codes: 0 verified, 1 not the log that was signed, 2 usage, 3 what is here was verified and some entries are in archives only.

Formats: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-tiles, RFC 6962 section 2.1, RFC 8032 (Ed25519), RFC 8785.
"""
import base64, hashlib, json, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def fail(why):
    print("NOT VERIFIED: " + why)
    sys.exit(1)


# Ed25519 in extended coordinates (RFC 8032 sections 5.1.3, 5.1.4 and 5.1.7).
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q


def point(octets):
    y = int.from_bytes(octets, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def ed25519(key, message, signature):
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, base), add(r, times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def read(name):
    try:
        with open(os.path.join(HERE, *name.split("/")), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def checkpoint(vkey):
    """Origin, size and root of the signed checkpoint."""
    name, number, key = vkey.strip().split("+", 2)
    key = base64.b64decode(key, validate=True)
    if key[:1] != b"\x01" or len(key) != 33:
        sys.exit("the key is not an Ed25519 key of a log")
    if hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] != number:
        sys.exit("the key has a typing mistake: its number does not fit")
    note = read("checkpoint")
    if note is None:
        fail("there is no checkpoint")
    cut = note.rindex(b"\n\n") + 1
    text, good = note[:cut], False
    for line in note[cut + 1 :].decode().splitlines():
        dash, signer, blob = line.split(" ")
        blob = base64.b64decode(blob, validate=True)
        if dash == "\u2014" and signer == name and blob[:4].hex() == number:
            if not ed25519(key[1:], text, blob[4:]):
                fail("the signature of the checkpoint does not hold")
            good = True
    lines = text.decode().split("\n")
    if not good or lines[0] != name:
        fail("the checkpoint is not signed with this key")
    return name, int(lines[1]), base64.b64decode(lines[2], validate=True)


def leaf(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def merge(stack, size, node):
    """Adds a perfect subtree of `size` leaves on the right."""
    while stack and stack[-1][0] == size:
        node = hashlib.sha256(b"\x01" + stack.pop()[1] + node).digest()
        size *= 2
    stack.append((size, node))


def root(stack):
    node = stack[-1][1] if stack else hashlib.sha256(b"").digest()
    for _, left in reversed(stack[:-1]):
        node = hashlib.sha256(b"\x01" + left + node).digest()
    return node


def path(kind, index, width):
    groups = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        groups.insert(0, "x%03d" % (index % 1000))
    return "tile/%s/%s%s" % (kind, "/".join(groups), "" if width == 256 else ".p/%d" % width)


def entries(bundle, first):
    at = 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            fail("entry %d is cut off" % first)
        yield bundle[at + 2 : end]
        at, first = end, first + 1


def told():
    """Openings that lie beside the log, by index."""
    openings = {}
    for line in (read("openings.jsonl") or b"").splitlines():
        if line:
            opening = json.loads(line)
            openings.setdefault(opening["index"], []).append(opening)
    return openings


def opened(value, opening, index):
    field = opening["field"]
    octets = b"kg-c/v1\0" + field.encode() + b"\0" + bytes.fromhex(opening["salt"]) + opening["value"].encode()
    commitments = value.get("c", {"source": value.get("source_c")})
    if commitments.get(field) != hashlib.sha256(octets).hexdigest():
        fail("the opening of %s of entry %d is not what the entry commits to" % (field, index))


def canonical(entry, tenant, index):
    try:
        value = json.loads(entry)
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except ValueError:
        fail("entry %d is not JSON" % index)
    if again != entry:
        fail("entry %d is not written canonically" % index)
    if value.get("tenant") != tenant:
        fail("entry %d is another tenant's" % index)
    return value


def main():
    if len(sys.argv) > 2:
        sys.exit(2)
    beside = (read("vkey") or b"").decode().splitlines()
    vkey = sys.argv[1] if len(sys.argv) == 2 else (beside[0] if beside else sys.exit(2))
    origin, size, signed = checkpoint(vkey)
    tenant, stack, without, openings, held = origin.rsplit("/", 1)[1], [], 0, told(), 0
    for index in range((size + 255) // 256):
        first, width = index * 256, min(256, size - index * 256)
        tile, bundle = read(path("0", index, width)), read(path("entries", index, width))
        if tile is None or len(tile) != 32 * width:
            fail("the hashes of entries %d to %d are missing" % (first, first + width - 1))
        hashes = [tile[at : at + 32] for at in range(0, len(tile), 32)]
        if bundle is None and without == first:
            without += width  # archived: the bundle's README says from where on entries are here
        else:
            found = list(entries(bundle or b"", first))
            for at, entry in enumerate(found[:width]):
                if leaf(entry) != hashes[at]:
                    fail("entry %d is not the one that was hashed" % (first + at))
                value = canonical(entry, tenant, first + at)
                for opening in openings.pop(first + at, []):
                    opened(value, opening, first + at)
                    held += 1
            if len(found) != width:
                fail("entry %d is missing or one too many" % (first + min(len(found), width)))
        for node in hashes:
            merge(stack, 1, node)
    if root(stack) != signed:
        fail("the hashes do not lead to the signed root")
    if any(index >= without for index in openings):
        fail("there is an opening for an entry that the log does not have")
    print("verified: %s, %d entries, signed by %s" % (origin, size, vkey.strip()))
    if held:
        print("%d openings are what the entries commit to" % held)
    if len(sys.argv) == 1:
        print("with the key that came with the bundle: compare it with one that you got in another way")
    if without:
        print("entries 0 to %d are in archives: only their hashes were checked" % (without - 1))
        sys.exit(3)


if __name__ == "__main__":
    main()
