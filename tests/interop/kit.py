"""What the tests with real processes share: an overlay of peers, sipp phones, waiting, and an end to all of it.

Everything started here ends with the test, also when the test fails or is killed: each child dies with its parent.
"""
import argparse
import atexit
import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import demo  # noqa: E402

SCENARIOS = ROOT / "tests" / "interop" / "sipp"
DOMAIN = "demo.example"
SIP_PORTS = range(21000, 22000)
ADMIN_PORTS = range(18100, 18200)
WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]


class Failed(AssertionError):
    pass


def check(condition, *seen):
    if not condition:
        raise Failed(" ".join(map(str, seen)))


def wait_until(what, condition, seconds=20.0, step=0.05):
    """Waits for a condition and gives the seconds that it took."""
    started = time.monotonic()
    while not condition():
        check(time.monotonic() - started < seconds, "no", what, "after", seconds, "s")
        time.sleep(step)
    return time.monotonic() - started


def is_free(port, address="127.0.0.1"):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
            except OSError:
                return False
    return True


def free_block(ports, size):
    """The first port of `size` free ones in a row."""
    run = 0
    for port in ports:
        run = run + 1 if is_free(port) else 0
        if run == size:
            return port - size + 1
    raise Failed("no %d free ports in %s" % (size, ports))


class Overlay(demo.Demo):
    """An overlay of demo peers; peer i takes phones at sip(i)."""

    def __init__(self, peers, users, settings=None, first_free_user=0, key_log=False):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="reload-interop-"))
        build = pathlib.Path(os.environ.get("RELOAD_BUILD", ROOT / "build" / "test"))
        sip = free_block(SIP_PORTS, 2 * peers)
        super().__init__(types.SimpleNamespace(
            peers=peers, users=users, dir=str(self.scratch / "overlay"), sip_port=sip,
            admin_port=free_block(ADMIN_PORTS, peers), overlay=DOMAIN, key_log=key_log, bin=str(build)))
        self.ports = iter(range(sip + 2 * peers, SIP_PORTS.stop))
        self.client = str(build / "client" / "reload-client")
        self.settings = settings or {}
        self.phones = []
        self.next_user = first_free_user

    def __enter__(self):
        try:
            self.configure(self.make())
            for i, changes in self.settings.items():
                path = self.dir / ("peer%d.json" % i)
                path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
            self.start(0)
            self.wait("first peer", lambda: self.ask(0, "/readyz") is not None)
            for i in range(1, self.args.peers):
                self.start(i)
            self.wait("consistent ring", self.ring_is_consistent)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *_):
        for phone in self.phones:
            phone.end()
        self.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    @contextlib.contextmanager
    def of_test(self):
        """No peer may end in a test."""
        yield self
        dead = [i for i in range(self.args.peers) if not self.alive(i)]
        check(not dead, "peers ended:", [(i, self.children[i].returncode, self.log_tail(i)) for i in dead])

    # Peers.

    def start(self, i):
        with open(self.dir / ("peer%d.log" % i), "ab") as log:
            child = subprocess.Popen([*WITH_PARENT, self.peer, "--config", str(self.dir / ("peer%d.json" % i))],
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if i < len(self.children):
            self.children[i] = child
        else:
            self.children.append(child)

    def kill(self, i):
        """SIGKILL, as when the machine under it dies."""
        self.children[i].kill()
        self.children[i].wait()

    def halt(self, i):
        """The peer falls silent and its connections stay open, as when its host loses power."""
        self.children[i].send_signal(signal.SIGSTOP)

    def resume(self, i):
        self.children[i].send_signal(signal.SIGCONT)

    def alive(self, i):
        return self.children[i].poll() is None

    def living(self):
        return [i for i in range(self.args.peers) if self.alive(i)]

    def sip(self, i):
        return "127.0.0.1:%d" % (self.args.sip_port + 2 * i)

    def status(self, i):
        body = self.ask(i, "/status")
        check(body is not None, "peer", i, "does not tell its status")
        return json.loads(body)

    def metrics(self, i):
        body = self.ask(i, "/metrics")
        check(body is not None, "peer", i, "has no metrics")
        lines = (line.split() for line in body.decode().splitlines() if line and not line.startswith("#"))
        return collections.defaultdict(float, {name: float(value) for name, value in lines})

    def metric(self, i, name):
        return self.metrics(i)[name]

    def ring_of_the_living_is_consistent(self):
        """Each living peer is ready and has the next living ones as first successor and predecessor."""
        answers = [self.ask(i, "/status") for i in self.living()]
        if None in answers:
            return False
        states = [json.loads(body) for body in answers]
        ring = sorted(state["node_id"] for state in states)
        for state in states:
            at = ring.index(state["node_id"])
            if not state["ready"] or state["successors"][:1] != [ring[(at + 1) % len(ring)]] or \
                    state["predecessors"][:1] != [ring[at - 1]]:
                return False
        return True

    def ring(self):
        """The living peers in the order of their Node-IDs."""
        return sorted(self.living(), key=lambda i: self.status(i)["node_id"])

    def port(self):
        return next(port for port in self.ports if is_free(port))

    def user(self):
        """A user that no test has used yet."""
        self.next_user += 1
        check(self.next_user <= self.args.users, "not enough users for all tests")
        return self.next_user - 1

    def log_tail(self, i, lines=10):
        text = (self.dir / ("peer%d.log" % i)).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    # Phones.

    def sipp(self, scenario, remote=None, **options):
        phone = Sipp(self, scenario, remote, **options)
        self.phones.append(phone)
        return phone

    def play(self, scenario, remote, **options):
        """Plays a scenario to its end; all its calls must succeed."""
        return self.sipp(scenario, remote, **options).succeed()


def name(user):
    return "user%d" % user


def secret(user):
    return "secret%d" % user


def contact(phone, user="phone"):
    return "<sip:%s@%s:%d%s>" % (user, phone.address, phone.port, ";transport=tcp" if phone.tcp else "")


def credentials(user):
    """A field of sipp's injection file: the answer to a challenge."""
    return "[authentication username=%s password=%s]" % (name(user), secret(user))


class Sipp:
    """One run of sipp. With `rows`, each call takes a line of them: user, credentials, callee."""

    def __init__(self, overlay, scenario, remote=None, *, calls=1, rate=50, tcp=False, port=None, address="127.0.0.1",
                 password=None, rows=None, edit=(), seconds=30, **keys):
        self.scenario, self.calls, self.tcp, self.address = scenario, calls, tcp, address
        self.port = port or overlay.port()
        self.listens = remote is None
        base = overlay.scratch / ("sipp-%d" % self.port)
        self.out = base.with_suffix(".out")
        text = (SCENARIOS / (scenario + ".xml")).read_text()
        if rows:
            for word, field in (("[user]", "[field0]"), ("[authentication]", "[field1]"), ("[callee]", "[field2]")):
                text = text.replace(word, field)
            base.with_suffix(".csv").write_text("SEQUENTIAL\n" + "".join(";".join(row) + "\n" for row in rows))
        for old, new in edit:
            check(old in text, "scenario", scenario, "holds no", old)
            text = text.replace(old, new)
        base.with_suffix(".xml").write_text(text)
        keys = {"user": "phone", "domain": DOMAIN, "from_domain": DOMAIN, **keys}
        command = [*WITH_PARENT, "sipp", "-sf", base.with_suffix(".xml"), "-i", address, "-p", self.port,
                   "-t", "t1" if tcp else "u1", "-m", calls, "-r", rate, "-l", 1000, "-nostdin",
                   "-timeout", "%ds" % seconds, "-timeout_error", "-recv_timeout", 15000]
        if rows:
            command += ["-inf", base.with_suffix(".csv")]
        if password is not None:
            command += ["-au", keys["user"], "-ap", password]
        for key, value in keys.items():
            command += ["-key", key, value]
        if remote:
            command.append(remote)
        with open(self.out, "wb") as out:
            self.child = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          cwd=overlay.scratch)
        if self.listens:
            wait_until("listening sipp", lambda: not is_free(self.port, address) or self.child.poll() is not None)

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def output(self):
        return self.out.read_text(errors="replace")

    def count(self, what):
        """Its own count of calls at the end: Successful or Failed."""
        found = re.findall(r"%s call\s*\|\s*\d+\s*\|\s*(\d+)" % what, self.output())
        return int(found[-1]) if found else 0

    def seconds(self):
        """How long all calls took, by its own clock."""
        found = re.findall(r"(\d+\.\d+) s +%d  " % self.calls, self.output())
        return float(found[-1]) if found else float("nan")

    def succeed(self):
        self.child.wait()
        check(self.child.returncode == 0, "sipp", self.scenario, "ended with", self.child.returncode, "\n",
              self.output().split("--- Statistics Screen")[0])
        return self


def options(description, *more):
    """`more`: further options, each the arguments of add_argument."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--full", action="store_true", help="the sizes of the acceptance test, not those of CI")
    parser.add_argument("--only", default="", metavar="TEXT", help="only tests whose name contains TEXT")
    for flag, rest in more:
        parser.add_argument(flag, **rest)
    return parser.parse_args()


def tests_of(names):
    """The tests among a module's globals(), in their order."""
    return [test for name, test in names.items() if name.startswith("test_")]


class Scratch:
    """A bed that is no more than an empty directory, another one for each test."""

    def __init__(self, prefix):
        self.prefix = prefix

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @contextlib.contextmanager
    def of_test(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix=self.prefix))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def run(tests, only="", bed=None):
    """Runs the tests in order, tells what each has shown, and ends the program."""
    run_groups([(bed, tests)], only)


def run_groups(groups, only=""):
    """The same for several beds, each with its tests. A test gets what the bed's of_test() gives, which looks after it
    too; without a bed nothing."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    passed = failed = 0
    for bed, tests in groups:
        chosen = [test for test in tests if only in test.__name__]
        if not chosen:
            continue
        with bed or contextlib.nullcontext():
            for test in chosen:
                started = time.monotonic()
                try:
                    if bed:
                        with bed.of_test() as given:
                            test(given)
                    else:
                        test()
                    passed += 1
                    verdict = "ok    "
                except (AssertionError, OSError, ValueError, LookupError, subprocess.SubprocessError):
                    failed += 1
                    verdict = "FAILED"
                    traceback.print_exc(file=sys.stdout)
                print("%s  %s (%.1f s)" % (verdict, test.__name__, time.monotonic() - started), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)
