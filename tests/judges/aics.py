"""Asks aics-tlog about logs: {"vkey", "origin", "logs": [directory, …], "witness"?: vkey} -> {directory: null or what is wrong}.

With a witness its cosignature is demanded as well."""
import json
import pathlib
import sys

from aics_tlog.checkpoint import checkpoint_from_note, verify_checkpoint
from aics_tlog.note import parse_note, parse_vkey
from aics_tlog.tiles import FileSystemTileReader
from aics_tlog.verified import audit_tiles


def wrong(log, key, origin, witness):
    note = parse_note(pathlib.Path(log, "checkpoint").read_bytes())
    witnesses = [parse_vkey(witness)] if witness else []
    seen = verify_checkpoint(note, key, witnesses, len(witnesses), expected_origin=origin)
    if not seen.ok:
        return "checkpoint: " + str(seen.error)
    checkpoint, _ = checkpoint_from_note(note)
    audit_tiles(FileSystemTileReader(log), checkpoint.size, checkpoint.root)
    return None


def verdict(log, key, origin, witness):
    try:
        return wrong(log, key, origin, witness)
    except Exception as error:  # whatever it is, the log was not accepted
        return f"{type(error).__name__}: {error}"


asked = json.load(sys.stdin)
key = parse_vkey(asked["vkey"])
print(json.dumps({log: verdict(log, key, asked["origin"], asked.get("witness")) for log in asked["logs"]}))
