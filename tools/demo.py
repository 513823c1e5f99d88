#!/usr/bin/env python3
"""Makes a demo overlay in a directory and runs its peers on loopback until SIGINT or SIGTERM.

Peer i takes phones at 127.0.0.1:P+2i (UDP and TCP) and tells of itself at http://127.0.0.1:A+i/status. The users are
user0 ... user(N-1), their passwords secret0 ...; each of them may register at any peer.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

START_SECONDS = 60
STOP_SECONDS = 15


def options():
    parser = argparse.ArgumentParser(prog="tools/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=int, default=3, metavar="N", help="how many peers (default 3)")
    parser.add_argument("--users", type=int, default=10, metavar="N", help="how many users (default 10)")
    parser.add_argument("--dir", default="./var/demo", metavar="DIR",
                        help="where the overlay lives; kept and used again when it exists (default ./var/demo)")
    parser.add_argument("--sip-port", type=int, default=5060, metavar="P", help="SIP port of peer 0 (default 5060)")
    parser.add_argument("--admin-port", type=int, default=8080, metavar="A",
                        help="admin HTTP port of peer 0 (default 8080)")
    parser.add_argument("--overlay", default="demo.example", metavar="NAME",
                        help="name of the overlay (default demo.example)")
    parser.add_argument("--key-log", action="store_true",
                        help="write the TLS secrets of all peers to DIR/keys.log, to decrypt captures")
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not 1 <= args.peers <= 50:
        parser.error("--peers must be 1 to 50")
    if not 0 <= args.users <= 100000:
        parser.error("--users must be 0 to 100000")
    if args.sip_port + 2 * args.peers > 65535 or args.admin_port + args.peers > 65535:
        parser.error("--sip-port or --admin-port is too high for so many peers")
    return args


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for sock in held:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports


class Demo:
    def __init__(self, args):
        self.args = args
        self.dir = pathlib.Path(args.dir)
        self.peer = str(pathlib.Path(args.bin) / "peer" / "reload-peer")
        self.certs = str(pathlib.Path(args.bin) / "certs" / "reload-certs")
        self.children = []

    def tool(self, *words):
        result = subprocess.run([self.certs, *map(str, words)], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit("reload-certs %s: %s" % (words[0], (result.stderr or result.stdout).strip()))

    def make(self):
        """The directory's overlay; what is there already is used as it is."""
        described = self.dir / "demo.json"
        wanted = {"peers": self.args.peers, "users": self.args.users, "overlay": self.args.overlay}
        if described.exists():
            made = json.loads(described.read_text())
            for key, value in wanted.items():
                if made[key] != value:
                    sys.exit("%s holds a demo with --%s %s; name another --dir, or remove it" % (self.dir, key, made[key]))
            return made["ports"]
        if self.dir.exists() and any(self.dir.iterdir()):
            sys.exit("%s is not empty and holds no demo: name another --dir, or remove it" % self.dir)
        self.dir.mkdir(parents=True, exist_ok=True)
        ports = free_ports(self.args.peers)
        say("making the overlay %s in %s" % (self.args.overlay, self.dir))
        self.tool("init", "--dir", self.dir, "--overlay", self.args.overlay,
                  *sum((["--bootstrap", "127.0.0.1:%d" % port] for port in ports), []))
        users = self.dir / "users.csv"
        descriptor = os.open(users, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            for i in range(self.args.users):
                out.write("user%d@%s,secret%d\n" % (i, self.args.overlay, i))
        for i in range(self.args.peers):
            self.tool("issue", "--dir", self.dir, "--node", "--user", "peer%d@%s" % (i, self.args.overlay),
                      "--out", self.dir / ("peer%d.pem" % i))
            # Each peer has credentials of its own for every user: the Node-ID in them is the key of the registration
            # that this peer stores for the user (RFC 7904 section 7).
            if self.args.users:
                self.tool("issue", "--dir", self.dir, "--users", users, "--out", self.dir / ("users%d.pem" % i),
                          "--passwords", self.dir / ("users%d.passwd" % i))
        users.unlink()
        described.write_text(json.dumps({**wanted, "ports": ports}) + "\n")
        return ports

    def configure(self, ports):
        for i, port in enumerate(ports):
            settings = {
                "overlay-config": str(self.dir / "overlay.xml"),
                "credential": str(self.dir / ("peer%d.pem" % i)),
                "data": str(self.dir / ("data%d" % i)),
                "listen": "127.0.0.1:%d" % port,
                "first-peer": i == 0,
                "admin": "127.0.0.1:%d" % (self.args.admin_port + i),
            }
            if self.args.users:
                settings["sip-listen"] = ["127.0.0.1:%d" % (self.args.sip_port + 2 * i)]
                settings["users"] = str(self.dir / ("users%d.pem" % i))
                settings["passwords"] = str(self.dir / ("users%d.passwd" % i))
            if self.args.key_log:
                settings["key-log"] = str(self.dir / "keys.log")
            (self.dir / ("peer%d.json" % i)).write_text(json.dumps(settings, indent=2) + "\n")

    def start(self, i):
        with open(self.dir / ("peer%d.log" % i), "ab") as log:
            child = subprocess.Popen([self.peer, "--config", str(self.dir / ("peer%d.json" % i))], stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True)
        self.children.append(child)

    def ask(self, i, path):
        """The answer's body, or None while there is none or the peer says it is not ready."""
        url = "http://127.0.0.1:%d%s" % (self.args.admin_port + i, path)
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read()
        except (urllib.error.URLError, OSError):
            return None

    def wait(self, what, condition):
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            for i, child in enumerate(self.children):
                if child.poll() is not None:
                    last = (self.dir / ("peer%d.log" % i)).read_text(errors="replace").strip().splitlines()[-1:]
                    raise SystemExit("peer %d ended: %s" % (i, last[0] if last else "see its log"))
            if time.monotonic() > deadline:
                raise SystemExit("no %s after %d s; see %s/peer*.log" % (what, START_SECONDS, self.dir))
            time.sleep(0.05)

    def ring_is_consistent(self):
        states = []
        for i in range(self.args.peers):
            if self.ask(i, "/readyz") is None:
                return False
            body = self.ask(i, "/status")
            if body is None:
                return False
            states.append(json.loads(body))
        ring = sorted(state["node_id"] for state in states)
        size = len(ring)
        for state in states:
            at = ring.index(state["node_id"])
            if size > 1 and (state["successors"][:1] != [ring[(at + 1) % size]] or
                             state["predecessors"][:1] != [ring[at - 1]]):
                return False
        return True

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def explain(self):
        sip, users = self.args.sip_port, self.args.users
        print("\n%d peers of %s. Register a phone at any of them:" % (self.args.peers, self.args.overlay))
        for i in range(self.args.peers):
            print("  peer %d: SIP 127.0.0.1:%d (UDP, TCP)  http://127.0.0.1:%d/status" %
                  (i, sip + 2 * i, self.args.admin_port + i))
        if users >= 2:
            other = sip + 2 * min(1, self.args.peers - 1)
            print("\nTwo phones at two peers, with baresip (apt-get install baresip-core); one in each terminal:")
            for user, port in ((0, sip), (1, other)):
                print("  mkdir -p /tmp/phone%d && echo '<sip:user%d@%s>;auth_pass=secret%d;outbound=\"sip:127.0.0.1:%d\"' "
                      "> /tmp/phone%d/accounts && baresip -f /tmp/phone%d" %
                      (user, user, self.args.overlay, user, port, user, user))
            print("Then type into the first:  /dial sip:user1@%s" % self.args.overlay)
        client = pathlib.Path(self.args.bin) / "client" / "reload-client"
        print("\nLook into the overlay as a client of it:")
        print("  %s issue --dir %s --node --out %s/client.pem" % (self.certs, self.dir, self.dir))
        print("  %s --overlay-config %s/overlay.xml --credential %s/client.pem resolve user0@%s" %
              (client, self.dir, self.dir, self.args.overlay))
        print("\nEnd all of them with Ctrl-C.", flush=True)


def main():
    args = options()
    demo = Demo(args)
    demo.configure(demo.make())

    def end(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        demo.start(0)
        demo.wait("first peer", lambda: demo.ask(0, "/readyz") is not None)
        for i in range(1, args.peers):
            demo.start(i)
        demo.wait("consistent ring", demo.ring_is_consistent)
        print("ready", flush=True)
        demo.explain()
        reported = set()
        while True:
            for i, child in enumerate(demo.children):
                if child.poll() is not None and i not in reported:
                    reported.add(i)
                    say("peer %d ended (%d); start it again with: %s --config %s/peer%d.json" %
                        (i, child.returncode, demo.peer, demo.dir, i))
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("ending")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.stop()


if __name__ == "__main__":
    main()
