#!/usr/bin/env python3
"""From a bare machine to a member by one command, on three hosts: network namespaces that this test makes.

One host runs the DNS server (nsd) of the zone and the enrolment server; the two others have a resolver setting, the
authority of the server's TLS certificate, an account and a password, and nothing else. Needs root, ip and nsd. The last
line is "N passed, N failed".
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import kit
from kit import check, wait_until

BUILD = pathlib.Path(os.environ.get("RELOAD_BUILD", kit.ROOT / "build" / "test"))
CERTS = BUILD / "certs" / "reload-certs"
PEER = BUILD / "peer" / "reload-peer"
OVERLAY = "demo.example"
SERVER_NAME = "config.demo.example"
SERVER, FIRST, SECOND = "192.0.2.1", "192.0.2.2", "192.0.2.3"  # RFC 5737
HTTPS_PORT = 8443


def must(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, **options)
    check(done.returncode == 0, *words, "ended with", done.returncode, done.stdout, done.stderr)
    return done.stdout


class Host:
    """A network namespace on the test's bridge, with /etc files of its own (ip-netns(8))."""

    def __init__(self, net, letter, address):
        self.name = "rl%d%s" % (os.getpid(), letter)
        self.etc = pathlib.Path("/etc/netns") / self.name
        self.dir = net.scratch / letter
        self.dir.mkdir()
        self.children = []
        must("ip", "netns", "add", self.name)
        net.hosts.append(self)
        self.ip("link", "set", "lo", "up")
        inner, outer = "e" + letter, self.name
        if letter == "s":
            self.ip("link", "add", "bridge", "type", "bridge")
            self.ip("addr", "add", address + "/24", "dev", "bridge")
            self.ip("link", "set", "bridge", "up")
            return
        server = net.hosts[0].name
        must("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self.name)
        must("ip", "link", "set", outer, "netns", server)
        net.hosts[0].ip("link", "set", outer, "master", "bridge", "up")
        self.ip("addr", "add", address + "/24", "dev", inner)
        self.ip("link", "set", inner, "up")

    def ip(self, *words):
        must("ip", "-n", self.name, *words)

    def write_etc(self, name, text):
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def start(self, *words):
        log = self.dir / ("%d.log" % len(self.children))
        with open(log, "wb") as out:
            child = subprocess.Popen([*kit.WITH_PARENT, "ip", "netns", "exec", self.name, *map(str, words)],
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir)
        child.log = log
        self.children.append(child)
        return child

    def run(self, *words):
        return must("ip", "netns", "exec", self.name, *words)

    def end(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        shutil.rmtree(self.etc, ignore_errors=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Net:
    def __enter__(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="reload-bare-"))
        self.hosts = []
        try:
            self.server = Host(self, "s", SERVER)
            self.first = Host(self, "a", FIRST)
            self.second = Host(self, "b", SECOND)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for host in self.hosts:
            host.end()
        shutil.rmtree(self.scratch, ignore_errors=True)


def says(child, what, seconds=30):
    wait_until("“%s” in the log" % what,
               lambda: what in child.log.read_text() or child.poll() is not None, seconds)
    text = child.log.read_text()
    check(what in text, "no", what, "in", text)
    return text


def start_dns(host):
    """nsd with the overlay's zone, and the root's: a resolver that asks for anything else gets an answer."""
    zone = host.dir / "zone"
    zone.write_text("""$ORIGIN %s.
$TTL 60
@ IN SOA ns admin 1 60 60 60 60
@ IN NS ns
ns IN A %s
config IN A %s
_reload-config._tcp IN SRV 0 0 %d config
""" % (OVERLAY, SERVER, SERVER, HTTPS_PORT))
    conf = host.dir / "nsd.conf"
    conf.write_text("""server:
  ip-address: %s
  username: ""
  pidfile: ""
  database: ""
  xfrdfile: ""
  zonelistfile: "%s"
  xfrdir: "%s"
zone:
  name: %s
  zonefile: "%s"
remote-control:
  control-enable: no
""" % (SERVER, host.dir / "zones", host.dir, OVERLAY, zone))
    must("nsd-checkconf", conf)
    return host.start("nsd", "-d", "-c", conf)


def status(host):
    with contextlib.suppress(AssertionError, ValueError):
        return json.loads(host.run("curl", "-s", "--max-time", "5", "http://127.0.0.1:8080/status"))
    return {}


def join(host, account, *more):
    """The one command."""
    return host.start(PEER, "--overlay", OVERLAY, "--enroll-user", account, "--enroll-password-file",
                      host.dir / "password", "--data", host.dir / "data", *more)


def test_from_bare_to_joined():
    with Net() as net:
        server = net.server
        overlay = server.dir / "overlay"
        must(CERTS, "init", "--dir", overlay, "--overlay", OVERLAY, "--bootstrap", FIRST + ":6084",
             "--enrollment-server", "https://%s:%d/enroll" % (SERVER_NAME, HTTPS_PORT))
        for host, account in ((net.first, "peer1"), (net.second, "peer2")):
            (host.dir / "password").write_text("secret of %s\n" % account)
            (host.dir / "password").chmod(0o600)
            must(CERTS, "user", "add", "--dir", overlay, "--password-file", host.dir / "password", account)
        start_dns(server)
        serving = server.start(CERTS, "serve", "--dir", overlay, "--listen", "%s:%d" % (SERVER, HTTPS_PORT),
                               "--tls-name", SERVER_NAME)
        wait_until("listening server", lambda: (overlay / "tls-ca.pem").exists() and "ready" in serving.log.read_text())
        for host in (net.first, net.second):
            host.write_etc("resolv.conf", "nameserver %s\n" % SERVER)
            host.write_etc("ssl/certs/ca-certificates.crt", (overlay / "tls-ca.pem").read_text())

        first = join(net.first, "peer1", "--first-peer")
        says(first, "joined the overlay")
        second = join(net.second, "peer2")
        says(second, "joined the overlay")
        wait_until("ring of two", lambda: len(status(net.first).get("successors", [])) == 1 and
                   len(status(net.second).get("successors", [])) == 1)
        ids = {status(host)["node_id"] for host in (net.first, net.second)}
        check(len(ids) == 2, ids)

        # Killed and started again, with the servers gone: what it needs it has kept.
        second.kill()
        second.wait()
        serving.kill()
        serving.wait()
        again = join(net.second, "peer2")
        says(again, "joined the overlay", 60)
        check(status(net.second)["node_id"] in ids, "another Node-ID after the restart")


if __name__ == "__main__":
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("ip", "nsd", "curl")):
        print("skipped: bare_to_joined_test.py needs root, ip, nsd and curl")
        print("0 passed, 0 failed")
        sys.exit(0)
    kit.run([test_from_bare_to_joined])
