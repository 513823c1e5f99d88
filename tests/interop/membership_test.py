#!/usr/bin/env python3
"""Calls and registrations go on while the overlay's membership changes: a new document, another authority, a revoked peer.

Five peers that enrol themselves and their users with `reload-certs serve`, four of them all users. While sipp calls,
phones register and every registered phone is looked for again and again, all certificates are rolled over to a new
authority, and one peer that serves nobody is revoked. No call, no REGISTER and no search may fail. Ends with the line
`N passed, N failed`.
"""
import itertools
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import kit
from kit import check, contact, name, secret, wait_until
from udp_phones import UdpPhones

ARGS = kit.options(__doc__, ("--users", {"type": int, "default": 0, "metavar": "N", "help": "how many (default 40, or 200)"}))
PEERS = 5
USERS = ARGS.users or (200 if ARGS.full else 40)
CALLS_PER_SECOND = 20 if ARGS.full else 10
MOST_SECONDS = 300 + USERS  # that sipp may call
RENEWING_SECONDS = 120 + USERS  # that the enrolment server may need for all
WITHIN = 5.0
HTTPS_PORTS = range(22500, 22600)
OUTCAST = 4  # is revoked in the end
HOSTS = [0, 1, 2, 3]
EVERY_PEER = {i: {"stranger-rate": 100000, "register-rate": 100000} for i in range(PEERS)}


class Asking:
    """One request after the other, each user's in turn, all to be answered with 200."""

    def __init__(self, ask):
        self.ask, self.refused, self.count = ask, [], 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        users = itertools.cycle(range(USERS))
        while not self.ending.wait(0.05):
            user = next(users)
            status = self.ask(user)
            self.count += 1
            if status != 200:
                self.refused.append((user, status, time.monotonic()))

    def stop(self):
        self.ending.set()
        self.thread.join()


class Bed(kit.Overlay):
    def make(self):
        ports = super().make()
        # What the demo has issued is not used here: all get their certificates from the server.
        records = self.dir / "issued.jsonl"
        records.write_text("".join(line for line in records.read_text().splitlines(True) if "config-signer@" in line))
        self.https = kit.free_block(HTTPS_PORTS, 1)
        self.certs_tool("config", "set", "--dir", self.dir, "--no-push", "--add",
                        "enrollment-server=https://127.0.0.1:%d/enroll" % self.https)
        for i in range(PEERS):
            self.password(i).write_text("password of peer %d\n" % i)
            self.password(i).chmod(0o600)
            self.certs_tool("user", "add", "--dir", self.dir, "--password-file", self.password(i), "--host", "user*@" + kit.DOMAIN,
                            "peer%d" % i)
        accounts = self.dir / "accounts.csv"
        accounts.write_text("".join("%s,%s\n" % (name(user), secret(user)) for user in range(USERS + 2)))
        self.certs_tool("user", "import", "--dir", self.dir, accounts)
        with open(self.dir / "serve.log", "wb") as log:
            self.server = subprocess.Popen(
                [*kit.WITH_PARENT, self.certs, "serve", "--dir", str(self.dir), "--listen", "127.0.0.1:%d" % self.https],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("listening server", lambda: "ready" in (self.dir / "serve.log").read_text())
        (self.dir / "users").write_text("".join(name(user) + "\n" for user in range(USERS + 2)))
        # Each has a document of its own: what they learn they learn from each other.
        for i in range(PEERS):
            shutil.copy(self.dir / "overlay.xml", self.dir / ("overlay%d.xml" % i))
        return ports

    def configure(self, ports):
        for i in range(PEERS):
            changes = self.settings.setdefault(i, {})
            changes.update({
                "overlay-config": str(self.dir / ("overlay%d.xml" % i)), "enroll-user": "peer%d" % i,
                "enroll-password-file": str(self.password(i)), "enroll-device": "d%d" % i,
                "tls-ca": str(self.dir / "tls-ca.pem")})
            if i in HOSTS:
                changes["host-users"] = str(self.dir / "users")
        super().configure(ports)
        for i in range(PEERS):
            path = self.dir / ("peer%d.json" % i)
            settings = kit.json.loads(path.read_text())
            for option in ("credential", "users"):
                settings.pop(option, None)
            if i not in HOSTS:
                for option in ("sip-listen", "passwords"):
                    settings.pop(option, None)
            path.write_text(kit.json.dumps(settings))

    def __enter__(self):
        super().__enter__()
        self.udp = UdpPhones()
        self.phones.append(self.udp)
        wait_until("credentials of all hosted users",
                   lambda: all(self.hosted(i) == USERS + 2 for i in HOSTS), RENEWING_SECONDS)
        self.begin_load()
        return self

    def __exit__(self, *problem):
        for asking in getattr(self, "asking", ()):
            asking.stop()
        super().__exit__(*problem)
        if getattr(self, "server", None):
            self.server.kill()
            self.server.wait()

    def begin_load(self):
        caller, callee = USERS, USERS + 1
        most = MOST_SECONDS * CALLS_PER_SECOND
        self.answering = self.sipp("answer", calls=most, seconds=MOST_SECONDS + 30)
        wait_until("registered phone", lambda: self.registers(callee, self.answering), 30)
        self.calling = self.sipp("call", self.sip(0), calls=most, rate=CALLS_PER_SECOND, user=name(caller),
                                 password=secret(caller), callee=name(callee), seconds=MOST_SECONDS + 30)
        for user in range(USERS):
            wait_until("registration of user %d" % user, lambda: self.registration(user) == 200, 10)
        self.asking = [Asking(lambda user: self.udp.register(user, self.home(user))),
                       Asking(lambda user: self.udp.reach(user, self.home(user + 1)))]

    def registration(self, user):
        """200, or 503 in the moment until the registrar knows of the user's credential: its phone comes again."""
        status = self.udp.register(user, self.home(user))
        check(status in (200, 503), "user", user, "is refused with", status)
        return status

    def home(self, user):
        return self.sip(HOSTS[user % len(HOSTS)])

    def registers(self, user, phone):
        """Whether it could; sipp minds an answer that comes twice, as while the peers still store certificates."""
        try:
            self.play("register", self.sip(3), user=name(user), password=secret(user), expires=3600,
                      contact=contact(phone, name(user)))
        except kit.Failed:
            return False
        return True

    def end_load(self):
        for asking in self.asking:
            asking.stop()
        self.calling.child.send_signal(signal.SIGUSR1)  # no new calls, and the end when those under way are over
        self.calling.child.wait(60)
        return self.calling.count("Successful"), self.calling.count("Failed")

    def password(self, i):
        return self.dir / ("peer%d.password" % i)

    def log_of(self, i):
        return (self.dir / ("peer%d.log" % i)).read_text(errors="replace")

    def hosted(self, i):
        return self.status(i)["hosted_users"]

    def certs_tool(self, *words):
        done = subprocess.run([self.certs, *map(str, words)], capture_output=True, text=True, timeout=120)
        check(done.returncode == 0, "reload-certs", *words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def push(self, *words):
        """A change by reload-certs, told to peer 0 alone; the seconds until all have it."""
        peer = kit.json.loads((self.dir / "peer0.json").read_text())["listen"]
        before = {i: self.status(i)["configuration_sequence"] for i in self.living()}
        self.certs_tool(*words, "--push", peer)
        return wait_until("new document at all", lambda: all(
            self.status(i)["configuration_sequence"] > before[i] for i in before), WITHIN)


def test_a_new_document_reaches_all(bed):
    took = bed.push("config", "set", "--dir", bed.dir, "chord-ping-interval=1800")
    print("        all %d peers had it after %.2f s" % (PEERS, took))


def test_all_certificates_and_the_authority_are_rolled_over(bed):
    renewed = {i: bed.status(i)["credential_renewals"] for i in range(PEERS)}
    took = bed.push("roll-ca", "--dir", bed.dir)
    members = wait_until("renewed credentials of all peers", lambda: all(
        bed.status(i)["credential_renewals"] > renewed[i] for i in renewed), 60)

    def finish():
        done = subprocess.run([bed.certs, "roll-ca", "--dir", str(bed.dir), "--finish", "--push",
                               kit.json.loads((bed.dir / "peer0.json").read_text())["listen"]],
                              capture_output=True, text=True, timeout=60)
        said.append(done.stdout + done.stderr)
        return done.returncode == 0

    def all_renewed():
        return finish() or "a certificate of the old authority only" not in said[-1]

    said = []
    try:
        users = wait_until("certificates of the new authority for all", all_renewed, RENEWING_SECONDS, step=1)
        check("renewed its certificate only now" in said[-1], "the old authority is not kept until all is stored again")
        wait_until("end of the change", finish, 60, step=1)
    except kit.Failed:
        print(said[-1])
        raise
    print("        the new authority was known everywhere after %.2f s, all peers had certificates of it after %.1f s, "
          "all %d x %d hosted users after %.1f s; the old one is dropped" %
          (took, took + members, len(HOSTS), USERS + 2, took + members + users))
    newest = max(bed.status(i)["configuration_sequence"] for i in bed.living())
    wait_until("last document at all", lambda: all(
        bed.status(i)["configuration_sequence"] == newest for i in bed.living()), WITHIN)


def test_a_revoked_peer_is_out(bed):
    revoked = bed.status(OUTCAST)["node_id"]
    others = [i for i in bed.living() if i != OUTCAST]
    peer = kit.json.loads((bed.dir / "peer0.json").read_text())["listen"]
    began = time.monotonic()
    bed.certs_tool("revoke", "--dir", bed.dir, "--node-id", revoked, "--push", peer)

    def is_out():
        states = [bed.status(i) for i in others]
        return all(revoked not in state["successors"] + state["predecessors"] and
                   revoked not in [link["node_id"] for link in state["links"]] for state in states)

    wait_until("table without the revoked peer", is_out, WITHIN)
    print("        out of all tables %.2f s after the command began" % (time.monotonic() - began))
    bed.children[OUTCAST].kill()
    bed.children[OUTCAST].wait()
    bed.start(OUTCAST)
    wait_until("complaint of the revoked peer that is started again",
               lambda: "no way into the overlay" in bed.log_of(OUTCAST), 30)
    check(is_out(), "the revoked peer came back")


def test_nothing_failed_meanwhile(bed):
    done = [asking.count for asking in bed.asking]
    wait_until("more of all after the last change",
               lambda: all(asking.count >= n + USERS + 20 for asking, n in zip(bed.asking, done)), 60 + USERS)
    calls, failed = bed.end_load()
    registering, seeking = bed.asking
    print("        %d calls, %d REGISTERs and %d searches meanwhile" % (calls, registering.count, seeking.count))
    check(failed == 0, failed, "of", calls + failed, "calls failed")
    check(not registering.refused, len(registering.refused), "REGISTERs were refused:", registering.refused[:5])
    check(not seeking.refused, len(seeking.refused), "registered phones were not reached:", seeking.refused[:5])
    check(min(calls, registering.count, seeking.count) > 50, "the load was too small")


TESTS = [test_a_new_document_reaches_all, test_all_certificates_and_the_authority_are_rolled_over,
         test_a_revoked_peer_is_out, test_nothing_failed_meanwhile]

if __name__ == "__main__":
    kit.run(TESTS, ARGS.only, Bed(PEERS, USERS + 2, EVERY_PEER, first_free_user=USERS))
