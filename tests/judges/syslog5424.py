"""Reads a JSON list of syslog messages, parses each by RFC 5424, and writes what it found as a JSON list."""
import json
import sys

sys.path.insert(0, sys.argv[1])
from syslog_rfc5424_parser import SyslogMessage  # noqa: E402

found = []
for text in json.load(sys.stdin):
    message = SyslogMessage.parse(text)
    found.append(
        {
            "severity": message.severity.name,
            "facility": message.facility.name,
            "timestamp": message.timestamp,
            "hostname": message.hostname,
            "appname": message.appname,
            "msgid": message.msgid,
            "sd": message.sd,
            "msg": message.msg,
        }
    )
print(json.dumps(found))
