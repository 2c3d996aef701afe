"""Reads {"version": ..., "events": [...]}; answers for each event what the OCSF schema finds wrong with it."""
import importlib.resources as files, json, sys
from jsonschema import Draft202012Validator
from ocsf_json_schema.embedded import OcsfJsonSchemaEmbedded
asked = json.load(sys.stdin)
export = files.files("ocsf_json_schema") / "ocsf" / (asked["version"] + ".json")
schema, known, verdicts = OcsfJsonSchemaEmbedded(json.loads(export.read_text())), {}, []
for event in asked["events"]:
    uid = event["class_uid"]
    if uid not in known:
        known[uid] = Draft202012Validator(schema.get_class_schema(schema.lookup_class_name_from_uid(uid)))
    verdicts.append(["/".join(map(str, e.path)) + ": " + e.message[:300] for e in known[uid].iter_errors(event)])
json.dump(verdicts, sys.stdout)
