#!/usr/bin/env python3
"""Overlays without an enrollment server (RFC 6940 11.3.1, 13.4): members that make their own certificates, and links
that take a shared secret. Three peers and clients each; peers that die and come back; and what is refused, with what
the user is told.

Needs the programs in $RELOAD_BUILD and openssl. The last line is "N passed, N failed".
"""
import hashlib
import json
import re
import stat
import subprocess

import kit
from kit import check, demo, wait_until

DOMAIN = "club.example"
BY_NODE, BY_USER = ["--kind", "CERTIFICATE_BY_NODE"], ["--kind", "CERTIFICATE_BY_USER"]


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class Bed(kit.Overlay):
    """Three peers of an overlay that `init` made with these options. Each makes its own credential."""

    def __init__(self, *options, users=0):
        super().__init__(peers=3, users=users)
        self.options = options
        self.self_signed = any(option.startswith("--self-signed") for option in options)

    def make(self):
        self.dir.mkdir(parents=True)
        ports = demo.free_ports(self.args.peers)
        self.tool("init", "--dir", self.dir, "--overlay", DOMAIN, *self.options,
                  *sum((["--bootstrap", "127.0.0.1:%d" % port] for port in ports), []))
        if not self.self_signed:
            for i in range(self.args.peers):
                self.tool("issue", "--dir", self.dir, "--node", "--out", self.dir / ("peer%d.pem" % i))
                if self.args.users:
                    self.list_users()
                    self.tool("issue", "--dir", self.dir, "--users", self.dir / "users.csv", "--out",
                              self.dir / ("users%d.pem" % i), "--passwords", self.dir / ("users%d.passwd" % i))
        return ports

    def list_users(self):
        (self.dir / "users.csv").write_text("".join("%s,%s\n" % (kit.name(i), kit.secret(i))
                                                    for i in range(self.args.users)))

    def link(self, i):
        return json.loads((self.dir / ("peer%d.json" % i)).read_text())["listen"]

    def altered(self, name, change):
        """A document of this overlay with another content and a right signature."""
        (self.scratch / "edited.xml").write_text(change(self.document().read_text()))
        self.tool("sign-config", "--dir", self.dir, "--in", self.scratch / "edited.xml", "--out",
                  self.scratch / (name + ".xml"))
        return self.scratch / (name + ".xml")

    def configure(self, ports):
        super().configure(ports)
        for i in range(self.args.peers):
            path = self.dir / ("peer%d.json" % i)
            settings = json.loads(path.read_text())
            if self.self_signed:
                del settings["credential"]
                settings["self-signed"] = "peer%d" % i
            path.write_text(json.dumps(settings))

    def credential(self, i):
        return self.dir / ("data%d" % i) / "credential.pem" if self.self_signed else self.dir / ("peer%d.pem" % i)

    def document(self):
        return self.dir / "overlay.xml"

    def command(self, name, *words, xml=None, peer=None):
        """reload-client as `name`, which makes or has its own credential."""
        file = self.scratch / (name + ".pem")
        own = ["--self-signed", name] if self.self_signed else []
        if not self.self_signed and not file.exists():
            self.tool("issue", "--dir", self.dir, "--user", name, "--out", file)
        there = ["--peer", peer] if peer else []
        return [self.client, "--overlay-config", xml or self.document(), "--credential", file, *own, *there, *words]

    def use(self, name, *words, code=0, says=(), **how):
        done = run(*self.command(name, *words, **how))
        seen = "%s: %d\n%s%s" % (" ".join(map(str, words)), done.returncode, done.stdout, done.stderr)
        check(done.returncode == code, seen)
        for part in [says] if isinstance(says, str) else says:
            check(part in (done.stderr if code else done.stdout), "no", part, "in", seen)
        return done.stdout

    def values(self, name, of, kind):
        return json.loads(self.use(name, "--json", "fetch", of, *kind))["values"]

    def node_ids(self, path):
        return path.read_text().splitlines()[0].split()[2:]

    def log(self, i):
        return (self.dir / ("peer%d.log" % i)).read_text(errors="replace")

    def stranger(self, name, **changes):
        """Another peer with settings of its own: the process and its log."""
        settings = {"overlay-config": str(self.document()), "data": str(self.scratch / name), "first-peer": False,
                    "listen": "127.0.0.1:%d" % self.port(), "admin": "", **changes}
        path = self.scratch / (name + ".json")
        path.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))
        log = self.scratch / (name + ".log")
        with open(log, "wb") as out:
            child = subprocess.Popen([*kit.WITH_PARENT, self.peer, "--config", str(path)], stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=out)
        return child, log


def ends(child, log, code, *says, seconds=20):
    child.wait(seconds)
    text = log.read_text(errors="replace")
    check(child.returncode == code, "ended with", child.returncode, "\n", text)
    for part in says:
        check(part in text, "no", part, "in", text)


def says_and_stays_out(child, log, *says):
    """It runs on, tells why it gets no link, and does not join."""
    try:
        wait_until("message %s" % (says,), lambda: all(part in log.read_text(errors="replace") for part in says))
        check("joined the overlay" not in log.read_text(errors="replace"), log.read_text(errors="replace"))
    except kit.Failed as failed:
        raise kit.Failed("%s\n%s" % (failed, log.read_text(errors="replace")))
    finally:
        child.kill()
        child.wait()


def digest_of_key(pem, algorithm):
    """High-order bytes of the digest of the SubjectPublicKeyInfo, by openssl (6940-11.3.1-3)."""
    public = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-pubkey"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public.stdout, capture_output=True,
                         check=True)
    return hashlib.new(algorithm, der.stdout).hexdigest()[:32]


# Self-signed.

def test_each_member_makes_its_own_certificate(bed):
    """6940-11.3.1-1, 6940-11.3.1-3, 6940-11.3.1-6: the Node-ID is the digest of the key, and the ring is one of such nodes."""
    for i in range(3):
        pem = bed.credential(i)
        check(mode(pem) == 0o600, "mode", oct(mode(pem)))
        check(bed.node_ids(pem) == [digest_of_key(pem, "sha256")], pem.read_text().splitlines()[0])
        check(bed.status(i)["node_id"] == bed.node_ids(pem)[0], bed.status(i)["node_id"])
    check(not (bed.dir / "ca.pem").exists(), "there is an authority")


def test_certificates_are_in_the_overlay(bed):
    """6940-8-1, 6940-11.3.1-7: each peer's, by its user name and by its Node-ID."""
    for i in range(3):
        der = run("sh", "-c", "openssl x509 -in %s -outform der | od -An -v -tx1 | tr -d ' \\n'" % bed.credential(i)).stdout
        node = bed.status(i)["node_id"]
        own = lambda name, kind: [v["value"] for v in bed.values("reader", name, kind) if v["value"] == der]  # noqa: E731
        wait_until("certificate of peer %d" % i,
                   lambda: own("peer%d@%s" % (i, DOMAIN), BY_USER) and own("node:" + node, BY_NODE))


def test_clients_store_and_fetch(bed):
    bed.use("alice", "store", "alice@" + DOMAIN, *BY_USER, "--value", "hello", says="stored")
    values = bed.values("bob", "alice@" + DOMAIN, BY_USER)
    check(len(values) == 2 and values[1]["text"] == "hello", values)
    check(all(value["signer_user"] == "alice@" + DOMAIN for value in values), values)
    check(mode(bed.scratch / "alice.pem") == 0o600, "mode")
    # A second start uses the same credential, and its certificate is not stored once more.
    before = (bed.scratch / "alice.pem").read_bytes()
    bed.use("alice", "ping")
    check((bed.scratch / "alice.pem").read_bytes() == before, "the credential was made again")
    check(len(bed.values("bob", "alice@" + DOMAIN, BY_USER)) == 2)


def test_a_killed_peer_comes_back_as_itself(bed):
    node = bed.status(1)["node_id"]
    bed.kill(1)
    wait_until("ring of two", bed.ring_of_the_living_is_consistent, 30)
    check(len(bed.values("bob", "alice@" + DOMAIN, BY_USER)) == 2, "a stored value is lost")
    bed.start(1)
    wait_until("ring of three", bed.ring_of_the_living_is_consistent, 30)
    check(bed.status(1)["node_id"] == node, "another Node-ID after the restart")
    check(bed.use("bob", "ping", node), "no answer")


def test_a_taken_name_is_refused(bed):
    """6940-11.3.1-8: by a client and by a peer, each with a key of its own."""
    (bed.scratch / "thief.pem").unlink(missing_ok=True)
    command = bed.command("thief", "ping")
    command[command.index("--self-signed") + 1] = "alice"
    done = run(*command)
    check(done.returncode == 1 and "alice@%s is taken" % DOMAIN in done.stderr and "another --self-signed NAME" in
          done.stderr, done)
    check(len(bed.values("bob", "alice@" + DOMAIN, BY_USER)) == 2, "the thief's certificate is stored")
    child, log = bed.stranger("second", **{"self-signed": "peer0"})
    ends(child, log, 1, "peer0@%s is taken" % DOMAIN, "start again with another --self-signed NAME")


def test_a_credential_is_never_overwritten(bed):
    before = (bed.scratch / "alice.pem").read_bytes()
    command = bed.command("alice", "ping")
    command[command.index("--self-signed") + 1] = "carol"
    done = run(*command)
    check(done.returncode == 2 and "is the credential of alice@%s, not carol@%s" % (DOMAIN, DOMAIN) in done.stderr, done)
    check((bed.scratch / "alice.pem").read_bytes() == before, "overwritten")


def test_what_is_no_self_signed_member_is_refused(bed):
    """6940-11.3.1-5: a Node-ID that is not the digest of the key; the wrong digest; another overlay; a bad name."""
    other = bed.scratch / "sha1"
    bed.tool("init", "--dir", other, "--overlay", DOMAIN, "--self-signed=sha1", "--bootstrap", "127.0.0.1:1")
    pem = bed.scratch / "sha1.pem"
    bed.tool("issue", "--self-signed", "--overlay-config", other / "overlay.xml", "--user", "sha1", "--out", pem)
    check(bed.node_ids(pem) == [digest_of_key(pem, "sha1")], "not the SHA-1 of the key")
    child, log = bed.stranger("wrong-digest", credential=str(pem))
    ends(child, log, 1, "Node-IDs are not the digests of its public key")
    # The same node, believing the document that it was made for: the peers refuse it.
    text = (other / "overlay.xml").read_text()
    port = bed.document().read_text().split('port="')[1].split('"')[0]
    (bed.scratch / "lying.xml").write_text(text.replace('port="1"', 'port="%s"' % port))
    check(port in (bed.scratch / "lying.xml").read_text(), "the document has another form")
    done = run(bed.client, "--overlay-config", other / "overlay.xml", "--credential", pem, "--peer", "127.0.0.1:" + port,
               "ping")
    check(done.returncode == 3, done)
    wait_until("line in a peer's log", lambda: any("Node-IDs are not the digests of its public key" in bed.log(i)
                                                   for i in range(3)))
    child, log = bed.stranger("bad-name", **{"self-signed": "no such@name!"})
    ends(child, log, 1, "--self-signed: bad user name")


def test_a_bad_node_is_refused(bed):
    """The document's bad-node counts for self-signed certificates too."""
    bed.use("mallory", "ping")
    mallory = bed.node_ids(bed.scratch / "mallory.pem")[0]
    text = bed.document().read_text()
    sequence = int(re.search(r'sequence="(\d+)"', text).group(1))
    text = text.replace('sequence="%d"' % sequence, 'sequence="%d"' % (sequence + 1))
    text = re.sub(r"(<configuration-signer>)", "<bad-node>%s</bad-node>\\1" % mallory, text, count=1)
    (bed.scratch / "next.xml").write_text(text)
    old = bed.scratch / "old.xml"
    old.write_text(bed.document().read_text())
    bed.tool("sign-config", "--dir", bed.dir, "--in", bed.scratch / "next.xml")
    bed.use("mallory", "ping", code=2, says="bad-node")
    # With the document of before it gets as far as the peers that have the new one.
    bed.kill(2)
    bed.start(2)
    wait_until("configuration at all peers",
               lambda: all(bed.status(i)["configuration_sequence"] == sequence + 1 for i in range(3)), 30)
    bed.use("mallory", "ping", code=3, says="closed the link", xml=old)


def test_hosted_users_and_several_node_ids(bed):
    """6940-11.3.1-4: credentials made by reload-certs issue --self-signed are good here."""
    users = bed.scratch / "users.csv"
    users.write_text("dave,secret\nerin,secret\n")
    bed.tool("issue", "--self-signed", "--overlay-config", bed.document(), "--users", users, "--out",
             bed.scratch / "users.pem", "--passwords", bed.scratch / "users.passwd")
    check((bed.scratch / "users.pem").read_text().count("BEGIN CERTIFICATE") == 2)
    bed.use("bob", "--user-credential", bed.scratch / "users.pem", "store", "dave@" + DOMAIN, *BY_USER, "--value", "here",
            says="stored")
    many = bed.scratch / "many.pem"
    bed.tool("issue", "--self-signed", "--overlay-config", bed.document(), "--user", "many", "--node-ids", 3, "--out", many)
    public = subprocess.run(["openssl", "x509", "-in", many, "-noout", "-pubkey"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public.stdout, capture_output=True,
                         check=True).stdout
    check(bed.node_ids(many) == [hashlib.sha256(i.to_bytes(4, "big") + der).hexdigest()[:32] for i in (1, 2, 3)])
    done = run(bed.client, "--overlay-config", bed.document(), "--credential", many, "ping")
    check(done.returncode == 0, done)


def test_an_authority_is_named_where_there_is_none(bed):
    done = run(bed.certs, "issue", "--dir", bed.dir, "--node", "--out", bed.scratch / "no.pem")
    check(done.returncode == 1 and "has no authority" in done.stderr and "issue --self-signed" in done.stderr, done)
    child, log = bed.stranger("no-name", credential=None)
    ends(child, log, 2, "--credential is missing")


# Shared secret.

SECRET = re.compile(r"<shared-secret>(.*?)</shared-secret>")
SAME_DOCUMENT = "do both sides have the same configuration document?"


def test_the_document_is_for_members_only(bed):
    """6940-14.16-2: for its owner's eyes wherever it is written; never given by the configuration server."""
    secret = SECRET.search(bed.document().read_text()).group(1)
    check(len(secret) == 40, "the secret that was made is", secret)
    check(mode(bed.document()) == 0o600, "mode", oct(mode(bed.document())))
    shown = run(bed.certs, "show", bed.document()).stdout
    check("shared_secret: true" in shown and secret not in shown, shown)
    check(all(secret not in bed.log(i) for i in range(3)), "the secret is in a log")
    copy = bed.altered("copy", lambda text: text)
    check(mode(copy) == 0o600, "mode of a signed copy", oct(mode(copy)))
    copy.chmod(0o644)
    child, log = bed.stranger("exposed", **{"overlay-config": str(copy), "credential": str(bed.credential(0)),
                                            "listen": bed.link(0)})
    ends(child, log, 1, "copy.xml holds secrets and others may read it", "--listen")
    port = bed.port()
    server = subprocess.Popen([*kit.WITH_PARENT, bed.certs, "serve", "--dir", bed.dir, "--listen", "127.0.0.1:%d" % port],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = "https://127.0.0.1:%d/.well-known/reload-config" % port
        wait_until("configuration server", lambda: run("curl", "-sk", url).returncode == 0)
        got = run("curl", "-sk", "-w", "%{http_code}", url).stdout
        check(got.endswith("403") and secret not in got and "shared-secret" in got, got)
    finally:
        server.terminate()
        server.wait()


def test_members_of_a_secret_overlay_store_and_fetch(bed):
    """6940-13.4-1: by reload-client too, which has the same document."""
    bed.use("alice@" + DOMAIN, "store", "alice@" + DOMAIN, *BY_USER, "--value", "hello", says="stored")
    values = bed.values("bob@" + DOMAIN, "alice@" + DOMAIN, BY_USER)
    check([value["text"] for value in values] == ["hello"], values)
    check(all(bed.metric(i, "reload_handshakes_failed_total") == 0 for i in range(3)))


def test_a_call_between_phones_at_two_peers(bed):
    """The connection between the phones' peers is made by AppAttach, and by the secret as well."""
    phone = bed.sipp("answer", calls=1)
    bed.play("register", bed.sip(2), user=kit.name(1), password=kit.secret(1), expires=600, domain=DOMAIN,
             from_domain=DOMAIN, contact=kit.contact(phone, kit.name(1)))
    bed.play("call", bed.sip(0), user=kit.name(0), password=kit.secret(0), callee=kit.name(1), domain=DOMAIN,
             from_domain=DOMAIN, calls=1)
    phone.succeed()


def test_a_killed_peer_of_a_secret_overlay_comes_back(bed):
    node = bed.status(1)["node_id"]
    bed.kill(1)
    wait_until("ring of two", bed.ring_of_the_living_is_consistent, 30)
    check(len(bed.values("bob@" + DOMAIN, "alice@" + DOMAIN, BY_USER)) == 1, "a stored value is lost")
    bed.start(1)
    wait_until("ring of three", bed.ring_of_the_living_is_consistent, 30)
    check(bed.status(1)["node_id"] == node, "another Node-ID")


def test_who_does_not_know_the_secret_stays_out(bed):
    """6940-13.4-1: a peer and a client with another secret, and with none; counted and told on both sides."""
    wrong = bed.altered("wrong", lambda text: SECRET.sub("<shared-secret>" + "0" * 40 + "</shared-secret>", text))
    none = bed.altered("none", lambda text: SECRET.sub("", text))
    bed.tool("issue", "--dir", bed.dir, "--node", "--out", bed.scratch / "outsider.pem")
    failed = sum(bed.metric(i, "reload_handshakes_failed_total") for i in range(3))
    for document, says in ((wrong, SAME_DOCUMENT), (none, "not established")):
        child, log = bed.stranger("outsider", **{"overlay-config": str(document), "log-level": "info",
                                                 "credential": str(bed.scratch / "outsider.pem")})
        says_and_stays_out(child, log, says)
    bed.use("bob@" + DOMAIN, "ping", code=3, xml=wrong, says=["not attached", SAME_DOCUMENT])
    bed.use("bob@" + DOMAIN, "ping", code=3, xml=none, says=["not attached", "with a shared-secret if there is one?"])
    check(sum(bed.metric(i, "reload_handshakes_failed_total") for i in range(3)) >= failed + 4, "not counted")
    check(any(SAME_DOCUMENT in bed.log(i) for i in range(3)), bed.log(0)[-600:])


def test_the_secret_alone_is_not_enough(bed):
    """A certificate that counts is wanted as well: one of another authority is refused."""
    other = bed.scratch / "other"
    bed.tool("init", "--dir", other, "--overlay", DOMAIN)
    bed.tool("issue", "--dir", other, "--node", "--out", bed.scratch / "foreign.pem")
    document = bed.scratch / "foreign.xml"
    secret = SECRET.search(bed.document().read_text()).group(0)
    (bed.scratch / "edited.xml").write_text(
        (other / "overlay.xml").read_text().replace("<configuration-signer>", secret + "<configuration-signer>", 1))
    bed.tool("sign-config", "--dir", other, "--in", bed.scratch / "edited.xml", "--out", document)
    done = run(bed.client, "--overlay-config", document, "--credential", bed.scratch / "foreign.pem", "--peer",
               bed.link(0), "ping")
    check(done.returncode == 3, done)
    wait_until("line in the peer's log", lambda: "certificate does not chain to a root-cert" in bed.log(0))
    check(bed.metric(0, "reload_links_refused_total") >= 1, "not counted")


def test_a_new_secret_holds_for_new_links(bed):
    """A newer document with another secret reaches all over the links that are up; who has the old one stays out."""
    text = bed.document().read_text()
    sequence = int(re.search(r'sequence="(\d+)"', text).group(1))
    old = bed.altered("old", lambda text: text)
    (bed.scratch / "edited.xml").write_text(
        SECRET.sub("<shared-secret>" + "1" * 40 + "</shared-secret>",
                   text.replace('sequence="%d"' % sequence, 'sequence="%d"' % (sequence + 1))))
    bed.tool("sign-config", "--dir", bed.dir, "--in", bed.scratch / "edited.xml")
    wait_until("new document at all peers",
               lambda: all(bed.status(i)["configuration_sequence"] == sequence + 1 for i in range(3)), 30)
    check(mode(bed.document()) == 0o600 and mode(bed.dir / "data0" / "overlay.xml") == 0o600, "mode")
    bed.use("bob@" + DOMAIN, "ping")
    bed.use("bob@" + DOMAIN, "ping", code=3, xml=old, says=["not attached", SAME_DOCUMENT])
    bed.kill(2)
    wait_until("ring of two", bed.ring_of_the_living_is_consistent, 30)
    bed.start(2)
    wait_until("ring of three", bed.ring_of_the_living_is_consistent, 30)


def test_plain_tls_gets_nowhere(bed):
    before = bed.metric(0, "reload_handshakes_failed_total")
    done = subprocess.run(["openssl", "s_client", "-connect", bed.link(0)], input=b"", capture_output=True, timeout=20)
    check(b"BEGIN CERTIFICATE" not in done.stdout, "the peer shows a certificate to a stranger")
    wait_until("count", lambda: bed.metric(0, "reload_handshakes_failed_total") == before + 1)


WITH_SECRET = [test_the_document_is_for_members_only, test_members_of_a_secret_overlay_store_and_fetch,
               test_a_call_between_phones_at_two_peers, test_a_killed_peer_of_a_secret_overlay_comes_back,
               test_who_does_not_know_the_secret_stays_out, test_the_secret_alone_is_not_enough,
               test_plain_tls_gets_nowhere, test_a_new_secret_holds_for_new_links]


def test_both_modes_at_once(bed):
    """A club: no authority and no stranger."""
    check(bed.self_signed and SECRET.search(bed.document().read_text()))
    bed.use("alice", "store", "alice@" + DOMAIN, *BY_USER, "--value", "hello", says="stored")
    check(len(bed.values("bob", "alice@" + DOMAIN, BY_USER)) == 2)


SELF_SIGNED = [test_each_member_makes_its_own_certificate, test_certificates_are_in_the_overlay,
               test_clients_store_and_fetch, test_a_killed_peer_comes_back_as_itself, test_a_taken_name_is_refused,
               test_a_credential_is_never_overwritten, test_what_is_no_self_signed_member_is_refused,
               test_hosted_users_and_several_node_ids, test_an_authority_is_named_where_there_is_none,
               test_a_bad_node_is_refused]


if __name__ == "__main__":
    options = kit.options(__doc__)
    kit.run_groups([(Bed("--self-signed"), SELF_SIGNED), (Bed("--shared-secret", users=2), WITH_SECRET),
                    (Bed("--self-signed", "--shared-secret"), [test_both_modes_at_once])], options.only)
