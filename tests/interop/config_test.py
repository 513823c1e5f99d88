#!/usr/bin/env python3
"""An overlay of running peers whose document changes: by file and by push, revocation, roll-over of its top keys, and
what is refused. xmllint judges the documents, openssl makes one by hand.

Needs the programs in $RELOAD_BUILD, xmllint and openssl. The last line is "N passed, N failed".
"""
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import time

import kit
from kit import check, wait_until

PEERS = 4
SECONDS = 5.0  # within which every peer has a new document
GRAMMAR = kit.ROOT / "tests" / "interop" / "overlay_config.rng"
BASE = "urn:ietf:params:xml:ns:p2p:config-base"


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **options)


def must(*words, **options):
    done = run(*words, **options)
    check(done.returncode == 0, *words, done.returncode, done.stdout, done.stderr)
    return done.stdout


def refused(done, *parts, code=1):
    check(done.returncode == code, done.args, "gave", done.returncode, done.stdout, done.stderr)
    for part in parts:
        check(part in done.stderr, repr(part), "is not in", done.stderr)


class Bed(kit.Overlay):
    """Each peer has a document file of its own: what reaches one is seen to spread from there."""

    def configure(self, ports):
        super().configure(ports)
        self.overlay_ports = ports
        for i in range(self.args.peers):
            shutil.copy(self.dir / "overlay.xml", self.file(i))
            self.settings.setdefault(i, {})["overlay-config"] = str(self.file(i))

    def file(self, i):
        return self.dir / ("document%d.xml" % i)

    def give(self, i, text):
        """The peer's file, replaced as an editor or a deployment does it."""
        beside = self.file(i).with_suffix(".new")
        beside.write_text(text)
        os.rename(beside, self.file(i))

    def document(self):
        return (self.dir / "overlay.xml").read_text()

    def sequence(self):
        return int(re.search(r'sequence="(\d+)"', self.document()).group(1))

    def certs_run(self, command, *words):
        return run(self.certs, *command.split(), "--dir", self.dir, *words)

    def change(self, command, *words, push=True):
        done = self.certs_run(command, *words, *(["--push", self.address(1)] if push else ["--no-push"]))
        check(done.returncode == 0, command, *words, done.stdout, done.stderr)
        return done.stdout

    def address(self, i):
        return "127.0.0.1:%d" % self.overlay_ports[i]

    def sequences(self):
        return [self.status(i)["configuration_sequence"] for i in self.living()]

    def wait_for_all(self, what, seconds=SECONDS):
        want = self.sequence()
        took = wait_until("%s at all peers: %s" % (what, want),
                          lambda: self.sequences() == [want] * len(self.living()), seconds)
        print("        %s: document %d at all %d peers after %.2f s" % (what, want, len(self.living()), took), flush=True)

    def log(self, i):
        return (self.dir / ("peer%d.log" % i)).read_text(errors="replace")

    def wait_for_line(self, i, text, since=0):
        wait_until("line %r in the log of peer %d: %s" % (text, i, self.log_tail(i, 5)),
                   lambda: text in self.log(i)[since:], 10)

    def credential(self, name, *how):
        path = self.dir / (name + ".pem")
        must(self.certs, "issue", "--dir", self.dir, *how, "--out", path)
        return path

    def rc(self, credential, *words, document=None, peer=1):
        return run(self.client, "--overlay-config", document or self.dir / "overlay.xml", "--credential", credential,
                   "--peer", self.address(peer), "--timeout", 8, *words)

    def tables(self, i):
        status = self.status(i)
        return {*status["successors"], *status["predecessors"], *status["fingers"],
                *(link["node_id"] for link in status["links"])}


def names_of(text, element):
    return re.findall(r"<%s>\s*([0-9a-f]+)\s*</%s>" % (element, element), text)


def test_a_pushed_change_reaches_all_at_once(bed):
    """6940-4.1-1, 6940-11.1-70"""
    said = bed.change("config set", "initial-ttl=60", "chord-ping-interval=120")
    check("to %s: taken" % bed.address(1) in said, said)
    bed.wait_for_all("pushed")
    check(bed.sequence() == 2 and "<initial-ttl>60<" in bed.document(), bed.document())
    check((bed.dir / "history" / "00001.xml").exists(), list((bed.dir / "history").iterdir()))
    for i in range(2, 4):  # what is kept is what was signed
        check((bed.dir / ("data%d" % i) / "overlay.xml").read_text() == bed.document(), "peer", i)
    said = bed.certs_run("config push", bed.address(3)).stdout
    check("has it, or a newer one, already" in said, said)


def test_a_changed_file_reaches_all_at_once(bed):
    bed.change("config set", "initial-ttl=61", push=False)
    bed.give(2, bed.document())
    bed.wait_for_all("by the file of one peer")


def test_changes_soon_after_each_other(bed):
    for ttl in (62, 63, 64):
        bed.change("config set", "initial-ttl=%d" % ttl)
    bed.wait_for_all("the last of three")


def test_a_document_can_be_pushed_by_any_client(bed):
    bed.change("config set", "initial-ttl=65", push=False)
    done = bed.rc(bed.credential("pusher", "--node"), "push-config", bed.dir / "overlay.xml", peer=0)
    check(done.returncode == 0 and "has taken document" in done.stdout, done.stdout, done.stderr)
    bed.wait_for_all("pushed by a client")


def test_wrong_documents_are_refused_with_the_reason(bed):
    """6940-6.5.4.2-2, 6940-11.1-63, 6940-11.1-68, 6940-11.1-69: by file and by push, and nothing changes."""
    good = bed.document()
    now = bed.sequence()
    edited = bed.dir / "edited.xml"

    def signed(text, directory=bed.dir, name="signed.xml"):
        edited.write_text(text)
        out = bed.dir / name
        out.unlink(missing_ok=True)
        must(bed.certs, "sign-config", "--dir", directory, "--in", edited, "--out", out)
        return out.read_text()

    def at(sequence, text=good):
        return re.sub(r'sequence="\d+"', 'sequence="%d"' % sequence, text, count=1)

    stranger = bed.dir / "stranger"
    must(bed.certs, "init", "--dir", stranger, "--overlay", kit.DOMAIN, "--bootstrap", bed.address(0))
    doctype = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE overlay [%s]>\n'
    bomb = doctype % "".join('<!ENTITY e%d "%s">' % (n, "&e%d;" % (n - 1) * 10 if n else "x" * 100) for n in range(9))
    external = doctype % '<!ENTITY file SYSTEM "file:///etc/passwd">'
    body = good[good.index("<overlay"):]
    newer = signed(at(now + 1))
    cases = (
        ("a lower sequence", signed(at(now - 1)), "sequence %d is not newer than %d" % (now - 1, now)),
        ("an expired document", signed(at(now + 1, good).replace("<configuration ", '<configuration expiration="2026-01-02T03:04:05Z" ', 1)),
         "document %d expired at 2026-01-02T03:04:05Z" % (now + 1)),
        ("altered white space", newer.replace("</initial-ttl>", "</initial-ttl> "), "does not verify"),
        ("an unknown signer", signed(at(now + 1, (stranger / "overlay.xml").read_text()), stranger), "does not chain to a root-cert"),
        ("an unknown signer, versions later", signed(at(now + 9, (stranger / "overlay.xml").read_text()), stranger),
         "no signer of the configuration is known, and this node's own certificate does not chain"),
        ("an entity-expansion bomb", bomb + body.replace("<initial-ttl>65", "<initial-ttl>&e8;"),
         "document type declarations are not accepted"),
        ("an external entity", external + body.replace("<initial-ttl>65", "<initial-ttl>&file;"),
         "document type declarations are not accepted"),
        ("half a document", newer[:len(newer) // 2], "XML: "),
        ("another overlay's", newer.replace(kit.DOMAIN, "else.example"), "no configuration of overlay " + kit.DOMAIN),
    )
    pusher = bed.credential("pusher2", "--node")
    for what, text, reason in cases:
        since = len(bed.log(3))
        bed.give(3, text)
        bed.wait_for_line(3, reason, since)
        print("        %s: %s" % (what, next(line for line in bed.log(3)[since:].splitlines() if reason in line)[25:190]))
    for what, text, reason in (cases[0], cases[2]):
        (bed.dir / "wrong.xml").write_text(text)
        done = bed.rc(pusher, "push-config", bed.dir / "wrong.xml")
        refused(done, reason, "Error_")
    check(set(bed.sequences()) == {now}, bed.sequences())
    bed.give(3, good)


def test_wrong_changes_name_the_key_and_the_cure(bed):
    before = bed.document()
    for words, parts in (
            (["foo=1"], ["no key foo", "max-message-size"]), (["initial-ttl"], ["initial-ttl", "KEY=VALUE"]),
            (["initial-ttl=999"], ["initial-ttl", "1 to 255"]), (["no-ice=maybe"], ["no-ice", "true or false"]),
            (["expiration=soon"], ["expiration", "+DAYS"]), (["expiration=2001-01-01T00:00:00Z"], ["is past"]),
            (["sequence=9"], ["sequence", "leave it out"]), (["node-id-length=20"], ["node-id-length", "init"]),
            (["SIP-REGISTRATION.max-count=0"], ["max-count of kind SIP-REGISTRATION", "number from 1"]),
            (["X.max-count=1"], ["no Kind X"]), (["bad-node=aa"], ["--add bad-node"]),
            (["--add", "bad-node=aa"], ["bad-node", "32 hexadecimal"]), (["--add", "x=1"], ["no element x"]),
            (["--add", "bootstrap-node=host"], ["bootstrap-node=host", "192.0.2.1:6084"]),
            (["--add", "enrollment-server=http://x"], ["enrollment-server", "https:"]),
            (["--add", "root-cert=/none"], ["/none", "name a file"]),
            (["--remove", "bootstrap-node=192.0.2.77"], ["no such bootstrap-node", bed.address(0)]),
            (["--add", "domain-pattern=a(b"], ["domain-pattern=a(b"]),
            (["--remove", "configuration-signer=" + names_of(before, "configuration-signer")[0]], ["does not list the signer"]),
            ([], ["nothing to change", "KEY=VALUE"])):
        refused(bed.certs_run("config set", "--no-push", *words), *parts)
    refused(bed.certs_run("revoke", "--no-push", "--user", "nobody"), "nobody@demo.example", "issued.jsonl")
    refused(bed.certs_run("revoke", "--no-push", "--node-id", "12"), "--node-id 12", "32 hexadecimal")
    refused(bed.certs_run("revoke", "--no-push", "--node-id", names_of(before, "configuration-signer")[0]), "roll-signer")
    refused(bed.certs_run("roll-ca", "--no-push", "--finish"), "no change of the authority", "roll-ca --dir")
    refused(bed.certs_run("config set", "initial-ttl=70", "--push", "127.0.0.1:1"), "no peer has document", "config push")
    bed.certs_run("config push", bed.address(1))
    bed.wait_for_all("pushed at the second try")


def test_a_dry_run_shows_the_difference_and_changes_nothing(bed):
    before = bed.document()
    said = bed.change("config set", "--dry-run", "initial-ttl=71", "SIP-REGISTRATION.max-count=7", push=False)
    check(re.search(r"^- .*<initial-ttl>70", said, re.M) and re.search(r"^\+ .*<initial-ttl>71", said, re.M), said)
    check("signature" not in said and re.search(r"^\+ .*<max-count>7", said, re.M), said)
    check(bed.document() == before, "the document changed")


def test_xmllint_accepts_by_the_grammar_what_is_made(bed):
    """6940-14.16-3"""
    bed.change("config set", "expiration=+365", "overlay-reliability-timer=2500", "CERTIFICATE_BY_NODE.max-size=4000", "chord-reactive=true",
               "--add", "enrollment-server=https://enroll.example/x", "--add", "bootstrap-node=[::1]:7000",
               "--add", r"domain-pattern=.*\.example", "--add", "mandatory-extension=" + BASE)
    for path in (bed.dir / "overlay.xml", bed.dir / "history" / "00001.xml"):
        must("xmllint", "--noout", "--nonet", "--relaxng", GRAMMAR, path)
    wrong = bed.dir / "wrong.xml"
    for old, new in (("<no-ice>true", "<no-ice>maybe"), (' instance-name="demo.example"', ""), ("<max-size>4000</max-size>", ""),
                     ("<initial-ttl>70</initial-ttl>", "<initial-ttl>70</initial-ttl><initial-ttl>70</initial-ttl>")):
        check(old in bed.document(), old, bed.document())
        wrong.write_text(bed.document().replace(old, new))
        check(run("xmllint", "--noout", "--relaxng", GRAMMAR, wrong).returncode != 0, "the grammar takes", new)
    bed.wait_for_all("of all kinds")


def security_block(bed, data):
    """6940 6.3.4 by hand: the signer's certificate, {sha256, ecdsa}, cert_hash, and openssl's signature."""
    signer = bed.dir / "config-signer.pem"
    der = subprocess.run(["openssl", "x509", "-in", signer, "-outform", "DER"], capture_output=True, check=True).stdout
    value = subprocess.run(["openssl", "dgst", "-sha256", "-sign", signer], input=data, capture_output=True, check=True).stdout
    certificate = struct.pack("!BH", 0, len(der)) + der
    digest = hashlib.sha256(der).digest()
    identity = struct.pack("!BB", 4, len(digest)) + digest
    block = struct.pack("!H", len(certificate)) + certificate + bytes([4, 3]) + struct.pack("!BH", 1, len(identity)) + identity + \
        struct.pack("!H", len(value)) + value
    return base64.encodebytes(block).decode()


def test_a_document_made_by_hand_is_accepted(bed):
    """6940-11.1-5, 6940-11.1-6, 6940-11.1-64, 6940-11.1-66: laid out as the example of 11.1, signed with openssl."""
    root = base64.encodebytes(subprocess.run(["openssl", "x509", "-in", bed.dir / "ca.pem", "-outform", "DER"],
                                             capture_output=True, check=True).stdout).decode()
    signer = names_of(bed.document(), "configuration-signer")[0]
    kind = """<kind name="SIP-REGISTRATION">
                  <data-model>DICTIONARY</data-model>
                  <access-control>USER-NODE-MATCH</access-control>
                  <max-count> 64 </max-count>
                  <max-size>1000</max-size>
                  <ext:example-kind-extension> 1
                          </ext:example-kind-extension>
              </kind>"""
    nodes = "".join('          <bootstrap-node address="127.0.0.1" port="%d" />\n' % port for port in bed.overlay_ports)
    sequence = bed.sequence() + 1
    configuration = """<configuration instance-name='%s'
           sequence="%d"
           expiration="2034-10-10T07:00:00Z"  ext:ext-example="stuff" >
          <topology-plugin> CHORD-RELOAD </topology-plugin>
          <node-id-length>16</node-id-length>
          <root-cert>
%s          </root-cert>
          <self-signed-permitted
                    digest="sha1">false</self-signed-permitted>
%s          <turn-density> 20 </turn-density>
          <clients-permitted> 1 </clients-permitted>
          <no-ice> true </no-ice>
          <chord:chord-update-interval>
              400</chord:chord-update-interval>
          <chord:chord-ping-interval>30</chord:chord-ping-interval>
          <max-message-size>65536</max-message-size>
          <initial-ttl> 30 </initial-ttl>
          <overlay-reliability-timer> 3000 </overlay-reliability-timer>
          <overlay-link-protocol>TLS</overlay-link-protocol>
          <configuration-signer>%s</configuration-signer>
          <kind-signer> %s </kind-signer>
          <ext:example-extension> foo </ext:example-extension>
          <!-- by hand -->
          <required-kinds>
            <kind-block>
              %s
              <kind-signature>
                   %s
              </kind-signature>
            </kind-block>
          </required-kinds>
      </configuration>""" % (kit.DOMAIN, sequence, root, nodes, signer, signer.upper(), kind, security_block(bed, kind.encode()))
    text = """<?xml version="1.0" encoding="UTF-8"?>
<overlay xmlns="%s"
         xmlns:ext="urn:ietf:params:xml:ns:p2p:config-ext1"
         xmlns:chord="urn:ietf:params:xml:ns:p2p:config-chord">
      %s
      <signature> %s </signature>
      <configuration instance-name="other.example.net">
      </configuration>
</overlay>
""" % (BASE, configuration, security_block(bed, configuration.encode()))
    by_hand = bed.dir / "by-hand.xml"
    by_hand.write_text(text)
    must("xmllint", "--noout", "--relaxng", GRAMMAR, by_hand)
    (shown,) = json.loads(must(bed.certs, "show", "--json", by_hand))
    check(shown["signature"] == "valid, by " + signer and shown["initial_ttl"] == 30, shown)
    bed.give(0, text)
    wait_until("document made by hand at all peers", lambda: set(bed.sequences()) == {sequence}, SECONDS)
    # And what was written by hand is edited as it stands.
    shutil.copy(by_hand, bed.dir / "overlay.xml")
    bed.change("config set", "initial-ttl=80", "max-message-size=70000", "SIP-REGISTRATION.max-count=65")
    check("<!-- by hand -->" in bed.document() and 'ext:ext-example="stuff"' in bed.document() and
          "other.example.net" in bed.document() and "<initial-ttl>80</initial-ttl>" in bed.document(), bed.document())
    bed.wait_for_all("made by hand, then edited")


def test_the_signer_is_rolled_over_and_who_missed_it_follows(bed):
    """6940-11.1-68"""
    old = names_of(bed.document(), "configuration-signer")
    bed.kill(3)
    bed.change("roll-signer")
    new = names_of(bed.document(), "configuration-signer")
    check(new != old and len(new) == 1 and names_of(bed.document(), "kind-signer") == new, old, new)
    bed.wait_for_all("signed by the new signer")
    bed.change("config set", "initial-ttl=81")
    bed.wait_for_all("after it")
    bed.start(3)
    wait_until("peer that missed three documents", lambda: bed.ask(3, "/readyz") is not None and len(set(bed.sequences())) == 1, 20)
    check("<max-count>65<" in bed.document(), "the Kinds stayed", bed.document())


def test_who_knows_no_signer_any_more_recovers_by_a_fetch(bed):
    """6940-6.5.4.2-7"""
    bed.kill(2)
    old = bed.file(2).read_text()
    bed.change("roll-signer")
    (bed.dir / "former-signers.pem").unlink()  # as if the old key were lost: nothing leads from it to the new one
    bed.change("config set", "initial-ttl=82")
    bed.wait_for_all("without the former signer")
    since = len(bed.log(2))
    bed.start(2)
    bed.wait_for_line(2, "not among those who may sign it", since)
    check(bed.file(2).read_text() == old and bed.status(2)["configuration_sequence"] < bed.sequence(), "it took it")
    bed.give(2, bed.document())
    bed.wait_for_all("by its file")
    wait_until("peer 2 in the ring", lambda: bed.ask(2, "/readyz") is not None, 30)


def test_the_authority_is_rolled_over(bed):
    stranger = bed.credential("late", "--node")
    said = bed.change("roll-ca")
    check("--finish" in said and bed.document().count("<root-cert>") == 2, said)
    bed.wait_for_all("with both roots")
    refused(bed.certs_run("roll-ca", "--no-push"), "under way", "--finish")
    refused(bed.certs_run("roll-ca", "--no-push", "--finish"), "have a certificate of the old authority only", "--renew", "--force")
    for i in range(PEERS):
        path = bed.dir / ("peer%d.pem" % i)
        must(bed.certs, "issue", "--dir", bed.dir, "--renew", path, "--out", path.with_suffix(".new"))
        os.rename(path.with_suffix(".new"), path)
        bed.children[i].terminate()
        bed.children[i].wait(20)
        bed.start(i)
        wait_until("peer %d back" % i, lambda: bed.ask(i, "/readyz") is not None, 30)
    wait_until("ring", bed.ring_of_the_living_is_consistent, 30)
    check(bed.rc(stranger, "ping").returncode == 0, "the old authority's certificates do not count while both do")
    said = bed.change("roll-ca", "--finish", "--force")
    check(bed.document().count("<root-cert>") == 1 and not (bed.dir / "ca-old.pem").exists(), said)
    bed.wait_for_all("with the new root alone")
    wait_until("ring", bed.ring_of_the_living_is_consistent, 30)
    check(bed.rc(bed.credential("fresh", "--node"), "ping").returncode == 0, "a new certificate does not count")
    done = bed.rc(stranger, "ping")
    refused(done, "does not chain to a root-cert", code=2)


def test_a_revoked_peer_and_user_are_out(bed):
    """6940-11.1-41"""
    alice = bed.credential("alice", "--user", "alice")
    visitor = bed.credential("visitor", "--node")
    old_document = bed.dir / "before-revocation.xml"
    shutil.copy(bed.dir / "overlay.xml", old_document)

    def store():
        return bed.rc(visitor, "--user-credential", alice, "register", "alice@demo.example", "--to", "user0@demo.example",
                      document=old_document)

    def found():
        done = bed.rc(visitor, "--json", "fetch", "alice@demo.example", "--kind", "SIP-REGISTRATION")
        return "user0@demo.example" in done.stdout

    check(store().returncode == 0, "no registration", store().stderr)
    check(found(), "no registration found")
    node = bed.status(3)["node_id"]
    check(any(node in bed.tables(i) for i in range(3)), "peer 3 is in no table")
    began = time.monotonic()
    said = bed.change("revoke", "--user", "peer3")
    check("revoked 1 Node-ID" in said and names_of(bed.document(), "bad-node") == [node], said)
    wait_until("ring without the revoked peer", lambda: not any(node in bed.tables(i) for i in range(3)), SECONDS)
    print("        out of every table %.2f s after the command began" % (time.monotonic() - began))
    bed.change("revoke", "--user", "alice")
    wait_until("document at the others", lambda: {bed.status(i)["configuration_sequence"] for i in range(3)} == {bed.sequence()},
               SECONDS)
    check(not found(), "the revoked user's registration is still returned")
    done = store()
    check(done.returncode != 0 and done.stderr, "the revoked user's store is taken", done.stdout)
    print("        its store:", done.stderr.strip()[:200])
    # It does not come back, nor does it start again with the new document.
    wait_until("ring of three", lambda: not any(node in bed.tables(i) for i in range(3)), 5)
    bed.kill(3)
    bed.give(3, bed.document())
    bed.start(3)
    bed.children[3].wait(20)
    check("which is a bad-node" in bed.log_tail(3, 2), bed.log_tail(3, 3))
    print("        its peer:", bed.log_tail(3, 1)[:230])
    # The same, for one that runs: it is told why.
    bed.give(2, bed.document())
    said = bed.change("revoke", "--file", bed.dir / "peer2.pem", push=False)
    bed.give(2, bed.document())
    bed.children[2].wait(30)
    check("left the overlay: this node's own certificate holds Node-ID" in bed.log_tail(2, 4), bed.log_tail(2, 4))
    bed.change("config push".replace("push", "set"), "initial-ttl=90")
    bed.wait_for_all("among those who are left")
    # Back to four, for whoever looks at them after this test.
    for i in (2, 3):
        path = bed.dir / ("peer%d.pem" % i)
        path.unlink()
        must(bed.certs, "issue", "--dir", bed.dir, "--node", "--out", path)
        bed.start(i)
        try:
            wait_until("peer %d with another Node-ID" % i, lambda: bed.ask(i, "/readyz") is not None, 30)
        except kit.Failed as failed:
            raise kit.Failed(str(failed) + "\n" + bed.log_tail(i, 8)) from failed


def main():
    options = kit.options(__doc__)
    kit.run(kit.tests_of(globals()), options.only, Bed(PEERS, 0))


if __name__ == "__main__":
    main()
