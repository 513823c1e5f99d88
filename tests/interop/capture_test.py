#!/usr/bin/env python3
"""Lets Wireshark's RELOAD dissectors read what a running overlay sends.

Peers and a client of the real programs run on loopback with a key log while dumpcap captures: peers join, phones
register and call, a client uses the overlay, a new configuration document spreads, peers leave. tshark decrypts the
TLS links with the key log; their streams are cut into RELOAD frames, and tshark dissects each. No message may be
called malformed or carry an expert error, less the known faults of these dissectors, and the messages that the
scenario must have caused are all to be seen. With --full more users and calls.

Needs the programs in $RELOAD_BUILD, tshark, dumpcap with the right to capture on loopback, and sipp. The last line is
"N passed, N failed".
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCENARIOS = ROOT / "tests" / "interop" / "sipp"
BUILD = pathlib.Path(os.environ.get("RELOAD_BUILD", ROOT / "build" / "test"))
OVERLAY = "demo.example"
PEERS = 4
SIP_PORT = 22100
ADMIN_PORT = 18210
PHONE_PORT = 22150
RELOAD_PORT = 6084  # what tshark takes for RELOAD; the peers' own ports are any
TOKEN = bytes.fromhex("d2454c4f")

# What the dissectors of tshark 4.0 get wrong, though the bytes are as the RFC has them.
KNOWN_FAULTS = {
    # They do not advance over the keys of a StoredDataSpecifier and read the first again.
    "Computed length > max_field length",
    # Signer identity none(3) of 6940 6.3.4 is not known to them.
    "Unknown identity type",
}

NAMES = {1: "probe_req", 2: "probe_ans", 3: "attach_req", 4: "attach_ans", 7: "store_req", 8: "store_ans",
         9: "fetch_req", 10: "fetch_ans", 13: "find_req", 14: "find_ans", 15: "join_req", 16: "join_ans",
         17: "leave_req", 18: "leave_ans", 19: "update_req", 20: "update_ans", 21: "route_query_req",
         22: "route_query_ans", 23: "ping_req", 24: "ping_ans", 25: "stat_req", 26: "stat_ans",
         29: "app_attach_req", 30: "app_attach_ans", 33: "config_update_req", 34: "config_update_ans", 0xFFFF: "error"}
# Every message of RFC 6940 14.8: joining, registering, calling, a client's commands, a new document and leaving cause
# them all.
EXPECTED = set(NAMES.values())


def run(*words, seconds=120, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, timeout=seconds, **options)


def must(*words, **options):
    done = run(*words, text=True, **options)
    if done.returncode != 0:
        raise AssertionError("%s ended with %d: %s%s" % (" ".join(map(str, words)), done.returncode, done.stdout[-2000:],
                                                         done.stderr[-2000:]))
    return done.stdout


def wait_until(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("no %s after %d s" % (what, seconds))
        time.sleep(0.05)


class Capture:
    """dumpcap on loopback, from start to stop."""

    def __init__(self, path):
        self.path = path
        self.errors = path.with_suffix(".txt")
        with open(self.errors, "wb") as out:
            self.process = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-f", "tcp", "-B", "64", "-w", str(path)],
                                            stdout=out, stderr=out)

    def started(self):
        """Whether packets are being captured; False when this is not permitted here."""
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            if b"File:" in self.errors.read_bytes():
                return True
            time.sleep(0.05)
        return False

    def stop(self):
        # dumpcap writes what it has in turns of a second.
        time.sleep(1.5)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


class Overlay:
    """The demo overlay as tools/run makes it."""

    def __init__(self, directory, users):
        self.dir = directory
        self.restarted = []
        self.demo = subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / "demo.py"), "--bin", str(BUILD), "--dir", str(directory), "--overlay",
             OVERLAY, "--peers", str(PEERS), "--users", str(users), "--sip-port", str(SIP_PORT), "--admin-port",
             str(ADMIN_PORT), "--key-log"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.demo.stdout.readline()
        if line.strip() != "ready":
            self.end()
            raise AssertionError("the overlay did not come up; see %s" % directory)

    def status(self, peer):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/status" % (ADMIN_PORT + peer), timeout=2) as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def restart(self, peer):
        """Ends the peer in good order and starts it again; back when it has joined."""
        os.kill(self.status(peer)["pid"], signal.SIGTERM)
        wait_until("end of peer %d" % peer, lambda: self.status(peer) is None)
        with open(self.dir / ("again%d.log" % peer), "wb") as log:
            child = subprocess.Popen([str(BUILD / "peer" / "reload-peer"), "--config",
                                      str(self.dir / ("peer%d.json" % peer))], stdout=log, stderr=log)
        self.restarted.append(child)
        wait_until("peer %d again" % peer, lambda: (self.status(peer) or {}).get("ready"))

    def end(self):
        for child in self.restarted:
            child.terminate()
        for child in self.restarted:
            child.wait(20)
        self.demo.terminate()
        self.demo.wait(30)


def sipp(scenario, user, peer, *words, port=None, calls=1):
    command = ["sipp", "-sf", SCENARIOS / (scenario + ".xml"), "-i", "127.0.0.1", "-m", calls, "-r", 20, "-t", "u1",
               "-timeout", "30s", "-timeout_error", "-recv_timeout", 15000, "-nostdin", "-key", "user", user, "-key",
               "domain", OVERLAY, "-key", "from_domain", OVERLAY, "-au", user, "-ap", user.replace("user", "secret")]
    if port:
        command += ["-p", port]
    return [str(word) for word in (*command, *words, "127.0.0.1:%d" % (SIP_PORT + 2 * peer))]


def register_and_call(overlay, users, calls):
    for i in range(users):
        must(*sipp("register", "user%d" % i, i % PEERS, "-key", "contact",
                   "<sip:user%d@127.0.0.1:%d>" % (i, PHONE_PORT + i), "-key", "expires", 600))
    wait_until("registrations", lambda: sum(overlay.status(p)["registrations"] for p in range(PEERS)) == users)
    for i in range(users):
        with open(overlay.dir / ("answer%d.log" % i), "wb") as log:
            phone = subprocess.Popen(sipp("answer", "user%d" % i, i % PEERS, port=PHONE_PORT + i, calls=calls),
                                     stdout=log, stderr=log)
        time.sleep(0.3)  # until the phone listens
        caller = run(*sipp("call", "user%d" % ((i + 1) % users), (i + 2) % PEERS, "-key", "callee", "user%d" % i,
                           calls=calls))
        if caller.returncode != 0 or phone.wait(30) != 0:
            phone.kill()
            raise AssertionError("a call to user%d: the caller ended with %d, it says\n%s\nthe called phone says\n%s" %
                                 (i, caller.returncode, caller.stdout.decode()[-2000:] + caller.stderr.decode()[-2000:],
                                  (overlay.dir / ("answer%d.log" % i)).read_text()[-3000:]))


def use_as_client(overlay):
    authority = overlay.dir
    must(BUILD / "certs" / "reload-certs", "issue", "--dir", authority, "--node", "--out", authority / "client.pem")
    must(BUILD / "certs" / "reload-certs", "issue", "--dir", authority, "--user", "alice", "--out",
         authority / "alice.pem")
    pem = (authority / "alice.pem").read_text()
    (authority / "alice.der").write_bytes(must_der(pem))
    client = [BUILD / "client" / "reload-client", "--overlay-config", authority / "overlay.xml", "--credential",
              authority / "client.pem", "--user-credential", authority / "alice.pem", "--key-log",
              authority / "keys.log"]
    alice = "alice@" + OVERLAY
    must(*client, "ping", "-c", 2)
    must(*client, "route", alice)
    must(*client, "store", alice, "--kind", "CERTIFICATE_BY_USER", "--file", authority / "alice.der")
    must(*client, "fetch", alice, "--kind", "CERTIFICATE_BY_USER")
    must(*client, "stat", alice, "--kind", "CERTIFICATE_BY_USER")
    must(*client, "find", alice, "--kind", "CERTIFICATE_BY_USER")
    must(*client, "probe")
    must(*client, "register", alice, "--to", "user1@" + OVERLAY)
    must(*client, "resolve", alice)
    must(*client, "register", alice, "--remove")
    refused = run(*client, "store", "user1@" + OVERLAY, "--kind", "CERTIFICATE_BY_USER", "--file",
                  authority / "alice.der", text=True)
    if refused.returncode != 1 or "forbidden" not in refused.stderr.lower():
        raise AssertionError("a Store for another's name: %d %s" % (refused.returncode, refused.stderr))


def must_der(pem):
    return run("openssl", "x509", "-outform", "DER", input=pem.encode(), check=True).stdout


def spread_new_document(overlay):
    path = overlay.dir / "overlay.xml"
    (overlay.dir / "edited.xml").write_text(path.read_text().replace('sequence="1"', 'sequence="2"'))
    must(BUILD / "certs" / "reload-certs", "sign-config", "--dir", overlay.dir, "--in", overlay.dir / "edited.xml")
    overlay.restart(PEERS - 1)
    wait_until("new document everywhere",
               lambda: all(overlay.status(p)["configuration_sequence"] == 2 for p in range(PEERS)))


def tls_streams(capture, ports):
    """The TCP streams of TLS links to one of the ports, as (stream number, client port)."""
    done = run("tshark", "-n", "-r", capture, "-Y", "tls.handshake.type == 1", "-T", "fields", "-e", "tcp.stream", "-e",
               "tcp.dstport", check=True, text=True)
    found = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    return [stream for stream, port in found if port in ports]


def decrypted(capture, key_log, streams):
    """For each stream its decrypted chunks in order of time, as (from the client's side, bytes)."""
    follows = sum((["-z", "follow,tls,raw,%d" % stream] for stream in streams), [])
    done = run("tshark", "-n", "-r", capture, "-o", "tls.keylog_file:%s" % key_log, "-q", *follows, check=True, text=True)
    chunks = []
    for part in done.stdout.split("Follow: tls,raw")[1:]:
        lines = part.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("Node 1")) + 1
        chunks.append([(not line.startswith("\t"), bytes.fromhex(line.strip())) for line in lines[start:]
                       if line.strip() and not line.startswith("=")])
    return chunks


def frames_of(chunks):
    """The frames of 6940 6.6.2 of both directions, in the order in which they were complete."""
    waiting = {True: b"", False: b""}
    for side, data in chunks:
        rest = waiting[side] + data
        while rest:
            if rest[0] == 0x80:
                size = 8 + int.from_bytes(rest[5:8], "big") if len(rest) >= 8 else len(rest) + 1
            elif rest[0] == 0x81:
                size = 9
            else:
                raise AssertionError("a frame of type %d" % rest[0])
            if size > len(rest):
                break
            yield side, rest[:size]
            rest = rest[size:]
        waiting[side] = rest
    if any(waiting.values()):
        raise AssertionError("a stream ends within a frame: %s" % waiting)


def packet(stream, from_client, payload):
    source, target = (20000 + stream, RELOAD_PORT) if from_client else (RELOAD_PORT, 20000 + stream)
    udp = struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload
    ends = [bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, *(ends if from_client else ends[::-1]))
    return b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + ip + udp


def write_pcap(path, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for number, data in enumerate(packets):
            out.write(struct.pack("<IIII", 1400000000 + number // 1000, number % 1000, len(data), len(data)) + data)


def dissect(path):
    """For each packet its fields as (name, text, raw value)."""
    with tempfile.TemporaryFile() as out:
        subprocess.run(["tshark", "-n", "-r", str(path), "-d", "udp.port==%d,reload-framing" % RELOAD_PORT, "-T", "pdml"],
                       stdout=out, stderr=subprocess.DEVNULL, check=True)
        out.seek(0)
        for _, element in ElementTree.iterparse(out):
            if element.tag == "packet":
                yield [(field.get("name"), field.get("show") or "", field.get("value") or "")
                       for field in element.iter() if field.tag in ("field", "proto")]
                element.clear()


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, text):
        self.passed += bool(good)
        self.failed += not good
        print("%s: %s" % ("ok" if good else "FAILED", text), flush=True)


def judge(frames, work, tally):
    write_pcap(work / "frames.pcap", [packet(*frame) for frame in frames])
    codes, known, wrong = collections.Counter(), collections.Counter(), []
    messages = data_frames = acks = 0
    for (stream, _, payload), fields in zip(frames, dissect(work / "frames.pcap"), strict=True):
        data_frames += payload[0] == 0x80
        acks += payload[0] == 0x81
        if payload[0] == 0x80:
            seen = [int(value, 16) for name, _, value in fields if name == "reload.message.code"]
            messages += len(seen) == 1
            codes.update(NAMES.get(code, "code %d" % code) for code in seen)
            if len(seen) != 1 or payload[8:12] != TOKEN:
                wrong.append("stream %d: no RELOAD message seen in %s" % (stream, payload[:80].hex()))
        elif not any(name == "reload_framing.ack_sequence" for name, _, _ in fields):
            wrong.append("stream %d: an ack is not seen" % stream)
        for name, text, _ in fields:
            if name == "_ws.malformed":
                wrong.append("stream %d: malformed: %s" % (stream, payload.hex()))
            if name == "_ws.expert.message":
                if text in KNOWN_FAULTS:
                    known[text] += 1
                else:
                    wrong.append("stream %d: %s: %s" % (stream, text, payload.hex()))
    print("%d data frames and %d acks; messages: %s" %
          (data_frames, acks, ", ".join("%s %d" % item for item in sorted(codes.items()))))
    if known:
        print("known faults of the dissectors: %s" % ", ".join("%s %d" % item for item in sorted(known.items())))
    tally.check(data_frames > 0 and messages == data_frames, "%d of %d data frames are dissected as one message each" %
                (messages, data_frames))
    tally.check(acks > 0, "%d acks are seen" % acks)
    missing = EXPECTED - set(codes)
    tally.check(not missing, "all kinds of messages are seen" if not missing else "not seen: " + " ".join(sorted(missing)))
    tally.check(not wrong, "nothing malformed, no expert error" if not wrong else
                "%d faults\n  %s" % (len(wrong), "\n  ".join(text[:600] for text in wrong[:20])))


def scenario(work, args, tally):
    users, calls = (16, 20) if args.full else (4, 1)
    capture = Capture(work / "lo.pcapng")
    try:
        if not capture.started():
            print("skipped: capturing is not permitted here: %s" % capture.errors.read_text().strip())
            return
        overlay = Overlay(work / "demo", users)
        try:
            register_and_call(overlay, users, calls)
            use_as_client(overlay)
            spread_new_document(overlay)
        finally:
            overlay.end()
        capture.stop()
    finally:
        if capture.process.poll() is None:
            capture.process.kill()
            capture.process.wait()
    ports = json.loads((work / "demo" / "demo.json").read_text())["ports"]
    streams = tls_streams(capture.path, ports)
    tally.check(len(streams) >= PEERS, "%d TLS links to the peers are captured" % len(streams))
    chunks = decrypted(capture.path, work / "demo" / "keys.log", streams)
    dark = [stream for stream, data in zip(streams, chunks, strict=True) if not data]
    tally.check(not dark, "all of them are decrypted" if not dark else "not decrypted: streams %s" % dark)
    frames = [(stream, side, frame) for stream, data in zip(streams, chunks) for side, frame in frames_of(data)]
    judge(frames, work, tally)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="more users and calls")
    parser.add_argument("--keep", metavar="DIR", help="work in DIR and leave the capture and the logs there")
    args = parser.parse_args()
    tally = Tally()
    missing = [program for program in ("tshark", "dumpcap", "sipp", "openssl") if not shutil.which(program)]
    if missing:
        print("skipped: %s not installed" % " ".join(missing))
    else:
        work = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="capture-"))
        work.mkdir(parents=True, exist_ok=True)
        try:
            scenario(work, args, tally)
        except AssertionError as fault:
            tally.check(False, str(fault))
        finally:
            if not args.keep:
                shutil.rmtree(work)
    print("%d passed, %d failed" % (tally.passed, tally.failed))
    return 1 if tally.failed else 0


sys.exit(main())
