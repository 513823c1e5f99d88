#!/usr/bin/env python3
"""What operators do wrong: reload-peer, reload-certs and reload-client with broken files, wrong credentials, ports in
use, directories without rights and full disks.

Each wrong start must end at once with a code other than 0 and a message that names the option, the file and the cure;
what goes wrong later must be told and survived. With --full every case is the same; there is nothing larger to run.
Needs the programs in $RELOAD_BUILD and openssl; some cases need root. The last line is "N passed, N failed".
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("RELOAD_BUILD", ROOT / "build" / "test"))
OVERLAY = "demo.example"
RELOAD_PORT, ADMIN_PORT, SIP_PORT = 22200, 18220, 22210
HOST = "127.0.0.1"
PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\n.*?-----END \1-----\n", re.S)
TRACE = re.compile(r"terminate called|what\(\):|AddressSanitizer|std::|json\.exception|core dumped|INI was")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
OPENSSL_CA = """[ca]
default_ca = overlay
[overlay]
database = %(base)s/index.txt
serial = %(base)s/serial
new_certs_dir = %(base)s
default_md = sha256
policy = anything
x509_extensions = leaf
unique_subject = no
[anything]
commonName = optional
[leaf]
subjectAltName = critical,URI:reload://0110%(node)s@%(overlay)s/,email:late@%(overlay)s
"""


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, faults):
        self.passed += not faults
        self.failed += bool(faults)
        if faults:
            print("FAILED: %s: %s" % (name, "; ".join(faults)), flush=True)


def run(*words, seconds=20, **options):
    try:
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=seconds, **options)
    except subprocess.TimeoutExpired as late:
        text = lambda data: (data or b"").decode(errors="replace")
        return subprocess.CompletedProcess(words, None, text(late.stdout), text(late.stderr))


def must(*words, **options):
    done = run(*words, **options)
    if done.returncode != 0:
        sys.exit("%s: %s%s" % (" ".join(map(str, words)), done.stdout, done.stderr))
    return done.stdout


def faults_of(done, parts, codes=(1, 2)):
    """What is wrong with how a program refused: code, words that must be there, and no trace of its inside."""
    faults = []
    if done.returncode not in codes:
        faults.append("it still runs" if done.returncode is None else "code %d" % done.returncode)
    faults += ["%r is not in it" % str(part) for part in parts if str(part) not in done.stderr]
    if TRACE.search(done.stderr) or "PRIVATE KEY--" in done.stderr + done.stdout:
        faults.append("it shows what it should not")
    return faults + (["stderr: " + done.stderr.strip()[-600:]] if faults else [])


def peer_words(given):
    words = []
    for name, value in given.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                words += ["--" + name] if item is True else ["--" + name, str(item)]
    return words


class Place:
    """The directory all cases work in: an overlay, two foreign ones, and what operators make of their files."""

    def __init__(self, base):
        self.base = base
        base.chmod(0o755)  # `nobody` must get in
        for program in ("peer/reload-peer", "certs/reload-certs", "client/reload-client"):
            shutil.copy(BUILD / program, base)
        self.peer, self.certs, self.client = (base / name for name in ("reload-peer", "reload-certs", "reload-client"))
        for name, overlay in (("own", OVERLAY), ("other", "other.example"), ("twin", OVERLAY)):
            self.make_overlay(name, overlay)
        self.own = base / "own"
        (base / "shut").mkdir(mode=0o555)

    def make_overlay(self, name, overlay):
        where = self.base / name
        must(self.certs, "init", "--dir", where, "--overlay", overlay, "--bootstrap", "%s:%d" % (HOST, RELOAD_PORT))
        must(self.certs, "issue", "--dir", where, "--node", "--out", where / "peer.pem")
        must(self.certs, "issue", "--dir", where, "--node", "--out", where / "client.pem")
        where.chmod(0o755)
        (where / "users.csv").write_text("user0,secret0\nuser1,secret1\n")
        must(self.certs, "issue", "--dir", where, "--users", where / "users.csv", "--out", where / "users.pem",
             "--passwords", where / "users.passwd")

    def file(self, name, text, mode=0o600):
        path = self.base / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def given(self, **changes):
        """The options of a good peer, with changes; a value of None leaves the option out."""
        options = {"overlay-config": self.own / "overlay.xml", "credential": self.own / "peer.pem",
                   "data": self.base / "data", "listen": "%s:%d" % (HOST, RELOAD_PORT),
                   "admin": "%s:%d" % (HOST, ADMIN_PORT), "first-peer": True}
        options.update({name.replace("_", "-"): value for name, value in changes.items()})
        return options

    def sip(self, **changes):
        return self.given(**{"sip_listen": "%s:%d" % (HOST, SIP_PORT), "users": self.own / "users.pem",
                             "passwords": self.own / "users.passwd", **changes})

    def start(self, given, before=()):
        return run(*before, self.peer, *peer_words(given), seconds=5)

    def expired(self):
        """A credential of the overlay's own authority that has expired, made by openssl."""
        (self.base / "index.txt").write_text("")
        (self.base / "serial").write_text("4242\n")
        config = self.file("ca.cnf", OPENSSL_CA % {"base": self.base, "node": "7" * 32, "overlay": OVERLAY})
        key, request, certificate = (self.base / ("expired." + ending) for ending in ("key", "csr", "crt"))
        must("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
             "-subj", "/CN=late", "-out", request)
        must("openssl", "ca", "-batch", "-config", config, "-keyfile", self.own / "ca.key", "-cert", self.own / "ca.pem",
             "-in", request, "-out", certificate, "-notext", "-startdate", "20200101000000Z", "-enddate",
             "20210101000000Z")
        return self.file("expired.pem", key.read_text() + certificate.read_text())


class Peer:
    """A peer that runs, with its log."""

    def __init__(self, place, given, name, before=()):
        self.log = place.base / (name + ".log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*map(str, before), str(place.peer), *peer_words(given)], stdout=log,
                                            stderr=log)

    def text(self):
        return self.log.read_text(errors="replace")

    def ask(self, path):
        try:
            with urllib.request.urlopen("http://%s:%d%s" % (HOST, ADMIN_PORT, path), timeout=2) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def counter(self, name):
        for line in (self.ask("/metrics") or "").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None

    def wait(self, condition, seconds=10):
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return bool(condition())

    def lives(self):
        return self.process.poll() is None and self.ask("/healthz") is not None

    def end(self):
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Held:
    """A port that someone else has."""

    def __init__(self, port, kind=socket.SOCK_STREAM):
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((HOST, port))
        if kind == socket.SOCK_STREAM:
            self.socket.listen()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def broken_json(place, tally):
    own = peer_words(place.given())
    cases = {
        "missing colon": ('{ "listen": "127.0.0.1:6084",\n  "data" "x" }\n', ["line 2, column 12"]),
        "cut off": ('{ "listen": "127.0.0.1:6084",\n', ["line 2", "end of input"]),
        "empty": ("", ["line 1", "end of input"]),
        "a list": ("[]\n", ["must hold one JSON object"]),
        "unknown key": ('{ "dta": "x" }\n', ['no option "dta"', "--help"]),
        "an object as value": ('{ "data": {"x": 1} }\n', ['"data" must be a text']),
        "a word as number": ('{ "data-limit-mib": "much" }\n', ["--data-limit-mib", "much"]),
        "a wrong choice": ('{ "durability": "never" }\n', ["--durability", "never", "disk"]),
        "no text at all": ("\0\1\2", ["line 1"]),
    }
    for name, (text, parts) in cases.items():
        path = place.file("bad.json", text)
        tally.check("JSON, " + name, faults_of(run(place.peer, *own, "--config", path), [path, *parts], (2,)))
    for path in (place.base / "none.json", place.base):
        tally.check("--config %s" % path, faults_of(run(place.peer, *own, "--config", path), ["--config", path], (2,)))


def wrong_options(place, tally):
    for changes, parts in (
            ({"frobnicate": True}, ["--frobnicate", "--help"]),
            ({"overlay_config": None}, ["--overlay-config is missing", "reload-certs init"]),
            ({"credential": None}, ["--credential is missing", "reload-certs issue"]),
            ({"data": None}, ["--data is missing", "directory"]),
            ({"listen": "localhost"}, ["--listen", "localhost", "write 192.0.2.1:6084"]),
            ({"listen": "127.0.0.1:99999"}, ["--listen", "127.0.0.1:99999", "write 192.0.2.1:6084"]),
            ({"listen": "192.0.2.1:6084"}, ["--listen", "192.0.2.1:6084", "address of this machine"]),
            ({"advertise": "here"}, ["--advertise", "here"]),
            ({"bootstrap": "127.0.0.1:x"}, ["--bootstrap", "127.0.0.1:x"]),
            ({"admin": "127.0.0.1:x"}, ["--admin", "127.0.0.1:x"]),
            ({"admin": "192.0.2.1:8080"}, ["--admin", "192.0.2.1:8080", "this machine's"]),
            ({"data_limit_mib": 0}, ["--data-limit-mib", "1 to"]),
            ({"crypto_threads": "all"}, ["--crypto-threads", "all"]),
            ({"log_level": "loud"}, ["--log-level", "loud", "debug"]),
            ({"log_file": "/proc/none/log"}, ["--log-file", "/proc/none/log"]),
            ({"key_log": "/proc/none/keys"}, ["--key-log", "/proc/none/keys"]),
            ({"sip_listen": "%s:%d" % (HOST, SIP_PORT)}, ["--passwords is missing"]),
            ({"sip_min_expires": 5000}, ["--sip-min-expires"])):
        tally.check("peer with %s" % changes, faults_of(place.start(place.given(**changes)), parts))
    for changes, parts in (({"users": None}, ["--users is missing"]),
                           ({"sip_listen": "127.0.0.1:x"}, ["--sip-listen", "127.0.0.1:x"]),
                           ({"sip_listen": "192.0.2.1:5060"}, ["--sip-listen", "192.0.2.1:5060", "of this machine"])):
        tally.check("peer with %s" % changes, faults_of(place.start(place.sip(**changes)), parts))


def wrong_files(place, tally):
    document = (place.own / "overlay.xml").read_text()
    pem = (place.own / "peer.pem").read_text()
    users = (place.own / "users.pem").read_text()
    altered = place.file("altered.xml", document.replace("<max-message-size>65536", "<max-message-size>65537"))
    kind = place.file("kind.xml", document.replace("<max-count>64<", "<max-count>65<"))
    cut = place.file("cut.xml", document[:900])
    blocks = lambda text, label: [m.group(0) for m in PEM.finditer(text) if m.group(1) == label]
    mixed = place.file("mixed.pem", blocks(users, "PRIVATE KEY")[0] + blocks(pem, "CERTIFICATE")[0])
    half = place.file("half.pem", pem[:len(pem) // 2])
    none = place.base / "none"
    issue = "reload-certs issue --node"
    for changes, parts in (
            ({"overlay_config": none}, ["--overlay-config", none, "No such file"]),
            ({"overlay_config": place.base}, ["--overlay-config", place.base, "directory"]),
            ({"overlay_config": place.own / "peer.pem"}, ["--overlay-config", "peer.pem", "XML", "reload-certs init"]),
            ({"overlay_config": cut}, ["--overlay-config", cut, "XML"]),
            ({"overlay_config": altered}, ["--overlay-config", altered, "signature does not verify", "sign-config"]),
            ({"overlay_config": kind}, ["--overlay-config", kind, "signature does not verify"]),
            ({"overlay_config": place.base / "other" / "overlay.xml"},
             ["--overlay-config", "of overlay demo.example, not other.example", issue]),
            ({"credential": none}, ["--credential", none, "No such file"]),
            ({"credential": place.base}, ["--credential", place.base, "directory"]),
            ({"credential": place.own / "overlay.xml"}, ["--credential", "overlay.xml", "no private key", issue]),
            ({"credential": place.own / "ca.pem"}, ["--credential", "ca.pem", "no private key", issue]),
            ({"credential": place.own / "users.pem"}, ["--credential", "users.pem", "2 credentials", issue]),
            ({"credential": half}, ["--credential", half, issue]),
            ({"credential": mixed}, ["--credential", mixed, "does not fit the certificate", issue]),
            ({"credential": place.base / "other" / "peer.pem"},
             ["--credential", "other/peer.pem", "of overlay other.example", issue]),
            ({"credential": place.base / "twin" / "peer.pem"}, ["--credential", "twin/peer.pem", "does not chain", issue]),
            ({"credential": place.expired()}, ["--credential", "expired.pem", "expired", issue]),
            ({"data": place.own / "peer.pem"}, ["--data", "peer.pem", "give a directory"])):
        tally.check("peer with %s" % changes, faults_of(place.start(place.given(**changes)), parts, (1,)))
    for changes, parts in (
            ({"users": none}, ["--users", none, "No such file"]),
            ({"users": place.base}, ["--users", place.base, "directory"]),
            ({"users": place.own / "ca.pem"}, ["--users", "ca.pem", "no private key", "reload-certs issue --users"]),
            ({"users": place.base / "other" / "users.pem"},
             ["--users", "other/users.pem", "of overlay other.example", "reload-certs issue --users"]),
            ({"users": place.base / "twin" / "users.pem"},
             ["--users", "twin/users.pem", "does not chain", "reload-certs issue --users"]),
            ({"passwords": none}, ["--passwords", none, "No such file"]),
            ({"passwords": place.base}, ["--passwords", place.base, "directory"]),
            ({"passwords": place.own / "overlay.xml"}, ["--passwords", "overlay.xml:1", "reload-certs issue"])):
        tally.check("peer with %s" % changes, faults_of(place.start(place.sip(**changes)), parts, (1,)))


def ports_in_use(place, tally):
    another = ["in use", "another port"]
    with Held(RELOAD_PORT):
        tally.check("RELOAD port in use",
                    faults_of(place.start(place.sip()), ["--listen", "%s:%d" % (HOST, RELOAD_PORT), *another], (1,)))
    with Held(ADMIN_PORT):
        tally.check("admin port in use", faults_of(place.start(place.sip()), ["--admin", ADMIN_PORT, "another port"], (1,)))
    for kind, name in ((socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")):
        with Held(SIP_PORT, kind):
            tally.check("SIP port in use, " + name, faults_of(
                place.start(place.sip()), ["--sip-listen", "%s:%d" % (HOST, SIP_PORT), name, "in use", "ports free"], (1,)))
    if NOBODY:
        own = place.file("nobody.pem", (place.own / "peer.pem").read_text(), 0o644)
        home = place.base / "nobody"
        home.mkdir()
        os.chown(home, 65534, 65534)
        given = place.given(credential=own, data=home / "data", listen="127.0.0.1:85")
        tally.check("a port of the system's",
                    faults_of(place.start(given, NOBODY), ["--listen", "127.0.0.1:85", "denied", "1024"], (1,)))


def no_rights(place, tally):
    """As a user who may not read or write; root may do everything, so it becomes another user first."""
    shut = place.base / "shut"
    own = place.file("own.pem", (place.own / "peer.pem").read_text(), 0o644)
    (place.own / "peer.pem").chmod(0o600)
    if not NOBODY:
        print("skipped: reading a file of another user's needs root")
    else:
        tally.check("credential of another user's", faults_of(
            place.start(place.given(data=place.base / "nobody" / "data"), NOBODY),
            ["--credential", place.own / "peer.pem", "Permission denied"], (1,)))
    for changes, parts in (({"data": shut / "data"}, ["--data", shut / "data", "denied", "may write"]),
                           ({"data": shut}, ["--data", shut, "denied", "writable"]),
                           ({"data": place.base / "nobody" / "data", "key_log": shut / "keys"},
                            ["--key-log", shut / "keys", "denied", "may write"]),
                           ({"data": place.base / "nobody" / "data", "log_file": shut / "log"},
                            ["--log-file", shut / "log", "denied"])):
        tally.check("no right to %s" % changes,
                    faults_of(place.start(place.given(credential=own, **changes), NOBODY), parts))
    for words, parts in ((["init", "--dir", shut / "new", "--overlay", OVERLAY], [shut / "new", "denied", "--dir"]),
                         (["issue", "--dir", place.own, "--node", "--out", shut / "x.pem"], ["denied"])):
        done = run(*NOBODY, place.certs, *words)
        tally.check("reload-certs %s without rights" % words[0], faults_of(done, parts, (1,)))


def wrong_client(place, tally):
    good = {"overlay-config": place.own / "overlay.xml", "credential": place.own / "client.pem", "timeout": 3}
    none = place.base / "none"
    dead = "%s:%d" % (HOST, RELOAD_PORT + 1)
    name = "user0@" + OVERLAY
    for changes, command, parts, code in (
            ({"frobnicate": True}, ["ping"], ["--frobnicate"], 2),
            ({}, [], ["no command", "--help"], 2),
            ({}, ["fetch", name], ["--kind"], 2),
            ({}, ["fetch", name, "--kind", "NONE"], ["--kind", "NONE", "SIP-REGISTRATION"], 2),
            ({"peer": "nowhere"}, ["ping"], ["--peer", "nowhere"], 2),
            ({"overlay-config": none}, ["ping"], ["--overlay-config", none, "No such file"], 2),
            ({"overlay-config": place.base}, ["ping"], ["--overlay-config", place.base, "directory"], 2),
            ({"overlay-config": place.base / "altered.xml"}, ["ping"], ["--overlay-config", "signature does not"], 2),
            ({"credential": none}, ["ping"], ["--credential", none, "No such file"], 2),
            ({"credential": place.base}, ["ping"], ["--credential", place.base, "directory"], 2),
            ({"credential": place.own / "ca.pem"}, ["ping"], ["--credential", "ca.pem", "no private key"], 2),
            ({"credential": place.base / "mixed.pem"}, ["ping"], ["--credential", "mixed.pem", "does not fit"], 2),
            ({"credential": place.base / "expired.pem"}, ["ping"], ["--credential", "expired.pem", "expired"], 2),
            ({"credential": place.base / "other" / "client.pem"}, ["ping"], ["--credential", "of overlay other"], 2),
            ({"user-credential": none}, ["register", name], ["--user-credential", none, "No such file"], 2),
            ({}, ["store", name, "--kind", "CERTIFICATE_BY_USER", "--file", none], ["--file", none, "No such file"], 2),
            ({"key-log": "/proc/none/keys"}, ["ping"], ["--key-log", "/proc/none/keys"], 2),
            ({"peer": dead}, ["ping"], [dead], 3)):
        done = run(place.client, *peer_words({**good, **changes}), *command)
        tally.check("reload-client with %s %s" % (changes, command), faults_of(done, parts, (code,)))


def wrong_certs(place, tally):
    none = place.base / "none"
    list_file = place.file("list.csv", "alice,secret\nbob smith,secret\n")
    broken = place.file("broken.xml", (place.own / "overlay.xml").read_text()[:700])
    foreign = place.base / "other" / "overlay.xml"
    out = place.base / "made.pem"
    for words, parts in (
            (["issue", "--dir", none, "--node", "--out", out], ["overlay.xml is missing", "reload-certs init"]),
            (["issue", "--dir", place.own, "--users", none, "--out", out], [none, "No such file"]),
            (["issue", "--dir", place.own, "--users", list_file, "--out", out], [list_file, "line 2", "bob smith"]),
            (["issue", "--dir", place.own, "--node", "--out", none / "x.pem"], [none, "No such file"]),
            (["issue", "--dir", place.own, "--node", "--out", place.own / "ca.key"], ["ca.key", "exists"]),
            (["sign-config", "--dir", place.own, "--in", broken], [broken, "XML"]),
            (["sign-config", "--dir", place.own, "--in", foreign], [foreign, "does not list the signer"]),
            (["show", none], [none, "No such file"]),
            (["show", list_file], [list_file, "no certificate"])):
        tally.check("reload-certs %s" % words, faults_of(run(place.certs, *words), parts, (1,)))
    tally.check("nothing was made", ["%s is there" % out] if out.exists() else [])
    # A limit of the file's size stands for a full disk.
    before = sorted(path.name for path in place.base.iterdir())
    done = run("prlimit", "--fsize=100", place.certs, "issue", "--dir", place.own, "--node", "--out", out)
    tally.check("reload-certs on a full disk", faults_of(done, [out, "File too large"], (1,)))
    after = sorted(path.name for path in place.base.iterdir())
    tally.check("no half of a key is left", ["%s, not %s" % (after, before)] if after != before else [])


def told_and_survived(place, tally):
    """What is no reason to end: it is told, and the peer serves."""
    foreign = (place.base / "twin" / "users.pem").read_text() + (place.own / "users.pem").read_text()
    given = place.sip(credential=place.file("open.pem", (place.own / "peer.pem").read_text(), 0o644),
                      users=place.file("both.pem", foreign), key_log=place.base / "keys.log")
    peer = Peer(place, given, "told")
    faults = [] if peer.wait(lambda: peer.ask("/readyz") == "ready\n") else ["not ready: " + peer.text()[-600:]]
    for part in ("open.pem holds secrets and others may read it", "chmod 600", "2 credentials of", "both.pem",
                 "left out", "does not chain", "keys.log"):
        if part not in peer.text():
            faults.append("%r is not in its log" % part)
    tally.check("readable key, foreign users, key log", faults)
    second = place.start(place.given(listen="%s:%d" % (HOST, RELOAD_PORT + 2), admin="%s:%d" % (HOST, ADMIN_PORT + 1)))
    tally.check("data directory of a peer that runs",
                faults_of(second, ["--data", place.base / "data", "in use by another process"], (1,)))
    code = peer.end()
    tally.check("ends in good order", [] if code == 0 and "left the overlay" in peer.text() else
                ["code %s: %s" % (code, peer.text()[-600:])])

    peer = Peer(place, place.given(first_peer=None), "lonely")
    peer.wait(lambda: "--first-peer" in peer.text())
    tally.check("the only bootstrap node, and not told to be the first",
                [] if peer.lives() and "--first-peer" in peer.text() else [peer.text()])
    peer.end()

    peer = Peer(place, place.given(first_peer=None, bootstrap="%s:%d" % (HOST, RELOAD_PORT + 1)), "alone")
    refused = "link to %s:%d not established: connection refused" % (HOST, RELOAD_PORT + 1)
    peer.wait(lambda: refused in peer.text())
    faults = [] if refused in peer.text() else ["%r is not in its log: %s" % (refused, peer.text())]
    faults += [] if peer.lives() and peer.ask("/readyz") is None else ["it does not live, or says it is ready"]
    tally.check("no bootstrap node answers", faults)
    peer.end()


def strangers(place, tally):
    """Connections from who is no peer: refused, told with the reason, counted; a flood of them does not flood the log."""
    peer = Peer(place, place.given(), "strangers")
    peer.wait(lambda: peer.ask("/readyz") == "ready\n")
    connect = ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", "%s:%d" % (HOST, RELOAD_PORT)]
    expired = ["-cert", place.base / "expired.crt", "-key", place.base / "expired.key"]
    foreign = ["-cert", place.base / "other" / "peer.pem", "-key", place.base / "other" / "peer.pem"]
    for words, counter, reason in (([], "reload_handshakes_failed_total", "did not return a certificate"),
                                   (expired, "reload_links_refused_total", "closed: certificate is expired"),
                                   (foreign, "reload_links_refused_total", "certificate is of overlay other.example")):
        before = peer.counter(counter)
        run(*connect, *words, stdin=subprocess.DEVNULL)
        faults = [] if peer.wait(lambda: peer.counter(counter) == before + 1) else ["%s is not one more" % counter]
        if not peer.wait(lambda: reason in peer.text(), 2):
            faults.append("%r is not in its log: %s" % (reason, peer.text()[-600:]))
        tally.check("a stranger with %s" % (words or "no certificate"), faults)
    before = peer.counter("reload_handshakes_failed_total")
    for _ in range(200):
        with socket.create_connection((HOST, RELOAD_PORT)) as stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
    faults = []
    if not peer.wait(lambda: peer.counter("reload_handshakes_failed_total") == before + 200):
        faults.append("%s of 200 counted" % (peer.counter("reload_handshakes_failed_total") - before))
    lines = peer.text().count("link from")
    if lines > 60:
        faults.append("%d lines in its log" % lines)
    if not peer.lives():
        faults.append("it does not live")
    tally.check("200 connections without TLS", faults)
    peer.end()


def full_disk(place, tally):
    """The disk is full when the peer starts; and becomes full while it runs."""
    if os.geteuid() != 0 or run("unshare", "-m", "true").returncode != 0:
        print("skipped: a small disk needs root and mount namespaces")
        return
    disk = place.base / "disk"
    disk.mkdir()

    def small(size):
        return ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=%s none "$0" && exec "$@"' % size, disk]

    tally.check("no room for the store", faults_of(place.start(place.given(data=disk / "data"), small("4k")),
                                                   ["--data", disk / "data", "No space left", "make room"], (1,)))
    peer = Peer(place, place.given(data=disk / "data"), "full", small("128k"))
    client = [place.client, "--overlay-config", place.own / "overlay.xml", "--credential", place.own / "client.pem",
              "--user-credential", place.own / "users.pem", "--timeout", 2]
    if not peer.wait(lambda: peer.ask("/readyz") == "ready\n"):
        tally.check("peer on a small disk", ["not ready: " + peer.text()[-600:]])
        peer.end()
        return
    def values():
        return json.loads(peer.ask("/status") or "{}").get("values")

    own = 2  # its certificate, under two names
    if not peer.wait(lambda: values() == own):
        tally.check("certificates of a peer on a small disk", ["%s values" % values()])
    stored = refused = 0
    for index in range(60):
        done = run(*client, "store", "user0@" + OVERLAY, "--kind", "CERTIFICATE_BY_USER", "--hex", "ab" * 4000, "--index",
                   index)
        stored += done.returncode == 0
        refused += done.returncode != 0
        if refused:
            break
    held = values() - own
    faults = []
    if not (stored and refused):
        faults.append("%d stored, %d refused" % (stored, refused))
    if held != stored:
        faults.append("%s values held, %d acknowledged" % (held, stored))
    if not peer.counter("reload_store_failures_total"):
        faults.append("reload_store_failures_total is %s" % peer.counter("reload_store_failures_total"))
    if "--data: not stored and not acknowledged" not in peer.text():
        faults.append("its log does not tell: " + peer.text()[-600:])
    if not peer.lives():
        faults.append("it does not live")
    if run(*client, "fetch", "user0@" + OVERLAY, "--kind", "CERTIFICATE_BY_USER").returncode != 0:
        faults.append("what was stored cannot be fetched")
    tally.check("disk full while it runs", faults)
    peer.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the same cases")
    parser.parse_args()
    tally = Tally()
    base = pathlib.Path(tempfile.mkdtemp(prefix="misuse-"))
    try:
        place = Place(base)
        for part in (broken_json, wrong_options, wrong_files, ports_in_use, no_rights, wrong_client, wrong_certs,
                     told_and_survived, strangers, full_disk):
            part(place, tally)
    finally:
        shutil.rmtree(base)
    print("%d passed, %d failed" % (tally.passed, tally.failed))
    return 1 if tally.failed else 0


sys.exit(main())
