#!/usr/bin/env python3
"""From an overlay's name to a running peer (RFC 6940 11.2): a real DNS server, a real HTTPS server, real peers.

dnsmasq answers with records of this test's on loopback; Python's HTTPS server holds the documents, with certificates that
openssl makes, one for each name that a client asks for. Needs the programs in $RELOAD_BUILD, dnsmasq and openssl. The last
line is "N passed, N failed".
"""
import contextlib
import datetime
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request

import kit
from kit import check, wait_until

BUILD = pathlib.Path(os.environ.get("RELOAD_BUILD", kit.ROOT / "build" / "test"))
HOST = "127.0.0.1"
SERVER_NAME = "config-server.example"  # where the SRV records lead
ADMIN_PORTS = range(18300, 18400)
RELOAD_PORTS = range(23000, 24000)
DNS_PORTS = range(22400, 22500)
WELL_KNOWN = "/.well-known/reload-config"


def run(*words, seconds=60, binary=False, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=not binary, timeout=seconds, **options)


def must(*words, **options):
    done = run(*words, **options)
    check(done.returncode == 0, *words, done.returncode, done.stdout, done.stderr)
    return done.stdout


class Authority:
    """A certificate authority for web servers, by openssl."""

    def __init__(self, directory, name):
        self.base = directory / name
        self.base.mkdir()
        self.file = self.base / "ca.pem"
        self.made = 0
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
             "/CN=%s" % name, "-keyout", self.base / "ca.key", "-out", self.file)

    def certificate(self, host, days=30):
        """The file of a key and a certificate for a host, or an address."""
        self.made += 1
        base = self.base / ("%d" % self.made)
        kind = "IP" if re.fullmatch(r"[0-9.]+", host) else "DNS"
        base.with_suffix(".ext").write_text("subjectAltName=%s:%s\n" % (kind, host))
        must("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=unused",
             "-keyout", base.with_suffix(".key"), "-out", base.with_suffix(".csr"))
        must("openssl", "x509", "-req", "-in", base.with_suffix(".csr"), "-CA", self.file, "-CAkey", self.base / "ca.key",
             "-CAcreateserial", "-days", days, "-extfile", base.with_suffix(".ext"), "-out", base.with_suffix(".crt"))
        pem = base.with_suffix(".pem")
        pem.write_text(base.with_suffix(".key").read_text() + base.with_suffix(".crt").read_text())
        return pem


class Site:
    """What the HTTPS server does for one host name."""

    def __init__(self, certificate, body=b"", path=WELL_KNOWN, status=200, headers=(), endless=False, silent=False,
                 tag=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.body, self.path, self.status, self.headers = body, path, status, headers
        self.endless, self.silent, self.tag = endless, silent, tag
        self.unchanged = 0  # answers that had no body, as the asker has it already
        self.requests, self.times, self.sent = [], [], 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers["Host"].partition(":")[0]
        site = self.server.sites.get(host)
        if site:
            site.times.append(time.time())
            site.requests.append((self.connection.asked_for, self.headers["Host"], self.path))
        if site is None or self.path != site.path:
            return self.send_error(404)
        if site.silent:
            time.sleep(30)
        if site.tag and self.headers["If-None-Match"] == site.tag:
            site.unchanged += 1
            self.send_response(304)
            return self.end_headers()
        self.send_response(site.status)
        if site.tag:
            self.send_header("ETag", site.tag)
        for header in site.headers:
            self.send_header(*header)
        self.end_headers()
        try:
            self.wfile.write(site.body)
            while site.endless and site.sent < 100 << 20:
                site.sent += self.connection.send(b" " * 65536)
        except OSError:
            pass  # cut off

    def log_message(self, *_):
        pass


class HttpsServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fallback):
        super().__init__((HOST, 0), Handler)
        self.sites = {}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(fallback)
        self.context.sni_callback = self.choose
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def choose(self, connection, name, _):
        connection.asked_for = name
        if name in self.sites:
            connection.context = self.sites[name].context

    def finish_request(self, request, address):
        request.settimeout(20)
        try:
            connection = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return  # the client did not like the certificate
        super().finish_request(connection, address)
        connection.close()


class Dns:
    """dnsmasq with records of the domain `example` and nothing else."""

    def __init__(self, directory, port, records):
        self.log, self.port = directory / "dnsmasq.log", port
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(
                [*kit.WITH_PARENT, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                 "--local=/example/", "--port=%d" % port, "--listen-address=" + HOST, "--bind-interfaces", "--user=",
                 "--pid-file=", "--log-facility=-", *records], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("DNS server", self.answers, 10)
        self.address = "%s:%d" % (HOST, self.port)

    def answers(self):
        check(self.child.poll() is None, "dnsmasq ended:", self.log.read_text())
        return not kit.is_free(self.port)

    def end(self):
        self.child.terminate()
        self.child.wait(10)


def service(name, port, priority=0, target=SERVER_NAME):
    """An option of dnsmasq: the SRV record of an overlay."""
    return "--srv-host=_reload-config._tcp.%s.example,%s,%d,%d,0" % (name, target, port, priority)


class Overlay:
    """An overlay's authority, its documents and its peers, which are all given its name only."""

    def __init__(self, bed, name):
        self.bed, self.name = bed, name
        self.dir = bed.scratch / name
        self.children = []
        self.port = bed.port(RELOAD_PORTS)
        must(bed.certs, "init", "--dir", self.dir, "--overlay", name, "--bootstrap", "%s:%d" % (HOST, self.port))
        self.first = (self.dir / "overlay.xml").read_text()

    def document(self, sequence=1, expires=None):
        """A signed document; it expires so many seconds from now."""
        mark = 'sequence="%d"' % sequence
        if expires is not None:
            end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires)
            mark += ' expiration="%s"' % end.strftime("%Y-%m-%dT%H:%M:%SZ")
        edited, signed = self.dir / "edited.xml", self.dir / "signed.xml"
        signed.unlink(missing_ok=True)  # the sequences of what we sign here go up and down
        edited.write_text(self.first.replace('sequence="1"', mark))
        must(self.bed.certs, "sign-config", "--dir", self.dir, "--in", edited, "--out", signed)
        return signed.read_bytes()

    def site(self, *, certificate=None, **how):
        site = Site(certificate or self.bed.authority.certificate(self.name), **how)
        self.bed.https.sites[self.name] = site
        return site

    def credential(self, name):
        path = self.dir / (name + ".pem")
        if not path.exists():
            must(self.bed.certs, "issue", "--dir", self.dir, "--node", "--out", path)
        return path

    def options(self, dns=None, ca=None):
        return ["--overlay", self.name, "--dns-server", dns or self.bed.dns.address, "--tls-ca",
                ca or self.bed.authority.file]

    def peer_command(self, number, options):
        port = self.port if number == 0 else self.bed.port(RELOAD_PORTS)
        return [self.bed.peer, *map(str, options), "--credential", self.credential("peer%d" % number), "--data",
                self.data(number), "--listen", "%s:%d" % (HOST, port), *(["--first-peer"] if number == 0 else [])]

    def data(self, number):
        return self.dir / ("data%d" % number)

    def kept(self, number=0):
        """The sequence of the document in the peer's data directory."""
        path = self.data(number) / "overlay.xml"
        return int(re.search(r'sequence="(\d+)"', path.read_text())[1]) if path.exists() else None

    def keep(self, document, number=0):
        self.data(number).mkdir(exist_ok=True)
        (self.data(number) / "overlay.xml").write_bytes(document)

    def start(self, number=0, options=None):
        peer = Peer(self, number, self.peer_command(number, options or self.options()))
        self.children.append(peer)
        return peer

    def fails(self, *says, options=None, code=1, seconds=60):
        """A peer that does not start, and says why."""
        done = run(*self.peer_command(0, options or self.options()), "--admin", "", seconds=seconds)
        seen = "code %s: %s" % (done.returncode, done.stderr)
        check(done.returncode == code, seen)
        last = done.stderr.strip().splitlines()[-1]
        for part in says:
            check(str(part) in last, "no", part, "in", seen)
        return last

    def end(self):
        for child in self.children:
            child.end()


class Peer:
    def __init__(self, overlay, number, command):
        self.admin = overlay.bed.port(ADMIN_PORTS)
        self.log = overlay.dir / ("peer%d.log" % number)
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([*kit.WITH_PARENT, *map(str, command), "--admin", "%s:%d" % (HOST, self.admin)],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def status(self):
        try:
            with urllib.request.urlopen("http://%s:%d/status" % (HOST, self.admin), timeout=2) as answer:
                return json.loads(answer.read())
        except OSError:
            check(self.child.poll() is None, "the peer ended:", self.tail())
            return {}

    def ready(self):
        return self.status().get("ready") is True

    def sequence(self):
        return self.status().get("configuration_sequence")

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def says(self, text):
        return text in self.log.read_text(errors="replace")

    def end(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Bed:
    def __init__(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="reload-discovery-"))
        self.peer, self.client, self.certs = (BUILD / name / ("reload-" + name) for name in ("peer", "client", "certs"))
        self.taken = set()
        self.count = 0
        self.authority = Authority(self.scratch, "authority")
        self.stranger = Authority(self.scratch, "stranger")
        self.https = HttpsServer(self.authority.certificate("nothing.example"))
        self.overlays = []
        closed = self.port(DNS_PORTS)
        records = ["--host-record=config-server.example,127.0.0.1", "--host-record=www.example,127.0.0.1",
                   "--txt-record=nowhere.example,nothing"]
        records += [service("o%d" % i, self.https.port) for i in range(40)]
        records += [service("backup", closed, 1), service("backup", self.https.port, 2), service("down", closed),
                    service("noaddress", 443, target="nowhere.example"),
                    "--srv-host=_reload-config._tcp.noservice.example"]  # its target is "."
        self.dns = Dns(self.scratch, self.port(DNS_PORTS), records)

    def port(self, ports):
        """A free port that nobody here was given yet."""
        port = next(p for p in ports if p not in self.taken and kit.is_free(p))
        self.taken.add(port)
        return port

    def overlay(self, name=None):
        """A new overlay whose SRV record leads to the HTTPS server."""
        if name is None:
            name = "o%d.example" % self.count
            self.count += 1
        overlay = Overlay(self, name)
        self.overlays.append(overlay)
        return overlay

    def __enter__(self):
        return self

    @contextlib.contextmanager
    def of_test(self):
        try:
            yield self
        finally:
            for overlay in self.overlays:
                overlay.end()

    def __exit__(self, *_):
        self.dns.end()
        self.https.shutdown()
        shutil.rmtree(self.scratch, ignore_errors=True)


def test_from_the_name_to_a_ring(bed):
    """6940-11.2-1, 6940-11.2-2, 6940-11.2-4, 6940-11.2-5, 6940-11.2-7, 6940-11.2-8: of each program only the overlay's
    name is told where the document is; the server at the SRV target is asked for it under that name."""
    overlay = bed.overlay()
    site = overlay.site(body=overlay.document(3))
    first, second = overlay.start(0), overlay.start(1)
    wait_until("ring of two", lambda: first.ready() and second.ready() and
               [peer.status()["successors"][:1] for peer in (first, second)] ==
               [[peer.status()["node_id"]] for peer in (second, first)], 30)
    check(first.sequence() == second.sequence() == 3)
    # Server Name Indication, Host and path; the name of the SRV target does not appear.
    wanted = (overlay.name, "%s" % overlay.name, WELL_KNOWN)
    check(site.requests == [wanted, wanted], site.requests)
    check(overlay.kept(0) == overlay.kept(1) == 3, "the document is kept")
    check(first.says("asking DNS for the configuration servers of " + overlay.name), first.tail())
    check(first.says("fetching https://%s%s at 127.0.0.1:%d" % (overlay.name, WELL_KNOWN, bed.https.port)), first.tail())
    must(bed.client, *overlay.options(), "--credential", overlay.credential("client"), "ping")
    check(len(site.requests) == 3, site.requests)


def test_a_server_down_and_another_of_lower_priority(bed):
    overlay = bed.overlay("backup.example")
    overlay.site(body=overlay.document())
    wait_until("peer", overlay.start().ready)


def test_by_url(bed):
    """6940-11.2-3, 6940-11.2-6: the certificate is for the URL's host, not for the overlay."""
    overlay = bed.overlay()
    site = Site(bed.authority.certificate("www.example"), overlay.document(), path="/overlays/one.xml")
    bed.https.sites["www.example"] = site
    url = "https://www.example:%d/overlays/one.xml" % bed.https.port
    options = [*overlay.options(), "--config-url", url]
    peer = overlay.start(options=options)
    wait_until("peer", peer.ready)
    check(site.requests == [("www.example", "www.example:%d" % bed.https.port, "/overlays/one.xml")], site.requests)
    must(bed.client, *options, "--credential", overlay.credential("client"), "ping")
    peer.end()
    shutil.rmtree(overlay.data(0))
    bed.https.sites["www.example"] = Site(bed.authority.certificate(overlay.name), overlay.document(),
                                          path="/overlays/one.xml")
    overlay.fails("--config-url " + url, "certificate is not for www.example", options=options)
    # An address as host needs no DNS.
    bed.https.sites[HOST] = Site(bed.authority.certificate(HOST), overlay.document())
    options = [*overlay.options(dns="127.0.0.1:9"), "--config-url", "https://%s:%d%s" % (HOST, bed.https.port, WELL_KNOWN)]
    overlay.fails("certificate is not for 127.0.0.1", options=options)  # without a name, the server shows its fallback


def test_certificate_of_another_name(bed):
    """6940-11.2-7: neither another name nor that of the SRV target will do; 6940-11.2-8: nothing is asked for then."""
    overlay = bed.overlay()
    for name in (SERVER_NAME, "another.example", "sub." + overlay.name):
        site = overlay.site(certificate=bed.authority.certificate(name), body=overlay.document())
        overlay.fails("--overlay " + overlay.name, "certificate is not for " + overlay.name,
                      "127.0.0.1:%d" % bed.https.port)
        check(not site.requests, site.requests)
        check(overlay.kept() is None, "nothing is kept")


def test_certificate_of_an_unknown_authority(bed):
    overlay = bed.overlay()
    site = overlay.site(certificate=bed.stranger.certificate(overlay.name), body=overlay.document())
    overlay.fails("certificate is not trusted", "--tls-ca")
    check(not site.requests, site.requests)
    # Without --tls-ca the authorities of this machine count.
    overlay.site(body=overlay.document())
    overlay.fails("certificate is not trusted", "--tls-ca", options=overlay.options()[:4])
    done = run(bed.client, *overlay.options(ca=bed.stranger.file), "--credential", overlay.credential("client"), "ping")
    check(done.returncode == 2 and "certificate is not trusted" in done.stderr, done)


def test_documents_that_are_discarded(bed):
    """6940-11.2-9: not valid, or of another overlay; and what has expired or was not signed by whom it says."""
    overlay, other = bed.overlay(), bed.overlay()
    spoilt = overlay.document(2).replace(b'sequence="2"', b'sequence="7"')
    for body, says in ((b"", "discarded"), (b"<html>Welcome</html>", "discarded"),
                       (overlay.document()[:-200], "XML"), (other.document(), overlay.name),
                       (overlay.document(2, -5), "expired at "), (spoilt, "signature")):
        overlay.site(body=body)
        overlay.fails("--overlay " + overlay.name, "is discarded", says)
        check(overlay.kept() is None, "nothing is kept of", body[:100])


def test_answers_that_are_no_document(bed):
    overlay = bed.overlay()
    overlay.site(body=b"", status=404)
    overlay.fails("answers 404")
    overlay.site(status=302, headers=[("Location", "https://www.example/other")])
    overlay.fails("answers 302", "lead elsewhere")
    for how in ({"headers": [("Content-Length", str(100 << 20))]}, {}):
        site = overlay.site(body=b"", endless=True, **how)
        started = time.monotonic()
        overlay.fails("more than 4194304 bytes")
        check(site.sent < 32 << 20, "of 100 MB were sent", site.sent)
        check(time.monotonic() - started < 20, "it took", time.monotonic() - started)


def test_wrong_dns(bed):
    for name, says in (("absent", "no SRV record _reload-config._tcp.absent.example"), ("noservice", "no SRV record"),
                       ("noaddress", "no address for the configuration server: nowhere.example")):
        bed.overlay(name + ".example").fails("--overlay %s.example" % name, says)
    overlay = bed.overlay()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HOST, 0))
        address = "%s:%d" % silent.getsockname()
        started = time.monotonic()
        overlay.fails("no answer in time", address, options=overlay.options(dns=address))
        check(time.monotonic() - started < 20, "it took", time.monotonic() - started)


def test_server_down(bed):
    """6940-6.3.2.1-1: without a copy of the document nobody takes part. Without a server the kept one will do, unless it
    has expired or is of another overlay."""
    overlay = bed.overlay("down.example")
    overlay.fails("--overlay down.example", "Couldn't connect", "--overlay-config")
    bed.https.sites["www.example"] = Site(bed.authority.certificate("www.example"), overlay.document(4))
    peer = overlay.start(options=[*overlay.options(), "--config-url",
                                  "https://www.example:%d%s" % (bed.https.port, WELL_KNOWN)])
    wait_until("peer", peer.ready)
    peer.end()
    peer = overlay.start()
    wait_until("peer", peer.ready)
    check(peer.sequence() == 4 and peer.says("going on with document 4"), peer.tail())
    peer.end()
    overlay.keep(overlay.document(5, -5))
    overlay.fails("Couldn't connect", "and the document in", "expired at")
    overlay.keep(bed.overlay().document())
    overlay.fails("Couldn't connect")


def test_the_kept_document_and_the_fetched_one(bed):
    """6940-11.2-10: the fetched document replaces the kept one, unless its sequence is lower or the same."""
    overlay = bed.overlay()
    overlay.keep(overlay.document(5))  # as a ConfigUpdate may have brought it
    for offered, used in ((3, 5), (5, 5), (6, 6)):
        site = overlay.site(body=overlay.document(offered, 86400))
        peer = overlay.start()
        wait_until("peer", peer.ready)
        check(len(site.requests) == 1, site.requests)
        check(peer.sequence() == used == overlay.kept(), "offered", offered, "used", peer.sequence(), "kept", overlay.kept())
        check((b"expiration" in (overlay.data(0) / "overlay.xml").read_bytes()) == (offered == used == 6), "which is kept")
        check(peer.says("document 3 at https://%s%s is older than 5" % (overlay.name, WELL_KNOWN)), peer.tail())
        peer.end()


def test_a_running_peer_fetches_again(bed):
    """6940-11.1-10: before the document expires, and 6940-11.1-70: the new one is in force at once."""
    overlay = bed.overlay()
    site = overlay.site(body=overlay.document(1, 16))
    ends = int(time.time()) + 17  # the latest that the document can say
    peers = [overlay.start(0), overlay.start(1)]
    wait_until("peers", lambda: all(peer.ready() for peer in peers))
    site.body = overlay.document(2, 86400)
    wait_until("new document", lambda: all(peer.sequence() == 2 for peer in peers), 20)
    check(site.times[0] + 6 < site.times[2] < ends, "fetched at", site.times, ends)
    check(overlay.kept(0) == overlay.kept(1) == 2, "it is kept")
    check(all(peer.ready() for peer in peers), "the ring stands")
    check(3 <= len(site.requests) <= 4, site.requests)


def test_a_running_peer_polls(bed):
    """--config-poll: what is unchanged is not sent again, and what is new is in force at once."""
    overlay = bed.overlay()
    site = overlay.site(body=overlay.document(1, 86400), tag='"one"')
    peer = overlay.start(options=[*overlay.options(), "--config-poll", 1])
    wait_until("peer", peer.ready)
    wait_until("answers without a document", lambda: site.unchanged >= 2)
    sent = len(site.requests) - site.unchanged
    check(peer.sequence() == 1 and sent <= 2, sent, "documents were sent: at the start and at most at the first question")
    site.body, site.tag = overlay.document(2, 86400), '"two"'
    wait_until("new document", lambda: peer.sequence() == 2, 10)
    unchanged = site.unchanged
    wait_until("answers without the new document", lambda: site.unchanged >= unchanged + 2)
    check(len(site.requests) - site.unchanged == sent + 1, len(site.requests), site.unchanged)
    check(overlay.kept() == 2 and peer.ready(), "it is kept")


def test_a_running_peer_and_a_server_that_hangs(bed):
    """The peer does its work while it waits for the server, and ends without waiting for it."""
    overlay = bed.overlay()
    site = overlay.site(body=overlay.document(1, 6))
    peer = overlay.start()
    wait_until("peer", peer.ready)
    site.silent = True
    wait_until("second fetch", lambda: len(site.requests) == 2, 10)
    for _ in range(20):
        started = time.monotonic()
        check(peer.ready() and time.monotonic() - started < 0.5, "the peer answered late")
    started = time.monotonic()
    peer.child.send_signal(signal.SIGTERM)
    peer.child.wait(20)
    check(peer.child.returncode == 0 and time.monotonic() - started < 5, peer.child.returncode, peer.tail())


def test_an_expired_document(bed):
    """A peer goes on with it and none begins with it."""
    overlay = bed.overlay()
    site = overlay.site(body=overlay.document(1, 5))
    expired = time.time() + 5.5
    peer = overlay.start()
    wait_until("peer", peer.ready)
    wait_until("fetch of the same document", lambda: peer.says("sequence 1 is not newer than 1"), 10)
    wait_until("expiration", lambda: time.time() > expired)
    check(peer.ready() and len(site.requests) == 2, site.requests)
    peer.end()
    overlay.fails("is discarded: it expired at", "and the document in")
    overlay.fails("--overlay-config", "expired at", "no node may join",
                  options=["--overlay-config", overlay.data(0) / "overlay.xml"])


def test_a_document_in_a_file(bed):
    """6940-11.2-11: out of band, without a server; the file is read again before what it held expires."""
    overlay = bed.overlay()
    path = overlay.dir / "given.xml"
    path.write_bytes(overlay.document(1, 8))
    peer = overlay.start(options=["--overlay-config", path])
    wait_until("peer", peer.ready)
    beside = overlay.dir / "given.new"
    beside.write_bytes(overlay.document(2))
    beside.rename(path)
    wait_until("new document", lambda: peer.sequence() == 2, 10)
    peer.end()
    overlay.fails("--overlay-config %s" % path, "no configuration of overlay", options=[
        "--overlay-config", path, "--overlay", "another.example"])


def test_wrong_options(bed):
    """6940-11.2-2: the name is the user's to give."""
    overlay = bed.overlay()
    url = "https://www.example/x"
    for options, says in (((), ("--overlay-config is missing", "--overlay")),
                          (("--config-url", url), ("--overlay is missing", "--config-url")),
                          (("--config-url", url, "--overlay-config", "x", "--overlay", "a.example"), ("leave one out",)),
                          (("--overlay", "a b"), ("--overlay a b",)),
                          (("--overlay", "a.example", "--config-url", "http://www.example/x"), ("--config-url", "https")),
                          (("--overlay", "a.example", "--config-url", "https://me@www.example/x"), ("user name",)),
                          (("--overlay", "a.example", "--config-url", "https://"), ("--config-url", "not a URL")),
                          (("--overlay", "a.example", "--dns-server", "dns"), ("--dns-server", "192.0.2.1")),
                          (("--overlay", "a.example", "--tls-ca", "/absent.pem"), ("--tls-ca", "/absent.pem"))):
        overlay.fails(*says, options=list(options) or ["--log-level", "info"], code=2)
        done = run(bed.client, *options, "--credential", overlay.credential("client"), "ping")
        check(done.returncode == 2 and all(part in done.stderr for part in says), options, done)


def main(description, make_bed, names):
    only = kit.options(description).only
    kit.run(kit.tests_of(names), only, make_bed())


if __name__ == "__main__":
    main(__doc__, Bed, globals())
