#!/usr/bin/env python3
"""What a REGISTER and a call cost each peer that has a part in them.

An overlay of seven peers on loopback; users whose Resource-IDs fall on one peer (responsible), whose replicas are the
next two in the ring, register at another (serving). Callers are at a third (calling). Messages to the responsible peer
pass the one before it in the ring (forwarding); the last has no part (uninvolved). Each operation is done many times,
one kind after the other, and what every process used is read before and after: CPU time of all its threads from /proc;
signatures, RELOAD messages, their bytes, and bytes of SIP between peers from its /metrics. What the idle overlay uses
in the same time, measured in the same run, is taken off. Printed are figures per operation, medians over the runs.
The slower the pace, the more of the CPU time is waking up for one message: name the pace with the figures.

  first    REGISTER of a phone that was not registered: a challenge, the answer, a Store with two replicas
  refresh  REGISTER again with the nonce at hand; a Store follows only once in 50 to 80 % of the registration's lifetime
  remove   REGISTER with Expires 0: a removal is stored
  call     INVITE, challenge, INVITE, 100, 180, 200, ACK, BYE, 200, to a phone at the serving peer

Needs the programs in $RELOAD_BUILD, by default build/release, and sipp. `meson setup build/release
--buildtype=release && ninja -C build/release` makes them.
"""
import argparse
import hashlib
import os
import pathlib
import re
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
import kit  # noqa: E402

PEERS = 7
ROLES = ("serving", "responsible", "replica 1", "replica 2", "calling", "forwarding", "uninvolved")
METRICS = {
    "signed": "reload_signatures_made_total",
    "checked": "reload_signatures_checked_total",
    "msgs out": "reload_frames_sent_total",
    "msgs in": "reload_frames_received_total",
    "bytes out": "reload_bytes_sent_total",
    "bytes in": "reload_bytes_received_total",
    "sip out": "reload_sip_pipe_bytes_sent_total",
    "sip in": "reload_sip_pipe_bytes_received_total",
}
COLUMNS = ("cpu us", *METRICS)
# CPU at the server, measured with sipp on 2-core machines: Kamailio 5.6, and sofia-sip alone through its transactions.
REFERENCE = {"first": ("a new REGISTER at Kamailio", 39),
             "refresh": ("a refreshing REGISTER at Kamailio and at sofia-sip alone", 20),
             "call": ("a stateful call at Kamailio", 237)}


def resource(user):
    return hashlib.sha1(("%s@%s" % (kit.name(user), kit.DOMAIN)).encode()).hexdigest()[:32]


def users_for(operations):
    """So many that as many as there are operations fall on one of the peers, and one to call them."""
    return PEERS * operations + 1


def cpu_us(pid):
    """The CPU time of all threads of a process."""
    total = 0
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1000


def read(bed):
    """What each peer has used so far, and when this was."""
    used = []
    for peer in range(PEERS):
        metrics = bed.metrics(peer)
        used.append({"cpu us": cpu_us(bed.children[peer].pid),
                     **{column: metrics[name] for column, name in METRICS.items()}})
    return used, time.monotonic()


class Phones:
    """Phones by UDP at one peer, all with one socket: REGISTERs with digest, some at once."""

    def __init__(self, address, contact_port, at_once):
        host, port = address.split(":")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect((host, int(port)))
        self.socket.settimeout(15)
        self.port = self.socket.getsockname()[1]
        self.contact_port, self.at_once = contact_port, at_once
        self.cseq = 0
        self.nonces = {}

    def register(self, users, expires, status, authorize):
        """Sends a REGISTER for each user and gives their final answers, which must have the status."""
        waiting = {}
        for user in users:
            self.cseq += 1
            request = ("REGISTER sip:{d} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{p};branch=z9hG4bK{c}\r\n"
                       "Max-Forwards: 70\r\nFrom: <sip:{u}@{d}>;tag={c}\r\nTo: <sip:{u}@{d}>\r\nCall-ID: {u}.{p}\r\n"
                       "CSeq: {c} REGISTER\r\nContact: <sip:{u}@127.0.0.1:{cp}>\r\nExpires: {e}\r\n{a}"
                       "Content-Length: 0\r\n\r\n").format(
                           d=kit.DOMAIN, p=self.port, c=self.cseq, u=kit.name(user), cp=self.contact_port, e=expires,
                           a=self.authorization(user) if authorize else "")
            waiting[self.cseq] = user
            self.socket.send(request.encode())
        answers = {}
        while waiting:
            answer = self.socket.recv(65536).decode()
            if answer.startswith("SIP/2.0 100"):
                continue
            user = waiting.pop(int(re.search(r"CSeq: (\d+)", answer)[1]), None)
            kit.check(answer.startswith("SIP/2.0 %d" % status), answer)
            answers[user] = answer
        return answers

    def authorization(self, user):
        nonce, count = self.nonces[user]
        self.nonces[user] = (nonce, count + 1)
        name, uri = kit.name(user), "sip:" + kit.DOMAIN
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
        ha1 = md5("%s:%s:%s" % (name, kit.DOMAIN, kit.secret(user)))
        response = md5("%s:%s:%08x:c:auth:%s" % (ha1, nonce, count, md5("REGISTER:" + uri)))
        return ('Authorization: Digest username="%s",realm="%s",nonce="%s",uri="%s",response="%s",algorithm=MD5,'
                'cnonce="c",qop=auth,nc=%08x\r\n') % (name, kit.DOMAIN, nonce, uri, response, count)

    def first(self, users):
        for user, answer in self.register(users, 3600, 401, authorize=False).items():
            self.nonces[user] = (re.search(r'nonce="([^"]+)"', answer)[1], 1)
        self.refresh(users)

    def refresh(self, users):
        self.register(users, 3600, 200, authorize=True)

    def remove(self, users):
        self.register(users, 0, 200, authorize=True)

    def each(self, users, do):
        for i in range(0, len(users), self.at_once):
            do(users[i:i + self.at_once])


class Bench:
    def __init__(self, bed, args):
        self.bed, self.args = bed, args
        nodes = [bed.status(peer)["node_id"] for peer in range(PEERS)]
        ring = sorted(range(PEERS), key=lambda peer: nodes[peer])
        in_charge = lambda point: next((peer for peer in ring if nodes[peer] >= point), ring[0])
        groups = {peer: [] for peer in ring}
        for user in range(1, users_for(args.operations)):
            groups[in_charge(resource(user))].append(user)
        responsible = max(ring, key=lambda peer: len(groups[peer]))
        at = ring.index(responsible)
        order = [ring[(at + step) % PEERS] for step in range(PEERS)]
        self.peers = dict(zip(ROLES, (order[3], order[0], order[1], order[2], order[4], order[6], order[5])))
        self.users = groups[responsible][:args.operations]
        self.rows = {}
        self.idle = None

    def measure(self, what, operations, do):
        before, started = read(self.bed)
        do()
        time.sleep(self.args.settle)  # replication, and the last acknowledgements
        after, ended = read(self.bed)
        for role, peer in self.peers.items():
            used = {column: after[peer][column] - before[peer][column] for column in COLUMNS}
            if self.idle:
                used = {column: (used[column] - self.idle[role][column] * (ended - started)) / operations
                        for column in COLUMNS}
            else:
                used = {column: used[column] / (ended - started) for column in COLUMNS}
            self.rows.setdefault((what, role), []).append(used)
        print("  %s: %.1f s" % (what, ended - started), file=sys.stderr, flush=True)

    def run(self):
        bed, args = self.bed, self.args
        serving, calling = bed.sip(self.peers["serving"]), bed.sip(self.peers["calling"])
        # Once, before anything was done: SIP transactions live on for half a minute and would count as idling.
        self.measure("idle", 1, lambda: time.sleep(args.idle))
        self.idle = {role: self.rows["idle", role][0] for role in ROLES}
        for _ in range(args.runs):
            answering = bed.sipp("answer", calls=args.operations + 1, user="phone", seconds=600)
            phones = Phones(serving, answering.port, args.at_once)
            self.measure("first", args.operations, lambda: phones.each(self.users, phones.first))
            self.measure("refresh", args.operations, lambda: phones.each(self.users, phones.refresh))
            calls = [(kit.name(0), kit.credentials(0), kit.name(user)) for user in self.users]
            bed.play("call", calling, rows=calls[:1], seconds=60)  # the peers get their connection to each other
            self.measure("call", args.operations, lambda: bed.play("call", calling, calls=args.operations, rows=calls,
                                                                   rate=args.call_rate, seconds=600))
            answering.end()
            self.measure("remove", args.operations, lambda: phones.each(self.users, phones.remove))

    def median(self, what, role, column):
        return statistics.median(row[column] for row in self.rows[what, role])

    def tell(self):
        print("%d peers, %d operations a run, %d runs; per operation (idle: per second), medians" %
              (PEERS, self.args.operations, self.args.runs))
        print(("%-9s%-13s" + "%11s" * len(COLUMNS)) % ("", "", *COLUMNS))
        for what in ("idle", "first", "refresh", "call", "remove"):
            for role in ROLES:
                figures = [self.median(what, role, column) for column in COLUMNS]
                print(("%-9s%-13s" + "%11.1f" * len(COLUMNS)) % (what, role, *figures))
            if what in REFERENCE:
                name, reference = REFERENCE[what]
                serving = self.median(what, "serving", "cpu us")
                everyone = sum(self.median(what, role, "cpu us") for role in ROLES)
                print("         the serving peer takes %.1f times, all peers take %.1f times the %d us of %s" %
                      (serving / reference, everyone / reference, reference, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=500, help="of each kind in a run (default 500)")
    parser.add_argument("--runs", type=int, default=3, help="how often all is done (default 3)")
    parser.add_argument("--at-once", type=int, default=10, help="REGISTERs that wait for their answers (default 10)")
    parser.add_argument("--call-rate", type=int, default=100, help="calls a second (default 100)")
    parser.add_argument("--idle", type=float, default=10, help="seconds of idling to take off (default 10)")
    parser.add_argument("--settle", type=float, default=1, help="seconds of waiting after each kind (default 1)")
    args = parser.parse_args()
    os.environ.setdefault("RELOAD_BUILD", str(kit.ROOT / "build" / "release"))
    with kit.Overlay(PEERS, users_for(args.operations)) as bed:
        bench = Bench(bed, args)
        bench.run()
        bench.tell()


if __name__ == "__main__":
    main()
