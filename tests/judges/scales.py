"""Asks tlog-scales about entries: {"entries": [[directory, index], …]} -> {"directory index": null or what is wrong}."""
import json
import sys

from tlog_scales import backend, tiles
from tlog_scales.reader import TilesReader


def verdict(log, index):
    try:
        reader = TilesReader(backend.make_backend(log))
        checkpoint = reader.get_checkpoint()
        proof = reader.get_inclusion_proof(index, checkpoint.size)
        proof.check(tiles.leaf_hash(reader.get_entry(index)), checkpoint.root_hash)
        return None
    except Exception as error:  # whatever it is, the entry was not accepted
        return f"{type(error).__name__}: {error}"


asked = json.load(sys.stdin)
print(json.dumps({f"{log} {index}": verdict(log, index) for log, index in asked["entries"]}))
