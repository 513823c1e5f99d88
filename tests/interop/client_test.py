#!/usr/bin/env python3
"""Uses reload-client on a running overlay as a person and as a script would: each command, wrong use, a peer that dies
under it, and phones that are called by what it registered.

Needs the programs in $RELOAD_BUILD, openssl and sipp. The last line is "N passed, N failed".
"""
import hashlib
import json
import signal
import socket
import subprocess
import time

import kit
from kit import check, wait_until

ABSENT = "1234567890" * 3 + "12"
WILDCARD = "f" * 32
ALICE, BOB = "alice@" + kit.DOMAIN, "bob@" + kit.DOMAIN


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)


def resource(name):
    return hashlib.sha1(name.encode()).hexdigest()[:32]


def stat_hash(value):
    """RFC 6940 7.4.3.2: over the value with its length before it."""
    return hashlib.sha256(len(value).to_bytes(4, "big") + value).hexdigest()


class Bed(kit.Overlay):
    """An overlay, credentials of a client and of two users, and reload-client with them."""

    def __enter__(self):
        super().__enter__()
        self.issue("client", "--node")
        self.issue("alice", "--user", "alice")
        self.issue("bob", "--user", "bob")
        # The first line of a credential file is "# user Node-ID".
        self.own = (self.scratch / "client.pem").read_text().split()[2]
        self.nodes = [self.status(peer)["node_id"] for peer in range(self.args.peers)]
        return self

    def issue(self, name, *words, authority=None):
        self.tool("issue", "--dir", authority or self.dir, *words, "--out", self.scratch / (name + ".pem"))

    def link(self, peer):
        return json.loads((self.dir / ("peer%d.json" % peer)).read_text())["listen"]

    def command(self, *words, credential="client", user=None, xml=None):
        user_words = ["--user-credential", self.scratch / (user + ".pem")] if user else []
        return [str(word) for word in [self.client, "--overlay-config", xml or self.dir / "overlay.xml", "--credential",
                                       self.scratch / (credential + ".pem"), *user_words, *words]]

    def use(self, *words, code=0, says=(), **how):
        """Runs the client and gives what it printed. Of a failure, its message holds what `says` names."""
        done = run(*self.command(*words, **how))
        seen = "%s: %d\n%s%s" % (" ".join(map(str, words)), done.returncode, done.stdout, done.stderr)
        check(done.returncode == code, seen)
        check((done.stderr == "") == (code == 0), "standard error of", seen)
        for part in says if isinstance(says, tuple) else (says,):
            check(str(part) in (done.stderr if code else done.stdout), "no", part, "in", seen)
        return done.stdout

    def json(self, *words, **how):
        return json.loads(self.use("--json", *words, **how))

    def begin(self, *words, **how):
        return subprocess.Popen(self.command(*words, **how), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def in_charge(self, point):
        """The peer in charge of a Resource-ID or Node-ID (RFC 6940 10.2): the first one clockwise."""
        return min(self.nodes, key=lambda node: (node < point, node))


def test_ping(bed):
    for node in bed.nodes:
        answers = bed.json("ping", node)["answers"]
        check([answer["responder"] for answer in answers] == [node], answers)
        check(0 < answers[0]["round_trip_ms"] < 5000, answers)
    for to in ((), (WILDCARD,)):
        answers = bed.json("ping", *to, "-c", 3)["answers"]
        check(len(answers) == 3 and all(answer["responder"] in bed.nodes for answer in answers), to, answers)
    name = "somebody@" + kit.DOMAIN
    check(bed.json("ping", name)["answers"][0]["responder"] == bed.in_charge(resource(name)), name)
    line = bed.use("ping", name, "-c", 2, says="2 answers, least ").splitlines()[0]
    check(line.startswith(bed.in_charge(resource(name)) + "  ") and line.endswith(" ms"), line)


def test_route(bed):
    for i in range(8):
        name = "user%d@%s" % (i, kit.DOMAIN)
        found = bed.json("route", name)
        check(found["id"] == resource(name), found)
        check(found["end"] == bed.in_charge(found["id"]) == found["way"][-1]["node"], found)
        check(found["hops"] == len(found["way"]) <= 3, found)
    for node in bed.nodes:
        bed.use("route", node, says="the node is " + node)
    check(bed.json("route", ABSENT)["present"] is False)
    bed.use("route", ABSENT, says="no node " + ABSENT)
    bed.use("route", WILDCARD, code=2, says="wildcard")


def test_store_and_fetch(bed):
    der = bed.scratch / "alice.der"
    check(run("openssl", "x509", "-in", bed.scratch / "alice.pem", "-outform", "der", "-out", der).returncode == 0)
    kind = ("--kind", "CERTIFICATE_BY_USER")
    check(bed.json("fetch", ALICE, *kind, code=1, says="nothing of Kind")["values"] == [])
    stored = bed.json("store", ALICE, *kind, "--file", der, "--lifetime", 100, user="alice")
    check(stored["done"] == "stored" and stored["resource"] == resource(ALICE), stored)
    again = bed.json("store", ALICE, "--kind", 16, "--value", "hello", user="alice")
    check(again["generation"] > stored["generation"], stored, again)
    values = bed.json("fetch", ALICE, *kind)["values"]
    check([value["value"] for value in values] == [der.read_bytes().hex(), b"hello".hex()], values)
    check(values[1]["text"] == "hello" and values[0]["signer_user"] == ALICE and 90 <= values[0]["lifetime"] <= 100, values)
    bed.use("fetch", ALICE, *kind, says='"hello"')
    check(bed.json("store", ALICE, *kind, "--index", 0, "--remove", user="alice")["done"] == "removed")
    values = bed.json("fetch", ALICE, *kind)["values"]
    check([value["index"] for value in values] == [1], values)
    # The access policies: a user's place is closed to others, a node's too.
    refused = bed.json("store", ALICE, *kind, "--value", "x", "--as", BOB, user="bob", code=1,
                       says=("USER-MATCH", BOB, "--user-credential"))
    check(refused["code"] == "Error_Forbidden", refused)
    bed.use("store", "node:" + bed.own, "--kind", "CERTIFICATE_BY_NODE", "--hex", "0a0b")
    check(bed.json("fetch", "node:" + bed.own, "--kind", "CERTIFICATE_BY_NODE")["values"][0]["value"] == "0a0b")
    bed.use("store", "node:" + bed.nodes[0], "--kind", "CERTIFICATE_BY_NODE", "--hex", "00", code=1, says="NODE-MATCH")


def test_stat(bed):
    """What the values are, without them: as fetch has them, hashed here."""
    kind = ("--kind", "CERTIFICATE_BY_NODE")
    name = "node:" + bed.own
    check(bed.json("stat", BOB, *kind, code=1, says="nothing of Kind")["values"] == [])
    bed.use("store", name, *kind, "--value", "hello", "--index", 0, "--lifetime", 500)
    bed.use("store", name, *kind, "--value", "", "--index", 1)
    found = bed.json("stat", name, *kind)
    check(found["responder"] == bed.in_charge(found["resource"]), found)
    fetched = bed.json("fetch", name, *kind)["values"]
    check([(v["index"], v["length"], v["hash_algorithm"], v["hash"]) for v in found["values"]] ==
          [(v["index"], len(v["value"]) // 2, "sha256", stat_hash(bytes.fromhex(v["value"])))
           for v in fetched], found, fetched)
    check(450 < found["values"][0]["lifetime"] <= 500, found)
    bed.use("stat", name, *kind, says=("index 0  5 bytes", stat_hash(b"hello")))
    bed.use("store", name, *kind, "--index", 1, "--remove")
    check([v["index"] for v in bed.json("stat", name, *kind)["values"]] == [0])
    key = bed.json("register", ALICE, user="alice")["key"]
    check([v["key"] for v in bed.json("stat", ALICE, "--kind", 1, "--key", key)["values"]] == [key])
    bed.use("stat", ALICE, "--kind", 1, "--key", "00", code=1, says="nothing of Kind")
    bed.use("register", ALICE, "--remove", user="alice")


def test_find(bed):
    kind = ("--kind", "CERTIFICATE_BY_USER")
    bed.use("store", BOB, *kind, "--value", "x", user="bob")
    here = resource(BOB)
    found = bed.json("find", BOB, *kind, "--kind", "TURN-SERVICE")
    check(found["resource"] == here and found["responder"] == bed.in_charge(here), found)
    check([(entry["kind"], entry["closest"]) for entry in found["kinds"]] ==
          [("CERTIFICATE_BY_USER", here), ("TURN-SERVICE", None)], found)
    bed.use("find", "resource:" + here, *kind, says="CERTIFICATE_BY_USER  resource:" + here)
    # From a point before it, the peer in charge of both finds it too.
    before = "%032x" % (int(here, 16) - 1)
    if bed.in_charge(before) == bed.in_charge(here):
        check(bed.json("find", "resource:" + before, *kind)["kinds"][0]["closest"] == here)
    bed.use("find", BOB, "--kind", "TURN-SERVICE", code=1, says="holds nothing")
    bed.use("find", "resource:12", *kind, code=2, says="resource:12")


def test_probe(bed):
    shares = {}
    for node in bed.nodes:
        found = bed.json("probe", node)
        check(found["responder"] == node and 0 <= found["uptime_s"] < 3600 and found["resources"] >= 0, found)
        shares[node] = found["responsible_ppb"]
    check(999_999_900 <= sum(shares.values()) <= 1_000_000_000, shares)
    check(bed.json("probe", ALICE)["responder"] == bed.in_charge(resource(ALICE)))
    bed.use("probe", says=("in charge of ", "resources", "up for "))


def test_register_and_resolve(bed):
    check(bed.json("resolve", ALICE, code=1, says="not registered")["entries"] == [])
    done = bed.json("register", ALICE, "--via", bed.nodes[2], "--prefs", "(sip.schemes=SIPS)", user="alice")
    check(done["registration"]["destinations"] == [bed.nodes[2]], done)
    bed.use("register", BOB, "--to", ALICE, user="bob")
    found = bed.json("resolve", BOB)
    check([entry["registration"]["type"] for entry in found["entries"]] == ["uri", "route"], found)
    check(found["targets"] == [{"name": ALICE, "scheme": "sips", "destinations": [bed.nodes[2]]}], found)
    bed.use("resolve", BOB, says=("entry %s to address %s" % (BOB, ALICE),
                                  "call sips:%s at node %s" % (ALICE, bed.nodes[2])))
    values = bed.json("fetch", ALICE, "--kind", "sip-registration")["values"]
    check(values[0]["registration"] == done["registration"] and values[0]["key"] == done["key"], values)
    bed.use("register", BOB, "--to", "tel:+15551234", user="bob")
    check(bed.json("resolve", BOB)["external"] == ["tel:+15551234"])
    for user, name in (("alice", ALICE), ("bob", BOB)):
        check(bed.json("register", name, "--remove", user=user)["done"] == "removed")
        bed.use("resolve", name, code=1, says="not registered")
    # Without --to and --via: this client's own node, over its peer.
    way = bed.json("register", ALICE, user="alice")["registration"]["destinations"]
    check(len(way) == 2 and way[0] in bed.nodes and way[1] == bed.own, way)
    bed.use("register", ALICE, "--remove", user="alice")


def test_a_call_to_what_the_client_registered(bed):
    """A phone at peer 1 is called from peer 3 under an address that leads to it."""
    user = bed.user()
    aor = "%s@%s" % (kit.name(user), kit.DOMAIN)
    phone = bed.sipp("answer", seconds=60, user=kit.name(user))
    bed.play("register", bed.sip(1), user=kit.name(user), password=kit.secret(user), contact=kit.contact(phone), expires=600)
    wait_until("registration", lambda: run(*bed.command("resolve", aor)).returncode == 0)
    targets = [{"name": aor, "scheme": "sip", "destinations": [bed.nodes[1]]}]
    check(bed.json("resolve", aor)["targets"] == targets, bed.json("resolve", aor))
    bed.use("register", ALICE, "--to", aor, user="alice")
    check(bed.json("resolve", ALICE)["targets"] == targets, bed.json("resolve", ALICE))
    caller = bed.user()
    bed.play("call", bed.sip(3), user=kit.name(caller), password=kit.secret(caller), callee="alice")
    phone.succeed()
    bed.use("register", ALICE, "--remove", user="alice")


def test_wrong_options(bed):
    for words, says in (((), "no command"), (("dial",), "dial"), (("ping",), "--overlay-config is missing"),
                        (("--overlay-config", "x", "ping"), "--credential is missing")):
        done = run(bed.client, *words)
        check(done.returncode == 2 and says in done.stderr and "--help" in done.stderr and not done.stdout, done)
        done = run(bed.client, "--json", *words)
        check(done.returncode == 2 and says in json.loads(done.stdout)["error"], done)
    for words, says in (
            (("ping", "--peer", "localhost:6084"), ("--peer", "localhost:6084", "192.0.2.1:6084")),
            (("ping", "--timeout", "0"), "--timeout"),
            (("ping", "-c", "0"), "--count"),
            (("ping", ""), "NAME is empty"),
            (("ping", "0" * 32), "reserved"),
            (("fetch", "a"), "--kind"),
            (("fetch", "a", "--kind", "FOO"), ("--kind FOO", "SIP-REGISTRATION")),
            (("fetch", "a", "--kind", "1", "--key", "xy"), "--key xy"),
            (("fetch", "node:12", "--kind", "1"), "node:12"),
            (("store", "a", "--kind", "1"), "--value"),
            (("store", "a", "--kind", "1", "--value", "x", "--hex", "00"), "--hex"),
            (("store", "a", "--kind", "1", "--hex", "0"), "--hex 0"),
            (("store", "a", "--kind", "1", "--value", "x" * 1001), "1000"),
            (("store", "a", "--kind", "1", "--value", "x", "--index", "1"), "--index"),
            (("store", "a", "--kind", "16", "--value", "x", "--key", "00"), "--key"),
            (("store", "a", "--kind", "16", "--remove"), "--index"),
            (("store", "a", "--kind", "1", "--value", "x", "--as", "bob"), "--as bob"),
            (("register", ALICE), ("--user-credential", "reload-certs issue")),
            (("resolve", "@"), "USER@DOMAIN")):
        bed.use(*words, code=2, says=says)
    for words, says in ((("--to", ""), "--to"), (("--to", "a b"), "--to a b"), (("--via", "12"), "--via 12"),
                        (("--to", BOB, "--remove"), "--remove"), (("--prefs", "x" * 70000), "--prefs"),
                        (("--lifetime", "0"), "--lifetime")):
        bed.use("register", ALICE, *words, user="alice", code=2, says=says)


def test_help(bed):
    general = run(bed.client, "--help").stdout
    check("Exit status: 0" in general and "Examples" in general, general)
    for command in ("ping", "fetch", "stat", "find", "store", "register", "resolve", "route", "probe"):
        check("\n  %s " % command in general, general)
        done = run(bed.client, command, "--help")
        examples = [line for line in done.stdout.splitlines() if line.startswith("  reload-client ... ")]
        check(done.returncode == 0 and not done.stderr and any(" %s" % command in line for line in examples), done)
    check(run(bed.client, "--version").returncode == 0)


def test_wrong_files(bed):
    absent, junk = bed.scratch / "absent", bed.scratch / "junk.pem"
    junk.write_text("junk")
    bed.use("ping", xml=absent, code=2, says=("--overlay-config", absent, "reload-certs init"))
    bed.use("ping", xml=junk, code=2, says=("--overlay-config", junk))
    bed.use("ping", credential="absent", code=2, says=("--credential", absent, "reload-certs issue"))
    bed.use("ping", credential="junk", code=2, says=("--credential", junk, "reload-certs issue"))
    bed.use("ping", credential="overlay/users0", code=2, says=("--credential", "8 credentials", "--user-credential"))
    bed.use("register", ALICE, user="absent", code=2, says=("--user-credential", absent))
    bed.use("store", "a", "--kind", "1", "--file", absent, code=2, says=("--file", absent))
    bed.use("store", "a", "--kind", "1", "--file", "/dev/zero", code=2, says=("--file", "/dev/zero", "1000"))
    bed.use("--key-log", absent / "log", "ping", code=2, says=absent / "log")
    bed.use("--listen", bed.sip(0), "ping", code=2, says=("--listen", bed.sip(0)))


def test_wrong_overlays(bed):
    other, same = bed.scratch / "other", bed.scratch / "same"
    bed.tool("init", "--dir", other, "--overlay", "other.example", "--bootstrap", "127.0.0.1:9")
    bed.tool("init", "--dir", same, "--overlay", kit.DOMAIN, "--bootstrap", "127.0.0.1:9")
    bed.issue("of_other", "--node", authority=other)
    bed.issue("of_same", "--node", authority=same)
    bed.issue("imposter", "--user", "alice", authority=same)
    bed.use("ping", credential="of_other", code=2, says=("--credential", "other.example"))
    bed.use("ping", credential="of_same", code=2, says=("--credential", "root-cert", "overlay.xml"))
    bed.use("register", ALICE, user="imposter", code=2, says=("--user-credential", ALICE, "root-cert"))
    for authority, name in ((other, "of_other"), (same, "of_same")):
        xml = authority / "overlay.xml"
        bed.use("--peer", bed.link(1), "ping", credential=name, xml=xml, code=3, says=(bed.link(1), xml))
        bed.use("ping", credential=name, xml=xml, code=3, says=("bootstrap nodes", "--peer"))


def test_an_overlay_without_clients(bed):
    """6940-11.1-29: an overlay says with clients-permitted that nodes may not stay clients, and this one does not try."""
    closed = bed.scratch / "closed"
    bed.tool("init", "--dir", closed, "--overlay", "closed.example", "--bootstrap", "127.0.0.1:9", "--no-clients")
    bed.issue("of_closed", "--node", authority=closed)
    xml = closed / "overlay.xml"
    check("clients-permitted>false<" in xml.read_text(), xml.read_text())
    bed.use("ping", credential="of_closed", xml=xml, code=2, says=("closed.example", "clients-permitted"))


def test_nobody_answers(bed):
    bed.use("--peer", "127.0.0.1:9", "ping", code=3, says=("127.0.0.1:9", "--peer"))
    bed.use("--peer", "127.0.0.1:9", "--peer", bed.link(2), "ping")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        bed.use("--peer", address, "--timeout", 1, "ping", code=3, says=(address, "1 s", "--timeout"))
    late = bed.json("--timeout", 1, "ping", ABSENT, code=3, says=("1 s", "no such node", "route"))
    check(late["code"] == "Error_Request_Timeout" and late["answers"] == [], late)


def test_interrupted(bed):
    for stop in (signal.SIGINT, signal.SIGTERM):
        child = bed.begin("--json", "--timeout", 60, "ping", "-c", 10000)
        time.sleep(0.7)  # some answers come
        child.send_signal(stop)
        out, err = child.communicate(timeout=10)
        check(child.returncode == 130 and "interrupted" in err, child.returncode, err)
        found = json.loads(out)
        check(found["error"] == "interrupted" and found["answers"], out[:500])


def test_its_peer_killed(bed):
    """The peer that everything goes through dies: the client goes on over another one."""
    dead = bed.in_charge(bed.own)
    alive = next(node for node in bed.nodes if node != dead)
    to_the_dead = bed.begin("--json", "--timeout", 4, "ping", dead, "-c", 10000)
    to_the_living = bed.begin("--json", "--timeout", 60, "ping", alive, "-c", 5000)
    time.sleep(0.5)  # some answers come
    bed.kill(bed.nodes.index(dead))
    out, err = to_the_dead.communicate(timeout=30)
    check(to_the_dead.returncode == 3 and "4 s" in err and len(json.loads(out)["answers"]) > 1, out[-500:], err)
    out, err = to_the_living.communicate(timeout=90)
    check(to_the_living.returncode == 0 and len(json.loads(out)["answers"]) == 5000, out[-500:], err)
    bed.start(bed.nodes.index(dead))
    wait_until("ring", bed.ring_of_the_living_is_consistent, 60)


if __name__ == "__main__":
    args = kit.options(__doc__)
    kit.run(kit.tests_of(globals()), args.only,
            Bed(peers=5, users=8))
