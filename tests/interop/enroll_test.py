#!/usr/bin/env python3
"""How a member gets its credential from an enrollment server (RFC 6940 11.3), keeps and renews it.

The server is Python's, over HTTPS; it parses the certificate requests and makes the certificates itself, byte by byte,
right ones and wrong ones, so that nothing of ours stands on both sides. Names are resolved by dnsmasq. Needs the programs
in $RELOAD_BUILD, dnsmasq and openssl. The last line is "N passed, N failed".
"""
import datetime
import email
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time

import discovery_test as base
import kit
from discovery_test import HOST, RELOAD_PORTS, must, run
from kit import check, wait_until

URL_HOST = "www.example"
PATH = "/enroll"
SHORT = 9  # seconds that a certificate of the renewal tests lives


# DER, as much as a certificate needs.


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def elements(der):
    """(tag, content, whole) of each element in a row."""
    at = 0
    while at < len(der):
        start, tag, length = at, der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at:at + size], "big")
            at += size
        yield tag, der[at:at + length], der[start:at + length]
        at += length


def seconds_from_now(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
SUBJECT_ALT_NAME = bytes.fromhex("0603551d11")
CRITICAL = bytes.fromhex("0101ff")


class Signer:
    """The authority of an overlay, by its files."""

    def __init__(self, directory):
        self.key = directory / "ca.key"
        der = must("openssl", "x509", "-in", directory / "ca.pem", "-outform", "DER", binary=True)
        tbs = list(elements(list(elements(list(elements(der))[0][1]))[0][1]))
        self.name = tbs[5][2]  # its subject
        self.serial = 1000

    def issue(self, key_info, user, node_ids, overlay, begin=-3600, end=604800):
        self.serial += 1
        names = [tlv(0x86, ("reload://0110%s@%s/" % (node, overlay)).encode()) for node in node_ids]
        names.append(tlv(0x81, user.encode()))
        extension = tlv(0x30, SUBJECT_ALT_NAME, CRITICAL, tlv(0x04, tlv(0x30, *names)))
        tbs = tlv(0x30, tlv(0xA0, tlv(0x02, b"\x02")), tlv(0x02, self.serial.to_bytes(2, "big")), ECDSA_SHA256, self.name,
                  tlv(0x30, seconds_from_now(begin), seconds_from_now(end)), tlv(0x30), key_info,
                  tlv(0xA3, tlv(0x30, extension)))
        signature = must("openssl", "dgst", "-sha256", "-sign", self.key, binary=True, input=tbs)
        return tlv(0x30, tbs, ECDSA_SHA256, tlv(0x03, b"\x00" + signature))


class Request:
    """A certificate request, as far as a server looks at it."""

    def __init__(self, der):
        self.der = der
        info = list(elements(list(elements(list(elements(der))[0][1]))[0][1]))
        self.subject, self.key_info, self.attributes = info[1][2], info[2][2], info[3][2]

    def user(self):
        """The rfc822Name of the extensionRequest's subjectAltName."""
        at = self.attributes.index(SUBJECT_ALT_NAME) + len(SUBJECT_ALT_NAME)
        value = [content for tag, content, _ in elements(self.attributes[at:]) if tag == 0x04][0]
        ((tag, name, _),) = elements(list(elements(value))[0][1])
        check(tag == 0x81, tag)
        return name.decode()


class Enrollment:
    """What the enrollment server of one overlay does. `wrong`: what is the matter with what it sends."""

    def __init__(self, overlay, days=7):
        self.overlay = overlay
        self.signer = Signer(overlay.dir)
        self.accounts = {}
        self.hosts = set()  # accounts that may enrol the names of others
        self.ids = {}
        self.forms, self.headers, self.times = [], [], []
        self.seconds = days * 86400
        self.wrong = None
        self.sent = 0

    def form(self, handler):
        """The parts of a multipart/form-data body by their names (RFC 2388): (Content-Type, bytes)."""
        boundary = re.fullmatch(r'multipart/form-data; *boundary="?([^"]+)"?', handler.headers["Content-Type"])[1].encode()
        body = b"\r\n" + handler.rfile.read(int(handler.headers["Content-Length"]))
        parts = body.split(b"\r\n--" + boundary)
        check(parts[0] == b"" and parts[-1] == b"--\r\n", parts)
        form = {}
        for part in parts[1:-1]:
            head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            headers = email.message_from_bytes(head)
            form[headers.get_param("name", header="content-disposition")] = (headers["Content-Type"], content)
        return form

    def answer(self, handler):
        form = self.form(handler)
        text = {name: content for name, (_, content) in form.items()}
        self.forms.append(form)
        self.headers.append(handler.headers)
        self.times.append(time.time())
        if self.wrong in ("failed_authentication", "username_not_available", "Node-IDs_not_available", "bad_CSR",
                          "out_of_coffee"):
            return handler.give(403, self.wrong.encode(), "text/plain")
        if self.wrong == "busy":
            return handler.give(503, b"later", "text/plain", ("Retry-After", "2"))
        if self.wrong == "html":
            return handler.give(200, b"<html>Welcome</html>", "text/html")
        if self.wrong == "endless":
            return self.pour(handler)
        account = text["username"].decode()
        if self.accounts.get(account) != text["password"].decode():
            return handler.give(403, b"failed_authentication", "text/plain")
        user = Request(text["csr"]).user()
        if user != account and (account not in self.hosts or user not in self.accounts):
            return handler.give(403, b"username_not_available", "text/plain")
        handler.give(200, self.certificate(text), "application/pkix-cert")

    def certificate(self, text):
        request = Request(text["csr"])
        device = text.get("device", b"").decode()
        node_id = self.ids.setdefault((request.user(), device), os.urandom(16).hex())
        what = {"user": request.user(), "node_ids": [node_id], "overlay": self.overlay.name, "key_info": request.key_info,
                "end": self.seconds}
        signer = self.signer
        if self.wrong == "expired":
            what["end"] = -10
        elif self.wrong == "future":
            what["begin"] = 3600
        elif self.wrong == "other name":
            what["user"] = "mallory@" + self.overlay.name
        elif self.wrong == "other overlay":
            what["overlay"] = "elsewhere.example"
        elif self.wrong == "other key":
            pem = must("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout")
            what["key_info"] = must("openssl", "pkey", "-pubout", "-outform", "DER", binary=True, input=pem.encode())
        elif self.wrong == "two Node-IDs":
            what["node_ids"] = [node_id, os.urandom(16).hex()]
        elif self.wrong == "other Node-ID":
            what["node_ids"] = [os.urandom(16).hex()]
        elif self.wrong == "other authority":
            signer = Signer(self.overlay.bed.overlay().dir)
        return signer.issue(**what)

    def pour(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/pkix-cert")
        handler.end_headers()
        try:
            while self.sent < 100 << 20:
                self.sent += handler.connection.send(b"0" * 65536)
        except OSError:
            pass  # cut off


class Handler(base.Handler):
    def do_POST(self):
        enrollment = self.server.enrollments.get(self.path)
        if enrollment is None:
            self.rfile.read(int(self.headers["Content-Length"]))
            return self.give(404, b"", "text/plain")
        enrollment.answer(self)

    def give(self, status, body, kind, *headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)


class Overlay(base.Overlay):
    """An overlay whose document names an enrollment server; peer 0 has a credential in a file, others enroll."""

    def __init__(self, bed, name, url=None, days=7, named=True):
        super().__init__(bed, name)
        self.path = "%s/%s" % (PATH, name)
        self.url = url or "https://%s:%d%s" % (URL_HOST, bed.https.port, self.path)
        if named:
            # The grammar of 6940 11.1.1 does not ask for an order.
            self.first = self.first.replace("</configuration>",
                                            "<enrollment-server>%s</enrollment-server></configuration>" % self.url)
        self.enrollment = Enrollment(self, days)
        bed.https.enrollments[self.path] = self.enrollment
        self.site(body=self.document())

    def password(self, name, word="correct horse"):
        """An account, and the file of its password."""
        self.enrollment.accounts["%s@%s" % (name, self.name)] = word
        return self.password_file(word)

    def password_file(self, word):
        path = self.dir / ("password-" + word.replace(" ", "-"))
        if not path.exists():  # a member may be reading it
            path.write_text(word + "\n")
            path.chmod(0o600)
        return path

    def ban(self, *node_ids):
        self.first = self.first.replace("</configuration>", "".join("<bad-node>%s</bad-node>" % node for node in node_ids) +
                                        "</configuration>")
        self.site(body=self.document())

    def enrolling(self, name, word="correct horse", **options):
        return [*self.options(**options), "--enroll-user", name, "--enroll-password-file", self.password_file(word)]

    def peer_command(self, number, options):
        if "--enroll-user" not in options:
            return super().peer_command(number, options)
        return [self.bed.peer, *map(str, options), "--data", self.data(number), "--listen",
                "0.0.0.0:%d" % self.bed.port(RELOAD_PORTS)]

    def kept_credential(self, number):
        path = self.data(number) / "credential.pem"
        return path.read_text() if path.exists() else None


class Bed(base.Bed):
    def __init__(self):
        super().__init__()
        self.https.RequestHandlerClass = Handler
        self.https.enrollments = {}
        self.https.sites[URL_HOST] = base.Site(self.authority.certificate(URL_HOST))

    def overlay(self, **how):
        overlay = Overlay(self, "o%d.example" % self.count, **how)
        self.count += 1
        self.overlays.append(overlay)
        return overlay


def ring_of(*peers):
    states = [peer.status() for peer in peers]
    ids = sorted(state.get("node_id", "") for state in states)
    return all(state.get("ready") and state["successors"][:1] == [ids[(ids.index(state["node_id"]) + 1) % len(ids)]]
               for state in states)


def test_from_bare_to_joined_by_one_command(bed):
    """6940-11.3-1, 6940-11.3-2, 6940-11.3-5, 6940-11.3-11: a name, an account and its password are enough."""
    overlay = bed.overlay()
    overlay.password("peer1")
    first = overlay.start(0)
    wait_until("first peer", first.ready)
    second = overlay.start(1, overlay.enrolling("peer1", word="correct horse"))
    wait_until("ring of two", lambda: ring_of(first, second), 30)
    enrollment = overlay.enrollment
    check(len(enrollment.forms) == 1, enrollment.forms)
    form, headers = enrollment.forms[0], enrollment.headers[0]
    check(headers["Content-Type"].startswith("multipart/form-data;"), headers)
    check("application/pkix-cert" in headers["Accept"], headers)
    check(sorted(form) == ["csr", "device", "password", "username"], form)
    check(form["csr"][0] == "application/pkcs10", form["csr"])
    check(form["username"] == (None, b"peer1@" + overlay.name.encode()), form)
    check(form["password"] == (None, b"correct horse"), form)
    check(second.status()["node_id"] in enrollment.ids.values())
    check(second.says("enrolling at " + overlay.url), second.tail())
    # What it keeps is the owner's alone, and enough for the next start.
    path = overlay.data(1) / "credential.pem"
    check(stat.S_IMODE(path.stat().st_mode) == 0o600, oct(path.stat().st_mode))
    kept, node_id = overlay.kept_credential(1), second.status()["node_id"]
    second.end()
    bed.https.enrollments.pop(overlay.path)
    again = overlay.start(1, overlay.enrolling("peer1"))
    wait_until("ring of two", lambda: ring_of(first, again), 30)
    check(len(enrollment.forms) == 1 and overlay.kept_credential(1) == kept and again.status()["node_id"] == node_id)


def test_the_certificate_request(bed):
    """openssl reads it: an empty subject, the name in the extensionRequest, signed with the key in it."""
    overlay = bed.overlay()
    overlay.password("alice")
    for device in ("one", "two"):
        done = run(bed.client, *overlay.enrolling("alice"), "--enroll-device", device, "--peer", "127.0.0.1:9", "ping")
        check(done.returncode == 3, done)
    forms = overlay.enrollment.forms
    check(len(forms) == 2, len(forms))
    csr = forms[0]["csr"][1]
    text = must("openssl", "req", "-inform", "DER", "-noout", "-text", "-verify", "-subject", input=csr, binary=True).decode()
    check(re.search(r"subject=\s*$", text, re.M), text)
    check("email:alice@" + overlay.name in text and "prime256v1" in text, text)
    check([form["device"][1] for form in forms] == [b"one", b"two"])
    check(len(set(overlay.enrollment.ids.values())) == 2, "a Node-ID for each device")
    check(forms[1]["csr"][1] != csr, "each time a new key")


def test_refusals_of_the_server(bed):
    """6940-11.3-30, and each token in words that name the cure."""
    overlay = bed.overlay()
    overlay.password("peer1")
    overlay.fails("--enroll-user peer1", "does not take the account peer1@" + overlay.name, "--enroll-password-file",
                  options=overlay.enrolling("peer1", word="wrong"))
    overlay.fails("does not take the account nobody@" + overlay.name, options=overlay.enrolling("nobody"))
    for token, says in (("username_not_available", "does not give the user name peer1@" + overlay.name),
                        ("Node-IDs_not_available", "--enroll-device"), ("bad_CSR", "bad_CSR"),
                        ("out_of_coffee", "unknown reason ('out_of_coffee')"), ("busy", "try again in 2 s")):
        overlay.enrollment.wrong = token
        overlay.fails("--enroll-user peer1: " + overlay.url, says, options=overlay.enrolling("peer1"))
    check(overlay.kept_credential(0) is None)


def test_names_in_the_https_certificate(bed):
    """6940-11.3-4: the overlay's name or that of the URL's host; with another nothing is sent, the password least of all."""
    overlay = bed.overlay()
    overlay.password("peer1")
    good = bed.https.sites[URL_HOST]
    try:
        for name in ("another.example", "sub." + URL_HOST):
            wrong = base.Site(bed.authority.certificate(name))
            bed.https.sites[URL_HOST] = bed.https.sites[overlay.name] = wrong
            overlay.fails("neither for %s nor for %s" % (URL_HOST, overlay.name),
                          options=["--overlay-config", overlay.dir / "signed.xml", *overlay.enrolling("peer1")])
        bed.https.sites[URL_HOST] = base.Site(bed.stranger.certificate(URL_HOST))
        overlay.site(body=overlay.document())
        overlay.fails("certificate is not trusted", "--tls-ca", options=overlay.enrolling("peer1"))
        check(not overlay.enrollment.forms, "nothing was sent")
        # The overlay's name will do, whatever the URL's host is called.
        bed.https.sites[URL_HOST] = base.Site(bed.authority.certificate("another.example"))
        peer = overlay.start(1, overlay.enrolling("peer1"))
        wait_until("credential", lambda: overlay.kept_credential(1))
        peer.end()
    finally:
        bed.https.sites[URL_HOST] = good


def test_no_way_to_a_server(bed):
    overlay = bed.overlay(named=False)
    overlay.password("peer1")
    overlay.fails("names no enrollment-server", "--credential", options=overlay.enrolling("peer1"))
    closed = bed.port(RELOAD_PORTS)
    overlay = bed.overlay(url="https://www.example:%d/enroll" % closed)
    overlay.fails("https://www.example:%d/enroll" % closed, "connect", options=overlay.enrolling("peer1"))
    overlay = bed.overlay(url="https://unknown.example/enroll")
    overlay.fails("DNS has no address for unknown.example", options=overlay.enrolling("peer1"))
    overlay = bed.overlay(url="https://www.example:%d/elsewhere" % bed.https.port)
    overlay.fails("answers 404", options=overlay.enrolling("peer1"))


def test_certificates_that_are_not_used(bed):
    """6940-11.3-31, and what else is the matter with what a lying or broken server sends."""
    overlay = bed.overlay()
    overlay.password("peer1")
    for wrong, says in (("expired", "certificate is expired"), ("future", "not valid yet"),
                        ("other name", "it is of mallory@"), ("other overlay", "of overlay elsewhere.example"),
                        ("other key", "for another key"), ("two Node-IDs", "2 Node-IDs"),
                        ("other authority", "does not chain to a root-cert"), ("html", "no certificate")):
        overlay.enrollment.wrong = wrong
        overlay.fails("--enroll-user peer1: " + overlay.url, says, options=overlay.enrolling("peer1"))
        check(overlay.kept_credential(0) is None, wrong)


def test_an_endless_answer_is_cut_off(bed):
    overlay = bed.overlay()
    overlay.password("peer1")
    overlay.enrollment.wrong = "endless"
    started = time.monotonic()
    overlay.fails("more than 65536 bytes", options=overlay.enrolling("peer1"))
    check(time.monotonic() - started < 20)
    check(overlay.enrollment.sent < 16 << 20, overlay.enrollment.sent)


def test_a_revoked_node_does_not_come_back(bed):
    overlay = bed.overlay()
    overlay.password("peer1")
    peer = overlay.start(1, overlay.enrolling("peer1"))
    wait_until("credential", lambda: overlay.kept_credential(1))
    peer.end()
    (node_id,) = overlay.enrollment.ids.values()
    overlay.ban(node_id)
    overlay.site(body=overlay.document(2))
    # Neither with what it has kept nor with what the server would give it again.
    text = overlay.fails("--enroll-user peer1", node_id, "bad-node", options=overlay.enrolling("peer1"))
    check("the certificate that the enrollment server sent is not used" in text, text)


def test_a_client_keeps_what_it_got(bed):
    overlay = bed.overlay()
    overlay.password("alice")
    first = overlay.start(0)
    wait_until("first peer", first.ready)
    data = overlay.dir / "client-data"
    command = [bed.client, *overlay.enrolling("alice"), "--data", data, "--json", "ping"]
    for _ in range(2):
        must(*command)
    check(len(overlay.enrollment.forms) == 1, len(overlay.enrollment.forms))
    check(stat.S_IMODE((data / "credential.pem").stat().st_mode) == 0o600)
    check((data / "overlay.xml").exists())
    # Without --data it asks each time.
    must(*overlay_client(bed, overlay))
    must(*overlay_client(bed, overlay))
    check(len(overlay.enrollment.forms) == 3, len(overlay.enrollment.forms))
    # What is near its end is renewed; when that can't be, the old one will do.
    overlay.enrollment.seconds = 30
    shutil.rmtree(data)
    must(*command)
    kept = (data / "credential.pem").read_text()
    os.utime(data / "credential.pem", (time.time() - 200, time.time() - 200))
    overlay.enrollment.wrong = "busy"
    done = run(*command)
    check(done.returncode == 0 and "is not renewed" in done.stderr and "going on with the old one" in done.stderr, done)
    check((data / "credential.pem").read_text() == kept)
    overlay.enrollment.wrong = None
    must(*command)
    check((data / "credential.pem").read_text() != kept)
    done = run(*command[:-2], "--data", "/proc/none", "ping")
    check(done.returncode == 2 and "--data" in done.stderr, done)


def overlay_client(bed, overlay):
    return [bed.client, *overlay.enrolling("alice"), "ping"]


def links(peer):
    """Each link by both its ends: a link that was lost and made again has other ports."""
    return sorted((link["node_id"], link["remote"]) for link in peer.status()["links"])


def test_renewal_under_way(bed):
    """Certificates of some seconds: peers renew them again and again, and no link, no request is lost."""
    overlay = bed.overlay()
    overlay.enrollment.seconds = SHORT
    names = ("peer1", "peer2", "peer3")
    for name in names:
        overlay.password(name)
    first = overlay.start(0)
    wait_until("first peer", first.ready)
    peers = [first]
    for number, name in enumerate(names, 1):
        peers.append(overlay.start(number, overlay.enrolling(name)))
    wait_until("ring of four", lambda: ring_of(*peers), 30)
    seen, calm = [], 0
    while calm < 12:  # what was linked twice while the ring formed is closed after 5 s
        now = [links(peer) for peer in peers]
        calm = calm + 1 if now == seen else 0
        seen = now
        time.sleep(0.5)
    before = [peer.status()["credential_renewals"] for peer in peers]

    def ended(peer):
        """Links that were up and are not any more; a client that has ended refuses some, which never were."""
        return len(re.findall(r"link .* (?:lost|closed): ", peer.log.read_text()))

    lines = [ended(peer) for peer in peers]
    asked = [0]
    command = [bed.client, *overlay.options(), "--credential", overlay.credential("client"), "--json"]

    def renewed():
        for peer in peers:
            done = json.loads(must(*command, "--peer", "127.0.0.1:%d" % overlay.port, "ping", "-c", "5",
                                   peer.status()["node_id"]))
            check(len(done["answers"]) == 5, done)
            asked[0] += 5
        return all(peer.status()["credential_renewals"] >= old + 2 for peer, old in list(zip(peers, before))[1:])

    wait_until("two renewals of each", renewed, 60)
    check(asked[0] >= 40, asked)
    after = [[one for one in links(peer)] for peer in peers]
    for old, new in zip(seen, after):
        check(set(old) <= set(new), "lost:", set(old) - set(new))
    check(ring_of(*peers))
    for peer, old in zip(peers[1:], lines[1:]):
        check(ended(peer) == old, peer.tail())
    # Each time another key, always the same Node-ID.
    forms = overlay.enrollment.forms
    check(len({form["csr"][1] for form in forms}) == len(forms) > 8)
    check(len(overlay.enrollment.ids) == 3)


def test_renewal_when_the_server_is_away(bed):
    overlay = bed.overlay()
    overlay.enrollment.seconds = 12
    overlay.password("peer1")
    first = overlay.start(0)
    peer = overlay.start(1, overlay.enrolling("peer1"))
    wait_until("ring of two", lambda: ring_of(first, peer), 30)
    kept = overlay.kept_credential(1)
    overlay.enrollment.wrong = "busy"
    wait_until("warning", lambda: peer.says("the credential is not renewed, it is good until"))
    check(overlay.kept_credential(1) == kept)
    # A certificate of another Node-ID would be another node.
    overlay.enrollment.wrong = "other Node-ID"
    wait_until("refused certificate", lambda: peer.says("gave another Node-ID"))
    check(overlay.kept_credential(1) == kept)
    wait_until("last warning", lambda: peer.says("critical the credential is not renewed, it expired at"))
    overlay.enrollment.wrong = None
    wait_until("renewal", lambda: peer.says("credential renewed"))
    check(overlay.kept_credential(1) != kept)
    wait_until("ring of two", lambda: ring_of(first, peer), 30)
    times = overlay.enrollment.times
    check(min(b - a for a, b in zip(times[1:], times[2:])) > 0.9, "pauses:", times)


def test_a_credential_in_a_file_is_taken_when_it_is_renewed(bed):
    overlay = bed.overlay()
    peers = [overlay.start(0), overlay.start(1)]
    wait_until("ring of two", lambda: ring_of(*peers), 30)
    for number, peer in enumerate(peers):
        fresh = overlay.dir / "fresh.pem"
        must(bed.certs, "issue", "--dir", overlay.dir, "--renew", overlay.credential("peer%d" % number), "--out", fresh)
        fresh.rename(overlay.credential("peer%d" % number))
        if number == 0:
            peer.child.send_signal(signal.SIGHUP)
        wait_until("renewal", lambda: peer.status()["credential_renewals"] == 1, 15 if number else 3)
    check(ring_of(*peers))
    # What can't be used is told, and the peer goes on.
    path = overlay.credential("peer0")
    path.write_text("half of a file")
    peers[0].child.send_signal(signal.SIGHUP)
    wait_until("warning", lambda: peers[0].says("holds no private key, so no credential; going on with the old one"))
    shutil.copy(overlay.credential("peer1"), path)
    peers[0].child.send_signal(signal.SIGHUP)
    wait_until("warning", lambda: peers[0].says("and this node is " + peers[0].status()["node_id"]))
    check(peers[0].status()["credential_renewals"] == 1 and ring_of(*peers))


def test_users_are_taken_when_their_file_changes(bed):
    overlay = bed.overlay()
    (overlay.dir / "users.csv").write_text("alice,a\nbob,b\n")
    users, words = overlay.dir / "users.pem", overlay.dir / "users.passwd"
    must(bed.certs, "issue", "--dir", overlay.dir, "--users", overlay.dir / "users.csv", "--out", users, "--passwords", words)
    sip = "127.0.0.1:%d" % kit.free_block(range(21950, 22000), 1)
    peer = overlay.start(0, [*overlay.options(), "--sip-listen", sip, "--users", users, "--passwords", words])
    wait_until("peer", peer.ready)
    must(bed.certs, "issue", "--dir", overlay.dir, "--renew", users, "--out", overlay.dir / "renewed.pem")
    (overlay.dir / "renewed.pem").rename(users)
    wait_until("renewed users", lambda: peer.says("2 credentials are new, 0 users are gone"), 15)
    must(bed.certs, "issue", "--dir", overlay.dir, "--user", "carol", "--out", overlay.dir / "carol.pem")
    entries = re.split(r"(?m)^(?=#)", users.read_text())
    rest = [entry for entry in entries if "bob@" not in entry]
    check(len(rest) == len(entries) - 1, entries)
    users.write_text("".join(rest) + (overlay.dir / "carol.pem").read_text())
    peer.child.send_signal(signal.SIGHUP)
    wait_until("changed users", lambda: peer.says("1 credentials are new, 1 users are gone"), 5)
    users.write_text("nothing")
    peer.child.send_signal(signal.SIGHUP)
    wait_until("warning", lambda: peer.says("going on with the old ones"), 5)


def hosting(bed, overlay, *options, words):
    overlay.password("peer1")
    overlay.enrollment.hosts.add("peer1@" + overlay.name)
    listed = overlay.dir / "words.csv"
    listed.write_text("".join("%s,%s\n" % item for item in words.items()))
    passwd = overlay.dir / "users.passwd"
    must(bed.certs, "issue", "--dir", overlay.dir, "--users", listed, "--out", overlay.dir / "unused.pem", "--passwords",
         passwd)
    sip = kit.free_block(range(21900, 21950), 1)
    return sip, overlay.start(1, [*overlay.enrolling("peer1"), "--sip-listen", "127.0.0.1:%d" % sip, "--passwords", passwd,
                                  *options])


class Phone:
    """sipp that registers once."""

    def __init__(self, bed, overlay, sip, user, word):
        self.scratch, self.ports = overlay.dir, iter(range(bed.port(RELOAD_PORTS), 65000))
        port = self.port()
        self.result = kit.Sipp(self, "register", "127.0.0.1:%d" % sip, password=word, user=user, domain=overlay.name,
                               from_domain=overlay.name, seconds=10, port=port,
                               contact="<sip:phone@127.0.0.1:%d>" % port, expires=600)

    def port(self):
        return next(self.ports)

    def registered(self):
        self.result.child.wait()
        return self.result.child.returncode == 0


def test_hosted_users_of_a_list(bed):
    """The peer gets its users' credentials with its own account, keeps them encrypted and renews them."""
    overlay = bed.overlay()
    first = overlay.start(0)
    users = {"user%d" % i: "word%d" % i for i in range(30)}
    for user in users:
        overlay.enrollment.accounts["%s@%s" % (user, overlay.name)] = "none of the peer's business"
    listed = overlay.dir / "hosted"
    listed.write_text("# hosted here\n" + "\n".join(users) + "\nstranger\n")
    sip, peer = hosting(bed, overlay, "--host-users", listed, words={**users, "stranger": "x", "unlisted": "y"})
    wait_until("ring of two", lambda: ring_of(first, peer), 30)
    wait_until("all users", lambda: len(list((overlay.data(1) / "users").iterdir())) == 30, 30)
    wait_until("refused stranger", lambda: peer.says("no credential for stranger@" + overlay.name), 10)
    wait_until("registration", lambda: Phone(bed, overlay, sip, "user7", "word7").registered(), 10)
    for user, word, status in (("stranger", "x", "503"), ("unlisted", "y", "403")):  # may come yet, and will not
        phone = Phone(bed, overlay, sip, user, word)
        check(not phone.registered() and status in phone.result.output(), user, phone.result.output()[-2000:])
    check(all(form["device"][1].decode() == peer.status()["node_id"] for form in overlay.enrollment.forms[1:]))
    check(len(overlay.enrollment.forms) == 32, len(overlay.enrollment.forms))
    for path in (overlay.data(1) / "users").iterdir():
        check(stat.S_IMODE(path.stat().st_mode) == 0o600 and b"PRIVATE" not in path.read_bytes(), path)
    key = overlay.dir / "data1.key"
    check(stat.S_IMODE(key.stat().st_mode) == 0o600 and key.stat().st_size == 32)
    # The list changes: who is gone is not served, and who is new is.
    listed.write_text("user1\nuser2\n")
    peer.child.send_signal(signal.SIGHUP)
    wait_until("only two", lambda: len(list((overlay.data(1) / "users").iterdir())) == 2, 10)
    wait_until("refused user", lambda: not Phone(bed, overlay, sip, "user7", "word7").registered(), 10)
    # After a restart nothing is asked for again.
    peer.end()
    asked = len(overlay.enrollment.forms)
    peer = overlay.start(1, [*overlay.enrolling("peer1"), "--sip-listen", "127.0.0.1:%d" % sip, "--passwords",
                             overlay.dir / "users.passwd", "--host-users", listed])
    wait_until("ring of two", lambda: ring_of(first, peer), 30)
    wait_until("registration", lambda: Phone(bed, overlay, sip, "user2", "word2").registered(), 10)
    check(len(overlay.enrollment.forms) == asked, overlay.enrollment.forms[asked:])


def test_hosted_users_are_renewed(bed):
    overlay = bed.overlay()
    first = overlay.start(0)
    overlay.enrollment.seconds = SHORT
    overlay.enrollment.accounts["alice@" + overlay.name] = "x"
    listed = overlay.dir / "hosted"
    listed.write_text("alice\n")
    sip, peer = hosting(bed, overlay, "--host-users", listed, words={"alice": "secret"})
    wait_until("ring of two", lambda: ring_of(first, peer), 30)

    def asked():
        return sum(Request(form["csr"][1]).user().startswith("alice@") for form in overlay.enrollment.forms)

    wait_until("two renewals", lambda: asked() >= 3, 40)
    check(Phone(bed, overlay, sip, "alice", "secret").registered())


def test_a_user_is_enrolled_by_the_first_register(bed):
    overlay = bed.overlay()
    first = overlay.start(0)
    overlay.enrollment.accounts["alice@" + overlay.name] = "x"
    sip, peer = hosting(bed, overlay, "--host-on-register", words={"alice": "secret"})
    wait_until("ring of two", lambda: ring_of(first, peer), 30)
    check(len(overlay.enrollment.forms) == 1)
    phone = Phone(bed, overlay, sip, "alice", "wrong")
    check(not phone.registered() and len(overlay.enrollment.forms) == 1, "who has no password enrols nobody")
    phone = Phone(bed, overlay, sip, "alice", "secret")
    check(not phone.registered() and "503" in phone.result.output(), phone.result.output()[-2000:])
    wait_until("registration", lambda: Phone(bed, overlay, sip, "alice", "secret").registered(), 10)
    check(len(overlay.enrollment.forms) == 2)


class Server:
    """reload-certs serve for an overlay of its own."""

    def __init__(self, bed, name):
        self.bed, self.dir, self.name = bed, bed.scratch / ("served-" + name), name
        self.port, self.peer_port = bed.port(RELOAD_PORTS), bed.port(RELOAD_PORTS)
        self.base = "https://%s:%d" % (HOST, self.port)
        must(bed.certs, "init", "--dir", self.dir, "--overlay", name, "--bootstrap", "%s:%d" % (HOST, self.peer_port),
             "--enrollment-server", self.base + PATH)
        self.log = self.dir / "serve.log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([*kit.WITH_PARENT, bed.certs, "serve", "--dir", self.dir, "--listen",
                                           "%s:%d" % (HOST, self.port)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("server", self.answers)

    def answers(self):
        check(self.child.poll() is None, "the server ended:", self.log.read_text())
        return not kit.is_free(self.port)

    def account(self, name, word, *options):
        file = self.dir / ("password-" + name)
        file.write_text(word + "\n")
        file.chmod(0o600)
        must(self.bed.certs, "user", "add", "--dir", self.dir, name, "--password-file", file, *options)
        return file

    def options(self, name, file):
        return ["--overlay", self.name, "--config-url", self.base + base.WELL_KNOWN, "--tls-ca", self.dir / "tls-ca.pem",
                "--enroll-user", name, "--enroll-password-file", file]

    def end(self):
        self.child.terminate()
        self.child.wait(10)


class Member(base.Peer):
    def __init__(self, server, number, *options):
        super().__init__(server, number, [server.bed.peer, *options, "--data", server.dir / ("data%d" % number)])


def test_with_our_own_server(bed):
    """Server, peers, hosted users and a client, all by name and password."""
    server = Server(bed, "served.example")
    members = []
    try:
        words = server.dir / "words.csv"
        words.write_text("alice,wonderland\nbob,builder\n")
        passwd = server.dir / "users.passwd"
        must(bed.certs, "issue", "--dir", server.dir, "--users", words, "--out", server.dir / "unused.pem", "--passwords",
             passwd)
        must(bed.certs, "user", "import", "--dir", server.dir, words)
        first = server.options("peer1", server.account("peer1", "rock"))
        members.append(Member(server, 1, *first, "--listen", "%s:%d" % (HOST, server.peer_port), "--first-peer"))
        wait_until("first peer", members[0].ready)
        host = server.account("peer2", "roll", "--host", "*@served.example")
        sip = kit.free_block(range(21850, 21900), 1)
        members.append(Member(server, 2, *server.options("peer2", host), "--listen", "%s:%d" % (HOST, bed.port(RELOAD_PORTS)),
                              "--sip-listen", "%s:%d" % (HOST, sip), "--passwords", passwd, "--host-on-register"))
        wait_until("ring of two", lambda: ring_of(*members), 30)
        wait_until("registration", lambda: Phone(bed, server, sip, "alice", "wonderland").registered(), 20)
        file = server.dir / "password-bob"
        file.write_text("builder\n")
        client = [bed.client, *server.options("bob", file), "--data", server.dir / "client"]
        done = json.loads(must(*client, "--json", "resolve", "alice@served.example"))
        check(members[1].status()["node_id"] in json.dumps(done), done)
        file.write_text("wrong\n")
        done = run(*client[:-1], server.dir / "other", "ping")
        check(done.returncode == 2 and "does not take the account bob@served.example" in done.stderr, done)
        decisions = (server.dir / "audit.jsonl").read_text()
        check(decisions.count("\n") >= 5, decisions)
    finally:
        for member in members:
            member.end()
        server.end()


def test_former_neighbors(bed):
    """6940-11.4-2, 6940-11.4-5: without any bootstrap node a peer comes back through those it was linked with."""
    overlay = bed.overlay()
    peers = [overlay.start(number) for number in range(3)]
    wait_until("ring of three", lambda: ring_of(*peers), 30)
    kept = overlay.data(2) / "neighbors"
    wait_until("kept neighbours", lambda: kept.exists() and len(kept.read_text().split()) == 2, 30)
    mine = peers[2].status()["node_id"]
    peers[2].end()
    peers[0].end()
    wait_until("peer alone", lambda: peers[1].status()["successors"] == [], 60)
    back = overlay.start(2)
    wait_until("ring of two", lambda: ring_of(peers[1], back), 30)
    check(back.status()["node_id"] == mine)


def test_nobody_to_join_through(bed):
    """6940-6.4.2.1-13, 6940-6.4.2.1-14: it is told, and the peer begins no overlay of its own."""
    overlay = bed.overlay()
    peer = overlay.start(1)
    wait_until("error", lambda: peer.says("no way into the overlay: of 1 bootstrap nodes"))
    check(peer.says("--bootstrap"), peer.tail())
    check(peer.status()["state"] != "joined", peer.status())
    first = overlay.start(0)
    wait_until("ring of two", lambda: ring_of(first, peer), 30)


def test_wrong_options(bed):
    overlay = bed.overlay()
    overlay.password("peer1")
    base_options = [*overlay.options(), "--enroll-user", "peer1"]
    for options, says in ((base_options, ("--enroll-password-file is missing",)),
                          ([*base_options, "--enroll-password-file", "/absent"], ("--enroll-password-file", "/absent")),
                          ([*overlay.enrolling("peer1"), "--credential", "x.pem"], ("leave one out",)),
                          ([*overlay.enrolling("peer1"), "--enroll-device", "d" * 65], ("--enroll-device", "64 bytes"))):
        overlay.fails(*says, options=options, code=2)
        done = run(bed.client, *options, "ping")
        check(done.returncode == 2 and all(part in done.stderr for part in says), done)
    done = run(bed.client, *overlay.options(), "ping")
    check(done.returncode == 2 and "--credential is missing, and --enroll-user too" in done.stderr, done)


if __name__ == "__main__":
    base.main(__doc__, Bed, globals())
