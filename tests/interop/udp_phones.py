"""Thousands of SIP phones on one UDP socket, in one thread of their own: they register, answer, and look for others.

For what sipp cannot tell: when each of many registrations is found again.
"""
import hashlib
import re
import secrets
import socket
import threading
import time

from kit import DOMAIN, name, secret

T1 = 0.5


class Answer:
    """What a request comes to: a status, 0 when nothing came."""

    def __init__(self):
        self.done = threading.Event()
        self.status = 0
        self.headers = ""


class UdpPhones:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.waiting = {}
        self.reached = {}  # for each user, how many requests have reached its phone
        self.lock = threading.Lock()
        self.ending = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def end(self):
        self.ending = True
        self.socket.close()

    def run(self):
        while not self.ending:
            try:
                data, source = self.socket.recvfrom(65535)
            except OSError:
                continue  # an ICMP error of a peer that was killed, or the end
            text = data.decode(errors="replace")
            if text.startswith("SIP/2.0 "):
                self.take_answer(text)
            elif not text.startswith("ACK "):
                self.take_request(text, source)

    def take_answer(self, text):
        status = int(text[8:11])
        branch = re.search(r"branch=([^;\s,]+)", text)
        waiting = self.waiting.get(branch[1]) if branch else None
        if waiting and status >= 200 and not waiting.done.is_set():
            waiting.status, waiting.headers = status, text
            waiting.done.set()

    def take_request(self, text, source):
        user = re.match(r"\w+ sip:([^@;]+)@", text)
        with self.lock:
            self.reached[user[1]] = self.reached.get(user[1], 0) + 1
        lines = text.split("\r\n\r\n")[0].split("\r\n")[1:]
        kept = [line for line in lines if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
        answer = ["SIP/2.0 200 OK"] + [line + ";tag=phone" if line.startswith("To:") and "tag=" not in line else line
                                       for line in kept] + ["Content-Length: 0", "", ""]
        self.send("\r\n".join(answer), source)

    def send(self, text, where):
        try:
            self.socket.sendto(text.encode(), where)
        except OSError:
            pass  # as if lost

    def ask(self, method, target, sender, to, peer, headers=(), call_id=None, cseq=1, seconds=20.0):
        """Sends a request with repeats as UDP wants them, and waits for its final answer."""
        branch = "z9hG4bK" + secrets.token_hex(8)
        lines = ["%s %s SIP/2.0" % (method, target), "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=%s" % (self.port, branch),
                 "Max-Forwards: 70", "From: <%s>;tag=%s" % (sender, branch[-8:]), "To: <%s>" % to,
                 "Call-ID: %s" % (call_id or branch), "CSeq: %d %s" % (cseq, method), *headers, "Content-Length: 0", "", ""]
        answer = self.waiting[branch] = Answer()
        where = (peer.split(":")[0], int(peer.split(":")[1]))
        ends, repeat = time.monotonic() + seconds, T1
        while time.monotonic() < ends and not answer.done.is_set():
            self.send("\r\n".join(lines), where)
            answer.done.wait(min(repeat, max(0.0, ends - time.monotonic())))
            repeat = min(2 * repeat, 4.0)
        del self.waiting[branch]
        return answer

    def register(self, user, peer, expires=600, algorithm="MD5"):
        """The final status of a registration with the user's password."""
        aor = "sip:%s@%s" % (name(user), DOMAIN)
        uri = "sip:" + DOMAIN
        call_id = secrets.token_hex(8)
        headers = ["Contact: <sip:%s@127.0.0.1:%d>" % (name(user), self.port), "Expires: %d" % expires]
        first = self.ask("REGISTER", uri, aor, aor, peer, headers, call_id, 1)
        offers = [line for line in first.headers.split("\r\n")
                  if line.startswith("WWW-Authenticate:") and "algorithm=" + algorithm in line]
        if first.status != 401 or not offers:
            return first.status
        nonce = re.search(r'nonce="([^"]+)"', offers[0])[1]

        def digest(text):
            return (hashlib.sha256 if algorithm == "SHA-256" else hashlib.md5)(text.encode()).hexdigest()

        response = digest("%s:%s:00000001:c:auth:%s" % (
            digest("%s:%s:%s" % (name(user), DOMAIN, secret(user))), nonce, digest("REGISTER:" + uri)))
        headers.append('Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", '
                       'algorithm=%s, qop=auth, nc=00000001, cnonce="c"' %
                       (name(user), DOMAIN, nonce, uri, response, algorithm))
        return self.ask("REGISTER", uri, aor, aor, peer, headers, call_id, 2).status

    def reach(self, user, peer, seconds=20.0):
        """Asks from another domain, through a peer, for a user's phone: the final status, 200 when it has answered."""
        aor = "sip:%s@%s" % (name(user), DOMAIN)
        return self.ask("OPTIONS", aor, "sip:seeker@elsewhere.example", aor, peer, seconds=seconds).status
