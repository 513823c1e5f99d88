#!/usr/bin/env python3
"""Lets Wireshark's RELOAD dissectors read the vectors of tests/vectors.

Each body vector becomes a whole signed message in a data frame, over UDP and over TCP; the vectors of whole messages
and of frames go as they are. No packet may be called malformed or carry an expert error, and the dissectors must see
the message code and fields that the vector says. Left out is what these dissectors are known to get wrong, see
KNOWN_FAULTS. Needs tshark; the last line is "N passed, N failed".
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"
PORT = 6084
OVERLAY = 0x9AA32B8D
NODE_ID = bytes(range(1, 17))

# What the dissectors of tshark 4.0 get wrong, though the bytes are as the RFC has them.
KNOWN_FAULTS = {
    "Unknown identity type": "signer identity none(3) of 6940 6.3.4 is not known to them",
    "Computed length > max_field length": "of several dictionary keys in a StoredDataSpecifier they read the first again",
}
# Besides: IceCandidate.priority is read at a wrong offset and the keys of a StoredDataSpecifier show as empty, so
# neither is compared; version 0x0a has no name, so its number is.

def bytes_of(vector):
    return bytes.fromhex("".join(part.split()[0] for part in vector["parts"]))


def message(code, body, transaction_id):
    """A message to NODE_ID, put together from RFC 6940 6.3 without the project's encoder."""
    destination = b"\x01\x10" + NODE_ID
    contents = struct.pack(">HI", code, len(body)) + body + struct.pack(">I", 0)
    # No certificates, SHA-256 with ECDSA, cert_hash, and a signature of 8 bytes.
    identity = b"\x04\x20" + bytes(range(32))
    security = struct.pack(">HBBBH", 0, 4, 3, 1, len(identity)) + identity + struct.pack(">H", 8) + b"\x5a" * 8
    length = 38 + len(destination) + len(contents) + len(security)
    header = struct.pack(">IIHBBIIQIHHH", 0xD2454C4F, OVERLAY, 7, 0x0A, 100, 0xC0000000, length, transaction_id, 0, 0,
                         len(destination), 0)
    return header + destination + contents + security


def data_frame(message_bytes, sequence):
    return struct.pack(">BI", 0x80, sequence) + len(message_bytes).to_bytes(3, "big") + message_bytes


def ip_packet(protocol, segment):
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, protocol, 0, bytes([192, 0, 2, 1]),
                         bytes([192, 0, 2, 2]))
    return b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + header + segment


def udp_packet(number, payload, _sent_before=0):
    return ip_packet(17, struct.pack(">HHHH", 20000 + number, PORT, 8 + len(payload), 0) + payload)


def tcp_packet(number, payload, sent_before=0):
    push_ack = 0x18
    header = struct.pack(">HHIIBBHHH", 20000 + number, PORT, 1 + sent_before, 1, 5 << 4, push_ack, 65535, 0, 0)
    return ip_packet(6, header + payload)


def pcap(packets):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for number, packet in enumerate(packets):
        out += struct.pack("<IIII", 1400000000 + number, 0, len(packet), len(packet)) + packet
    return out


# What tshark calls the values of the vectors' JSON: key, field. Compared as raw bytes, so by number or hexadecimal.
FIELDS = {
    "addr": ("reload.ipv4addr", "reload.ipv6addr"),
    "port": ("reload.port",),
    "overlay_link": ("reload.overlaylink.type",),
    "send_update": ("reload.sendupdate",),
    "application": ("reload.application",),
    "response_id": ("reload.ping.response_id",),
    "time": ("reload.ping.time",),
    "joining_peer_id": ("reload.joinreq.joining_peer_id",),
    "leaving_peer_id": ("reload.leavereq.leaving_peer_id",),
    "predecessors": ("reload.nodeid",),
    "successors": ("reload.nodeid",),
    "fingers": ("reload.nodeid",),
    "replicas": ("reload.nodeid",),
    "next_peer": ("reload.chordroutequeryans.nodeid",),
    "uptime": ("reload.uptime",),
    "kind": ("reload.kinddata.kind",),
    "kinds": ("reload.kindid",),
    "generation": ("reload.generation_counter",),
    "generation_counter": ("reload.generation_counter",),
    "replica_number": ("reload.store.replica_number",),
    "storage_time": ("reload.storeddata.storage_time",),
    "lifetime": ("reload.storeddata.lifetime",),
    "index": ("reload.arrayentry.index",),
    "exists": ("reload.datavalue.exists",),
    "value_length": ("reload.metadata.value_length",),
    "overlay": ("reload.forwarding.overlay",),
    "configuration_sequence": ("reload.forwarding.configuration_sequence",),
    "version": ("reload.forwarding.version",),
    "ttl": ("reload.forwarding.ttl",),
    "transaction_id": ("reload.forwarding.trans_id",),
    "node_id": ("reload.destination.data.nodeid",),
}


def expected_values(value, key=""):
    """The (fields, number) pairs of a vector's JSON, in order."""
    if isinstance(value, dict):
        return [pair for name, item in value.items() for pair in expected_values(item, name)]
    if isinstance(value, list):
        return [pair for item in value for pair in expected_values(item, key)]
    if key not in FIELDS:
        return []
    if isinstance(value, str):
        if key == "kinds":
            return []  # the documents of a ConfigUpdateReq
        value = int(value, 16)
    return [(FIELDS[key], int(value))]


class Case:
    """One frame and what tshark must see in it."""

    def __init__(self, name, payload, code, expected):
        self.name, self.payload, self.code, self.expected = name, payload, code, expected


def read_cases():
    cases = []
    for path in sorted(VECTORS.glob("*.json")):
        if path.name == "hashes.json":
            continue
        for vector in json.loads(path.read_text()):
            if vector.get("malformed"):
                continue
            data = bytes_of(vector)
            if vector["type"] == "Message":
                header_size = 38 + sum(struct.unpack(">HHH", data[32:38]))
                code = int.from_bytes(data[header_size:header_size + 2], "big")
                cases.append(Case(vector["name"], data_frame(data, len(cases)), code, expected_values(vector["json"])))
            for code in vector.get("codes", []):
                transaction_id = 1000 + len(cases)
                frame = data_frame(message(code, data, transaction_id), len(cases))
                header = {"overlay": OVERLAY, "configuration_sequence": 7, "version": 0x0A, "ttl": 100,
                          "transaction_id": transaction_id, "node_id": NODE_ID.hex()}
                cases.append(Case(f"{vector['name']} ({code:#x})", frame, code,
                                  expected_values([header, vector["json"]])))
    return cases


def dissect(packets):
    """tshark's view: for each packet its (field name, raw value or None, text) in order."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(pcap(packets))
        file.flush()
        run = subprocess.run(["tshark", "-n", "-r", file.name, "-d", f"udp.port=={PORT},reload-framing", "-T", "pdml"],
                             capture_output=True, check=True)
    seen = []
    for packet in ElementTree.fromstring(run.stdout).iter("packet"):
        fields = []
        for field in packet.iter():
            if field.tag in ("field", "proto"):
                name = field.get("name")
                value = field.get("value") if name.startswith("reload") else None
                fields.append((name, int(value, 16) if value else None, field.get("show") or ""))
        seen.append(fields)
    return seen


def faults(case, fields):
    """What is wrong with tshark's view of a case."""
    found = []
    for name, _, text in fields:
        if name == "_ws.malformed":
            found.append("malformed")
        if name == "_ws.expert.message" and text not in KNOWN_FAULTS:
            found.append(f"expert: {text}")
    if not any(name == "reload" for name, _, _ in fields):
        found.append("not taken for RELOAD")
    codes = [value for name, value, _ in fields if name == "reload.message.code"]
    if codes != [case.code]:
        found.append(f"message code {codes}, not {case.code}")
    for names in {names for names, _ in case.expected}:
        wanted = [value for other, value in case.expected if other == names]
        shown = [value for name, value, _ in fields if name in names]
        rest = iter(shown)
        if not all(value in rest for value in wanted):  # in this order, perhaps with others between
            found.append(f"{names[0]}: {shown}, not {wanted}")
    return found


def check_acks(make_packet):
    """An ack is known only on a connection that carried data before."""
    frame = data_frame(message(0x17, b"\0\0", 1), 0)
    vector = next(v for v in json.loads((VECTORS / "contents.json").read_text()) if v["type"] == "AckFrame")
    fields = dissect([make_packet(0, frame), make_packet(0, bytes_of(vector), len(frame))])[1]
    seen = {name: value for name, value, _ in fields}
    found = []
    for key, name in (("ack_sequence", "reload_framing.ack_sequence"), ("received", "reload_framing.received")):
        if seen.get(name) != vector["json"][key]:
            found.append(f"{name}: {seen.get(name)}, not {vector['json'][key]}")
    return found


def main():
    passed = failed = 0
    cases = read_cases()
    for transport, make_packet in (("udp", udp_packet), ("tcp", tcp_packet)):
        views = dissect([make_packet(number, case.payload) for number, case in enumerate(cases)])
        results = [(case.name, faults(case, view)) for case, view in zip(cases, views, strict=True)]
        for name, found in results + [("ack frame", check_acks(make_packet))]:
            if found:
                print(f"{transport}: {name}: {'; '.join(found)}")
                failed += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
