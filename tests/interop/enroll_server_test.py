#!/usr/bin/env python3
"""reload-certs serve against curl and openssl (RFC 6940 11.2, 11.3), and against kill -9.

Runs the programs of the build in $RELOAD_BUILD. With --full 10,000 accounts are imported and enrolled, with figures. The
last line is "N passed, N failed".
"""
import collections
import concurrent.futures
import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import pathlib
import pty
import random
import re
import resource
import select
import signal
import socket
import ssl
import subprocess
import termios
import threading
import time

import kit
from kit import check, wait_until

BUILD = pathlib.Path(os.environ.get("RELOAD_BUILD", kit.ROOT / "build" / "test")).resolve()
CERTS = BUILD / "certs" / "reload-certs"
OVERLAY = "demo.example"
HOST = "127.0.0.1"
WELL_KNOWN = "/.well-known/reload-config"
PKIX = "application/pkix-cert"
RELOAD_URI = re.compile(r"URI:reload://0110([0-9a-f]{32})@%s/" % re.escape(OVERLAY))
OPTIONS = None


def run(*words, stdin=None, seconds=120, **more):
    return subprocess.run([str(word) for word in words], input=stdin, capture_output=True, timeout=seconds, **more)


def must(*words, **more):
    done = run(*words, **more)
    check(done.returncode == 0, *words, done.returncode, done.stdout, done.stderr)
    return done.stdout.decode()


def refused(done, *parts):
    check(done.returncode == 1, done.returncode, done.stdout, done.stderr)
    for part in parts:
        check(str(part) in done.stderr.decode(), repr(part), "not in", done.stderr.decode())


def make_key(path, *words):
    must("openssl", "genpkey", "-quiet", "-algorithm", *(words or ("EC", "-pkeyopt", "ec_paramgen_curve:P-256")),
         "-out", path)
    return path


def make_csr(directory, key, mail=None, *words, der=True):
    """A signing request by openssl, as its bytes."""
    out = directory / ("%s-%d.csr" % (key.stem, random.getrandbits(64)))
    extension = ["-addext", "subjectAltName=email:%s" % mail] if mail else []
    must("openssl", "req", "-new", "-key", key, "-subj", "/", *extension, "-outform", "DER" if der else "PEM", "-out", out,
         *words)
    return out


class Server:
    """An overlay's directory and, inside `with`, its enrolment server."""

    def __init__(self, base, *words, init=()):
        self.base = base
        self.dir = base / "overlay"
        self.words = words
        self.port = None
        self.child = None
        must(CERTS, "init", "--dir", self.dir, "--overlay", OVERLAY, "--bootstrap", "192.0.2.1:6084", *init)
        self.key = make_key(base / "member.key")
        self.csr = make_csr(base, self.key)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.log = self.base / ("log%d" % random.getrandbits(64))
        self.out = self.log.with_suffix(".out")
        with open(self.log, "wb") as log, open(self.out, "wb") as out:
            self.child = subprocess.Popen(
                [*kit.WITH_PARENT, str(CERTS), "serve", "--dir", str(self.dir), "--listen",
                 "%s:%d" % (HOST, self.port or 0), *map(str, self.words)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        wait_until("ready server: " + self.log.read_text(),
                   lambda: self.child.poll() is not None or self.out.read_text().startswith("ready"))
        check(self.child.poll() is None, "the server ended:", self.log.read_text())
        self.port = int(re.search(r"https://127\.0\.0\.1:(\d+)/", self.out.read_text()).group(1))

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()

    def user(self, *words, password=None):
        done = self.try_user(*words, password=password)
        check(done.returncode == 0, words, done.stderr)
        return done.stdout.decode()

    def try_user(self, command, *words, password=None):
        stdin = None if password is None else (password + "\n").encode()
        return run(CERTS, "user", command, "--dir", self.dir, *words, stdin=stdin or b"")

    def accounts(self):
        return {each["name"]: each for each in json.loads(self.user("list", "--json"))}

    def audit(self):
        return [json.loads(line) for line in (self.dir / "audit.jsonl").read_text().splitlines()]

    def curl(self, *words, host=HOST, path="/enroll"):
        """Status, headers and body, by curl, which checks the server's certificate for `host`."""
        body = self.base / ("body%d" % random.getrandbits(64))
        head = body.with_suffix(".head")
        done = run("curl", "-sS", "--cacert", self.dir / "tls-ca.pem", "--resolve", "%s:%d:%s" % (host, self.port, HOST),
                   "-D", head, "-o", body, *words, "https://%s:%d%s" % (host, self.port, path))
        if done.returncode:
            return Answer(0, {}, b"", done.stderr.decode())
        lines = head.read_bytes().decode().split("\r\n\r\n")[-2].splitlines()
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        return Answer(int(lines[0].split()[1]), headers, body.read_bytes() if body.exists() else b"", "")

    def enroll(self, user="alice", password="wonderland", csr=None, csr_type="application/pkcs10", words=(), **parts):
        form = ["-F", "username=" + user, "-F", "password=" + password, "-F",
                "csr=@%s;type=%s" % (csr or self.csr, csr_type), "-H", "Accept: " + PKIX]
        for name, value in parts.items():
            form += ["-F", "%s=%s" % (name, value)]
        return self.curl(*form, *words)


Answer = collections.namedtuple("Answer", "status headers body error")


class Member:
    """Enrols as curl does, without curl's price: for many requests."""

    def __init__(self, server, csr=None):
        self.context = ssl.create_default_context(cafile=server.dir / "tls-ca.pem")
        self.port = server.port
        self.csr = (csr or server.csr).read_bytes()

    def enroll(self, user, password, **parts):
        body = b"".join(b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v.encode())
                        for n, v in {"username": user, "password": password, **parts}.items())
        body += (b'--x\r\nContent-Disposition: form-data; name="csr"\r\nContent-Type: application/pkcs10\r\n\r\n' +
                 self.csr + b"\r\n--x--\r\n")
        connection = http.client.HTTPSConnection(HOST, self.port, context=self.context, timeout=60)
        try:
            connection.request("POST", "/enroll", body, {"Content-Type": "multipart/form-data; boundary=x", "Accept": PKIX})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def certificate(body):
    done = run("openssl", "x509", "-inform", "DER", "-noout", "-text", stdin=body)
    check(done.returncode == 0, done.stderr, body)
    return done.stdout.decode()


def node_ids(answer):
    check(answer.status == 200, answer)
    return RELOAD_URI.findall(certificate(answer.body))


def is_token(answer, token):
    check(answer.status == 403, answer)
    check(answer.headers["content-type"] == "text/plain", answer)
    check(answer.body.decode() == token, answer)


# Each test gets an empty directory.


def test_a_member_gets_its_certificate(base):
    """6940-11.3-13, 6940-11.3-14, 6940-11.3-18, 6940-11.3-19, 6940-11.3-21, 6940-11.3-25, 6940-11.3-26, 6940-11.3-27."""
    with Server(base) as server:
        server.user("add", "alice", password="wonderland")
        for words in ((), ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"), ("EC", "-pkeyopt", "ec_paramgen_curve:P-384")):
            key = make_key(base / "k.key", *words)
            answer = server.enroll(csr=make_csr(base, key, "alice@" + OVERLAY))
            check(answer.status == 200, answer)
            check(answer.headers["content-type"] == PKIX, answer)
            leaf = base / "leaf.pem"
            leaf.write_text(must("openssl", "x509", "-inform", "DER", stdin=answer.body))
            must("openssl", "verify", "-x509_strict", "-CAfile", server.dir / "ca.pem", leaf)
            check(must("openssl", "pkey", "-in", key, "-pubout") == must("openssl", "x509", "-in", leaf, "-noout", "-pubkey"))
            text = certificate(answer.body)
            check(re.search(r"Subject:\s*\n", text), text)
            names = re.search(r"Subject Alternative Name: critical\n\s*(.*)\n", text).group(1).split(", ")
            check(len(names) == 2 and RELOAD_URI.fullmatch(names[0]) and names[1] == "email:alice@" + OVERLAY, names)
            # 6940-13.3-4: seven days unless the operator says otherwise.
            must("openssl", "x509", "-in", leaf, "-noout", "-checkend", 6 * 86400)
            check(run("openssl", "x509", "-in", leaf, "-noout", "-checkend", 8 * 86400).returncode == 1)
            show = json.loads(must(CERTS, "show", "--json", leaf))[0]
            check("alice@" + OVERLAY in json.dumps(show), show)
        decision = server.audit()[-1]
        serial = must("openssl", "x509", "-in", leaf, "-noout", "-serial").strip().split("=")[1].lower()
        check(decision["serial"].lstrip("0") == serial.lstrip("0"), decision, serial)
        check(decision["address"] == HOST and decision["account"] == "alice@" + OVERLAY, decision)


def test_the_document(base):
    """6940-11.2-4, 6940-11.2-5: a GET of the well-known path; its media type, and nothing anew when it is known."""
    with Server(base, init=("--enrollment-server", "https://%s/some/where?x=y" % OVERLAY)) as server:
        answer = server.curl(path=WELL_KNOWN)
        check(answer.status == 200 and answer.body == (server.dir / "overlay.xml").read_bytes(), answer)
        check(answer.headers["content-type"] == "application/p2p-overlay+xml", answer)
        known = ["-H", "If-None-Match: " + answer.headers["etag"]]
        check(server.curl(*known, path=WELL_KNOWN).status == 304)
        edited = base / "edited.xml"
        edited.write_bytes(answer.body.replace(b'sequence="1"', b'sequence="2"'))
        must(CERTS, "sign-config", "--dir", server.dir, "--in", edited)
        again = server.curl(*known, path=WELL_KNOWN)
        check(again.status == 200 and b'sequence="2"' in again.body, again)
        # The path of enrollment-server serves, and no other.
        server.user("add", "alice", password="wonderland")
        form = ["-F", "username=alice", "-F", "password=wonderland", "-F", "csr=@%s;type=application/pkcs10" % server.csr]
        check(server.curl(*form, path="/some/where").status == 200)
        check(server.curl(*form, path="/some").status == 404)
        check(server.curl(path="/").status == 404)
        check(server.curl("-X", "DELETE", path="/enroll").status == 405)


def test_every_refusal(base):
    """6940-11.3-6, 6940-11.3-12, 6940-11.3-17, 6940-11.3-28, 6940-11.3-29: a token in a 403, and what the audit log says."""
    with Server(base) as server:
        server.user("add", "alice", password="wonderland")
        server.user("add", "bob", password="builder")
        is_token(server.enroll(password="wrong"), "failed_authentication")
        is_token(server.enroll(user="nobody"), "failed_authentication")
        is_token(server.enroll(password=""), "failed_authentication")
        is_token(server.curl("-F", "csr=@%s;type=application/pkcs10" % server.csr), "failed_authentication")
        for name in ("bob@demo.example", "alice@other.example", "nobody@demo.example"):
            is_token(server.enroll(csr=make_csr(base, server.key, name)), "username_not_available")
        for count in ("0", "5", "many"):
            is_token(server.enroll(nodeids=count), "Node-IDs_not_available")
        is_token(server.enroll(csr=server.key), "bad_CSR")
        is_token(server.enroll(csr=make_csr(base, server.key, der=False)), "bad_CSR")
        is_token(server.enroll(csr_type="application/octet-stream"), "bad_CSR")
        is_token(server.enroll(csr=make_csr(base, make_key(base / "ed.key", "ED25519"))), "bad_CSR")
        is_token(server.enroll(csr=make_csr(base, make_key(base / "rsa.key", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"))),
                 "bad_CSR")
        altered = base / "altered.csr"
        altered.write_bytes(make_csr(base, server.key, "alice@" + OVERLAY).read_bytes().replace(b"alice", b"alicf"))
        is_token(server.enroll(csr=altered), "bad_CSR")
        check(not server.accounts()["alice@" + OVERLAY]["devices"], "a refused request has made a device")
        server.user("disable", "alice")
        is_token(server.enroll(), "failed_authentication")
        server.user("enable", "alice")
        check(server.enroll().status == 200)
        counted = collections.Counter(line["decision"] for line in server.audit())
        check(counted == {"failed_authentication": 5, "username_not_available": 3, "Node-IDs_not_available": 3, "bad_CSR": 6,
                          "issued": 1}, counted)
        check("wonderland" not in (server.dir / "audit.jsonl").read_text())


def test_only_https(base):
    """6940-11.3-3, 6940-11.3-4, 6940-11.2-3: TLS, for the overlay's name and those that the operator has said."""
    with Server(base, "--tls-name", "enroll.demo.example", init=("--enrollment-server", "https://x.demo.example/e")) as server:
        server.user("add", "alice", password="wonderland")
        plain = run("curl", "-sS", "http://%s:%d%s" % (HOST, server.port, WELL_KNOWN))
        check(plain.returncode != 0 and not plain.stdout, plain)
        for host in (OVERLAY, "enroll.demo.example", "x.demo.example", HOST):
            check(server.curl(host=host, path=WELL_KNOWN).status == 200, host)
        for host in ("other.example", "sub.demo.example", "demo.example.other"):
            answer = server.curl(host=host, path=WELL_KNOWN)
            check(answer.status == 0 and "no alternative certificate subject name matches" in answer.error, answer)
        unknown = run("curl", "-sS", "https://%s:%d%s" % (HOST, server.port, WELL_KNOWN))
        check(unknown.returncode == 60, unknown)
        old = run("curl", "-sS", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", "--cacert",
                  server.dir / "tls-ca.pem", "https://%s:%d%s" % (HOST, server.port, WELL_KNOWN))
        check(old.returncode != 0, old)
        # After a restart the certificate is the same; with other names it is another, under the same CA.
        before, authority = [(server.dir / name).read_bytes() for name in ("tls.pem", "tls-ca.pem")]
        server.kill()
        server.start()
        check((server.dir / "tls.pem").read_bytes() == before)
        server.kill()
        server.words = ("--tls-name", "new.demo.example")
        server.start()
        check((server.dir / "tls.pem").read_bytes() != before)
        check((server.dir / "tls-ca.pem").read_bytes() == authority)
        check(server.curl(host="new.demo.example", path=WELL_KNOWN).status == 200)
        check(server.curl(host="enroll.demo.example", path=WELL_KNOWN).status == 0)
        check(server.enroll().status == 200)
        for name in ("tls.key", "tls-ca.key", "accounts.journal", "audit.jsonl"):
            check((server.dir / name).stat().st_mode & 0o777 == (0o600), name)


def test_the_operators_certificate(base):
    with Server(base) as server:
        server.kill()
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
             "/CN=x", "-addext", "subjectAltName=DNS:%s" % OVERLAY, "-keyout", base / "own.key", "-out", base / "own.pem")
        server.words = ("--tls-cert", base / "own.pem", "--tls-key", base / "own.key")
        server.start()
        done = run("curl", "-sS", "--cacert", base / "own.pem", "--resolve", "%s:%d:%s" % (OVERLAY, server.port, HOST),
                   "https://%s:%d%s" % (OVERLAY, server.port, WELL_KNOWN))
        check(done.returncode == 0 and done.stdout == (server.dir / "overlay.xml").read_bytes(), done)
        listen = ("--listen", "%s:%d" % (HOST, server.port), "--dir", server.dir)
        refused(run(CERTS, "serve", *listen), "--listen", "choose another port")
        refused(run(CERTS, "serve", "--listen", HOST + ":0", "--dir", server.dir, "--tls-cert", base / "own.pem", "--tls-key",
                    server.key), "own.pem", "member.key")
        refused(run(CERTS, "serve", "--listen", "here", "--dir", server.dir), "--listen", "ADDR:PORT")
        check(run(CERTS, "serve", *listen, "--tls-cert", base / "own.pem").returncode == 2)


def test_node_ids_stay_with_the_device(base):
    """6940-11.3-9, 6940-11.3-15, 6940-11.3-20: the same at each renewal, others for each device."""
    with Server(base) as server:
        server.user("add", "alice", password="wonderland")
        phone = node_ids(server.enroll(device="phone"))
        other = node_ids(server.enroll(device="laptop"))
        plain = node_ids(server.enroll())
        check(len({*phone, *other, *plain}) == 3, phone, other, plain)
        check(node_ids(server.enroll(device="phone", csr=make_csr(base, make_key(base / "new.key")))) == phone)
        several = node_ids(server.enroll(device="phone", nodeids="3"))
        check(len(set(several)) == 3 and several[:1] == phone, several)
        server.kill()
        server.start()
        check(node_ids(server.enroll(device="phone")) == phone)
        check(node_ids(server.enroll(device="phone", nodeids="3")) == several)
        # Not even the same name again gets them.
        server.user("remove", "alice")
        is_token(server.enroll(), "failed_authentication")
        server.user("add", "alice", password="wonderland")
        fresh = node_ids(server.enroll(device="phone"))
        check(not {*fresh} & {*several, *other, *plain}, fresh)
        # A revoked one gets nothing until it is forgotten.
        check(node_ids(server.enroll(device="laptop")) != fresh)
        revoke = (CERTS, "revoke", "--dir", server.dir, "--user", "alice", "--no-push", "--device")
        refused(run(*revoke, "tablet"), "--device", "no such device", "it has ", "laptop", "phone")
        must(*revoke, "phone")
        bad = re.findall("<bad-node>([0-9a-f]*)</bad-node>", (server.dir / "overlay.xml").read_text())
        check(bad == fresh, bad, fresh)
        is_token(server.enroll(device="phone"), "Node-IDs_not_available")
        check(node_ids(server.enroll(device="laptop")) != fresh)
        refused(server.try_user("forget-device", "alice", "--device", "no"), "no device")
        server.user("forget-device", "alice", "--device", "phone")
        check(node_ids(server.enroll(device="phone")) != fresh)


def test_a_host_enrols_its_users(base):
    """6940-11.3-24: and only those."""
    with Server(base) as server:
        for user in ("alice", "bob", "carol@other.example"):
            server.user("add", user, password="secret of " + user)
        server.user("add", "peer1", "--host", "*@" + OVERLAY, password="rock")
        hosted = {"user": "peer1", "password": "rock", "device": "peer1"}
        mine = node_ids(server.enroll(user="bob", password="secret of bob"))
        answer = server.enroll(csr=make_csr(base, server.key, "bob@" + OVERLAY), **hosted)
        check("email:bob@" + OVERLAY in certificate(answer.body), answer)
        check(node_ids(answer) != mine)
        check("email:peer1@" + OVERLAY in certificate(server.enroll(**hosted).body))
        for name in ("carol@other.example", "dora@" + OVERLAY):
            is_token(server.enroll(csr=make_csr(base, server.key, name), **hosted), "username_not_available")
        device = server.accounts()["bob@" + OVERLAY]["devices"][1]
        check(device["enrolled_by"] == "peer1@" + OVERLAY and device["node_ids"] == node_ids(answer), device)


def test_accounts_by_the_command_line(base):
    """6940-13.3-1: names are unique, whoever adds them, and however they are written."""
    server = Server(base)
    check(server.user("add", "alice", password="wonderland") == "added alice@%s\n" % OVERLAY)
    for name in ("alice", "alice@DEMO.example", "sip:alice@demo.example"):
        refused(server.try_user("add", name, password="x"), "exists already")
    refused(server.try_user("add", "a b", password="x"), "bad user name")
    refused(server.try_user("add", "config-signer", password="x"), "gives to nodes")
    refused(server.try_user("add", "node-" + "0" * 31 + "1", password="x"), "gives to nodes")
    refused(server.try_user("add", "bob", password=""), "is empty")
    refused(server.try_user("add", "bob", "--host", "nonsense", password="x"), "--host nonsense")
    refused(server.try_user("passwd", "nobody", password="x"), "no account nobody@" + OVERLAY)
    refused(run(CERTS, "user", "list", "--dir", base / "none"), "overlay.xml", "init")
    check(server.try_user("add", "bob", "--password", "x").returncode == 2)
    secret = base / "secret"
    secret.write_text("from a file\nand no more\n")
    server.user("add", "bob", "--password-file", secret)
    server.user("disable", "bob")
    check(server.user("list") == "alice@%s\nbob@%s disabled\n" % (OVERLAY, OVERLAY))
    check("from a file" not in (server.dir / "accounts.journal").read_text())
    check("$argon2id$v=19$m=19456,t=2,p=1$" in (server.dir / "accounts.journal").read_text())
    with server:  # a change is known to a server that runs
        is_token(server.enroll(user="bob", password="from a file"), "failed_authentication")
        server.user("enable", "bob")
        check(server.enroll(user="bob", password="from a file").status == 200)
        server.user("passwd", "bob", password="another")
        is_token(server.enroll(user="bob", password="from a file"), "failed_authentication")
        check(server.enroll(user="bob", password="another").status == 200)
        server.user("remove", "bob")
        is_token(server.enroll(user="bob", password="another"), "failed_authentication")


def test_the_password_is_asked_for_on_a_terminal(base):
    """It is not shown, and the terminal is as before in the end: after Ctrl-C, too."""
    server = Server(base)

    def add(user, *answers):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([str(CERTS), "user", "add", "--dir", str(server.dir), user], stdin=theirs, stdout=theirs,
                                 stderr=theirs, start_new_session=True,
                                 preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        seen = b""

        def shown():
            nonlocal seen
            while select.select([ours], [], [], 0)[0]:
                seen += os.read(ours, 4096)
            return seen

        def echoes():
            return bool(termios.tcgetattr(theirs)[3] & termios.ECHO)

        for question, answer in zip((b"Password of ", b"The same again: "), answers):
            wait_until("question", lambda: question in shown() and not echoes(), step=0.01)
            os.write(ours, answer)
        code = child.wait(20)
        shown()
        check(echoes(), "the terminal does not show what is typed any more")
        os.close(ours)
        os.close(theirs)
        check(b"wonderland" not in seen, seen)
        return code, seen

    check(add("alice", b"wonderland\n", b"wonderland\n")[0] == 0)
    code, seen = add("bob", b"wonderland\n", b"other\n")
    check(code == 1 and b"differ" in seen, code, seen)
    check(add("bob", b"wonder\x03")[0] == -signal.SIGINT)
    check(add("bob", b"wonderland\n", b"\x03")[0] == -signal.SIGINT)
    check(server.user("list") == "alice@%s\n" % OVERLAY)


def test_import(base):
    server = Server(base)
    users = 200
    listed = base / "users.csv"
    listed.write_text("# users\n\n" + "".join("user%d,secret%d\n" % (i, i) for i in range(users)))
    with server:
        done = server.try_user("import", listed)
        check(done.stdout.decode().startswith("imported %d accounts in " % users), done)
        check(len(server.accounts()) == users)
        refused(server.try_user("import", listed), "line 3", "user0@%s exists already" % OVERLAY)
        for text, *words in (("a,x\nb\n", "line 2", "no password"), ("a,x\nb b,x\n", "line 2", "bad user name"),
                             ("a,x\nA@demo.example,x\na@Demo.example,y\n", "line 3", "already in line 1"),
                             ("a,x\nuser7,x\n", "line 2", "exists already"), ("a,x\nb,\n", "line 2", "empty"),
                             ("a,x\nconfig-signer,x\n", "line 2", "gives to nodes")):
            listed.write_text(text)
            refused(server.try_user("import", listed), str(listed), *words)
        check(len(server.accounts()) == users)
        member = Member(server)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda i: member.enroll("user%d" % i, "secret%d" % i)[0], range(0, users, 4)))
        check(answers == [200] * (users // 4), collections.Counter(answers))
        # 6940-13.3-1, 6940-13.3-2
        ids = [one for each in server.accounts().values() for device in each["devices"] for one in device["node_ids"]]
        check(len(ids) == len(set(ids)) == users // 4, len(ids))


def test_limits(base):
    with Server(base) as server:
        server.user("add", "alice", password="wonderland")
        server.user("add", "bob", password="builder")
        big = base / "big"
        big.write_bytes(bytes(100_000))
        answer = server.enroll(csr=big)
        check(answer.status == 413 and answer.headers["content-type"] == "text/plain", answer)
        check(server.curl("-d", "username=alice&password=wonderland").status == 400)
        check(server.enroll(words=("-H", "Transfer-Encoding: chunked")).status == 411)
        check(server.enroll(words=("-H", "Content-Encoding: gzip")).status == 415)
        check(server.enroll(device="x" * 65).status == 400)
        for _ in range(10):
            is_token(server.enroll(password="wrong"), "failed_authentication")
        answer = server.enroll(password="wrong")
        check(answer.status == 429 and 1 <= int(answer.headers["retry-after"]) <= 30, answer)
        check(server.enroll().status == 429)
        check(server.enroll(user="bob", password="builder").status == 200)
        check(server.audit()[-2]["status"] == 429, server.audit()[-2])
        server.kill()
        server.words = ("--rate", "0.5")
        server.start()
        statuses = [server.curl(path=WELL_KNOWN).status for _ in range(7)]
        check(statuses == [200] * 5 + [429] * 2, statuses)


def test_unknown_names_take_as_long(base):
    with Server(base) as server:
        server.user("add", "alice", password="wonderland")
        member = Member(server)
        taken = {"alice": [], "nobody": []}
        for _ in range(5):
            for user, times in taken.items():
                started = time.monotonic()
                check(member.enroll(user, "wrong") == (403, b"failed_authentication"))
                times.append(time.monotonic() - started)
        quickest = {user: min(times) for user, times in taken.items()}
        check(quickest["nobody"] > quickest["alice"] / 2, taken)
        check(quickest["alice"] > 0.01, taken)


def test_a_full_disk(base):
    """What cannot be kept is not answered, and nothing half is left."""
    server = Server(base)
    server.user("add", "alice", password="wonderland")
    journal = server.dir / "accounts.journal"
    before = journal.read_bytes()
    done = run(CERTS, "user", "add", "--dir", server.dir, "bob", stdin=b"builder\n",
               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50,) * 2))
    refused(done, "cannot write", journal)
    check(journal.read_bytes() == before)
    server.user("add", "bob", password="builder")
    check(len(server.accounts()) == 2)


def flood(server, text, limit):
    """How many bytes the server takes of a request that has no end."""
    context = ssl.create_default_context(cafile=server.dir / "tls-ca.pem")
    sent = 0
    with contextlib.suppress(OSError), context.wrap_socket(socket.create_connection((HOST, server.port)),
                                                           server_hostname=HOST) as sock:
        sock.settimeout(5)
        sock.sendall(text)
        while sent < limit:
            sock.sendall(b"X: " + b"y" * 1000 + b"\r\n")
            sent += 1005
    return sent


def test_no_request_without_end(base):
    """cpp-httplib 0.11 keeps headers as long as they come, and what a chunked or compressed body makes."""
    with Server(base) as server:
        for text in (b"GET / HTTP/1.1\r\n", b"POST /enroll HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"):
            taken = flood(server, text, 20_000_000)
            check(taken < 20_000_000, taken)
        memory = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path("/proc/%d/status" % server.child.pid).read_text()).group(1))
        check(memory < 100_000, memory)
        check(server.curl(path=WELL_KNOWN).status == 200)


def test_a_document_is_given_once_whatever_ranges_are_asked_for(base):
    """cpp-httplib makes the document once for each range: 8 KiB of header would make thousands of it."""
    with Server(base) as server:
        whole = server.curl(path=WELL_KNOWN).body
        for ranges in ("0-9", ",".join(["0-"] * 2500)):
            answer = server.curl("-H", "Range: bytes=" + ranges, path=WELL_KNOWN)
            check(answer.status == 200 and answer.body == whole, ranges[:20], answer.status, len(answer.body))


def listening_socket(child):
    """A copy of the socket at which another process listens."""
    pidfd_getfd = 438
    descriptor = os.pidfd_open(child.pid)
    for name in os.listdir("/proc/%d/fd" % child.pid):
        copy = ctypes.CDLL(None, use_errno=True).syscall(pidfd_getfd, descriptor, int(name), 0)
        with contextlib.suppress(OSError):
            found = socket.socket(fileno=copy)
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                os.close(descriptor)
                return found
            found.close()
    raise kit.Failed("no listening socket")


def test_ends_with_a_failure_when_no_connection_can_be_taken(base):
    """It would otherwise live on, deaf, and who watches over it would see nothing amiss."""
    with Server(base) as server:
        listening_socket(server.child).shutdown(socket.SHUT_RDWR)
        check(server.child.wait(20) == 1, server.child.returncode)
        check("no connections can be taken any more" in server.log.read_text(), server.log.read_text())


def test_one_host_does_not_keep_all_connections(base):
    """It has a /64 of IPv6 addresses: they count as one."""
    if os.geteuid() != 0:
        print("        skipped: needs root, for a network of its own")
        return
    server = Server(base)
    port = 8443
    child = subprocess.Popen(
        [*kit.WITH_PARENT, "unshare", "-n", "sh", "-c",
         "ip link set lo up && ip -6 route add local fd00::/15 dev lo && exec $0 serve --dir $1 --listen [::]:%d" % port,
         str(CERTS), str(server.dir)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        check(child.stdout.readline().startswith(b"ready"), "the server ended")

        ipv6_freebind = 78

        def connections():
            """From a thread of its own, which moves to the server's network."""
            with open("/proc/%d/ns/net" % child.pid) as network:
                check(ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0) == 0, ctypes.get_errno())

            def connect(address):
                sock = socket.socket(socket.AF_INET6)
                sock.settimeout(1)
                sock.setsockopt(socket.IPPROTO_IPV6, ipv6_freebind, 1)  # any of the network's addresses
                sock.bind((address, 0))
                sock.connect(("fd00::1", port))
                return sock

            def is_closed(sock):
                try:
                    return sock.recv(1) == b""
                except TimeoutError:
                    return False

            held = [connect("fd00::1:%x" % i) for i in range(96)]
            wait_until("end of a further connection", lambda: is_closed(connect("fd00::2:1")))
            check(not is_closed(connect("fd01::1")), "another network is sent away")
            check(not any(map(is_closed, held[:1])), "an earlier connection was ended")

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(connections).result()
    finally:
        child.kill()
        child.communicate()


def test_ends_on_sigterm(base):
    for number in (signal.SIGTERM, signal.SIGINT):
        directory = base / number.name
        directory.mkdir()
        with Server(directory) as server:
            # Neither a connection that says nothing nor one that has begun keeps it.
            context = ssl.create_default_context(cafile=server.dir / "tls-ca.pem")
            with socket.create_connection((HOST, server.port)), context.wrap_socket(
                    socket.create_connection((HOST, server.port)), server_hostname=HOST) as begun:
                begun.sendall(b"POST /enroll HTTP/1.1\r\n")
                started = time.monotonic()
                server.child.send_signal(number)
                check(server.child.wait(20) == 0, server.child.returncode, server.log.read_text())
                check(time.monotonic() - started < 10, time.monotonic() - started)


def collect(server, issued):
    """That journal, records, audit log and certificates given out tell one story; how many devices there are."""
    owners = {}
    for name, account in server.accounts().items():
        for device in account["devices"]:
            for one in device["node_ids"]:
                check(one not in owners, "Node-ID given twice:", one, owners.get(one), name)
                owners[one] = (name, device["device"])
    recorded = set()
    for line in (server.dir / "issued.jsonl").read_text().splitlines():
        record = json.loads(line)
        recorded.add(record["serial"])
        for one in record["node_ids"]:
            if not record["user"].startswith("config-signer@"):
                check(owners[one][0] == record["user"], record, owners[one])
    for decision in server.audit():
        if decision["decision"] == "issued":
            check(decision["serial"] in recorded, decision)
    for (user, device), ids in issued.items():
        for one in ids:
            check(owners.get(one) == (user, device), "given out and lost:", one, user, device, owners.get(one))
    return len(owners)


def test_killed_at_any_point(base):
    """kill -9 in the middle of enrolments and of account changes: none lost, no Node-ID twice, every state readable."""
    rounds, users = (60, 40) if OPTIONS.full else (12, 12)
    server = Server(base, "--rate", "10000")
    listed = base / "users.csv"
    listed.write_text("".join("user%d,secret%d\n" % (i, i) for i in range(users)))
    server.user("import", listed)
    issued, lock, added = {}, threading.Lock(), ["user%d@%s" % (i, OVERLAY) for i in range(users)]
    dice = random.Random(4)

    def member(number, stop):
        mine = random.Random(number)
        while not stop.is_set():
            user = mine.randrange(users)
            device = str(mine.randrange(8))
            try:
                status, body = caller.enroll("user%d" % user, "secret%d" % user, device=device)
            except (OSError, http.client.HTTPException):
                continue
            if status != 200:
                continue
            ids = re.findall(rb"reload://0110([0-9a-f]{32})", body)
            with lock:
                before = issued.setdefault(("user%d@%s" % (user, OVERLAY), device), ids[0].decode())
                check(before == ids[0].decode(), "another Node-ID at a renewal", user, device)

    for turn in range(rounds):
        server.start()
        caller = Member(server)
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            members = [pool.submit(member, 1000 * turn + i, stop) for i in range(6)]
            known = len(issued)
            wait_until("certificate", lambda: len(issued) > known or len(issued) == 8 * users, 60)
            adding = subprocess.Popen([str(CERTS), "user", "add", "--dir", str(server.dir), "late%d" % turn],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            adding.stdin.write(b"secret\n")
            adding.stdin.close()
            threading.Event().wait(dice.uniform(0, 0.3))  # any point of what goes on
            server.kill()
            if turn % 2:
                adding.kill()
            if adding.wait() == 0:
                added.append("late%d@%s" % (turn, OVERLAY))
            adding.stdout.close()
            adding.stderr.close()
            stop.set()
            for each in members:
                each.result()
        accounts = server.accounts()
        missing = [name for name in added if name not in accounts]
        check(not missing, "accounts lost:", missing)
        devices = collect(server, {where: [one] for where, one in issued.items()})
    print("        %d kills, %d devices, %d of them told to their owners" % (rounds, devices, len(issued)))


def test_import_killed_leaves_all_or_none(base):
    server = Server(base)
    listed = base / "users.csv"
    users = 30
    listed.write_text("".join("user%d,secret%d\n" % (i, i) for i in range(users)))
    dice = random.Random(5)
    seen = collections.Counter()
    for _ in range(8):
        child = subprocess.Popen([str(CERTS), "user", "import", "--dir", str(server.dir), str(listed)],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(dice.uniform(0.2, 1.0))
        child.kill()
        child.communicate()
        count = len(server.accounts())
        check(count in (0, users), count)
        seen[count] += 1
        (server.dir / "accounts.journal").unlink(missing_ok=True)
    print("        after kills: %s" % ", ".join("%d x %d accounts" % (n, k) for k, n in sorted(seen.items())))


def test_ten_thousand_accounts(base):
    """Figures: what an import and an enrolment cost, and what limits them."""
    users = 10_000 if OPTIONS.full else 100
    server = Server(base, "--rate", "100000")
    listed = base / "users.csv"
    listed.write_text("".join("user%d,secret%d\n" % (i, i) for i in range(users)))
    started = time.monotonic()
    done = server.try_user("import", listed) if not OPTIONS.full else run(
        CERTS, "user", "import", "--dir", server.dir, listed, seconds=3600)
    check(done.returncode == 0, done.stderr)
    imported = time.monotonic() - started
    if OPTIONS.full:
        check(re.search(rb"\d+ of 10000 passwords hashed", done.stderr), done.stderr[-300:])
    with server:
        member = Member(server)
        ticks = os.sysconf("SC_CLK_TCK")

        def spent():
            fields = pathlib.Path("/proc/%d/stat" % server.child.pid).read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / ticks

        for what in ("first enrolment", "renewal"):
            started, before = time.monotonic(), spent()
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                statuses = collections.Counter(
                    pool.map(lambda i: member.enroll("user%d" % i, "secret%d" % i)[0], range(users)))
            taken, cpu = time.monotonic() - started, spent() - before
            check(statuses == {200: users}, statuses)
            print("        %s: %d certificates in %.1f s, %.1f/s; %.1f ms of a core each, %.1f/s and core"
                  % (what, users, taken, users / taken, 1000 * cpu / users, users / cpu))
        memory = int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path("/proc/%d/status" % server.child.pid).read_text()).group(1))
    check(collect(server, {}) == users)
    print("        import: %d accounts in %.1f s, %.1f/s; server %.1f MiB" % (users, imported, users / imported, memory / 1024))


if __name__ == "__main__":
    OPTIONS = kit.options(__doc__.split("\n")[0])
    kit.run(kit.tests_of(globals()), OPTIONS.only, kit.Scratch("reload-enroll-"))
