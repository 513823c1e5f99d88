#!/usr/bin/env python3
"""Two baresip phones at two peers call each other and hear each other, without a peer in the path of the audio.

Ends with the line `N passed, N failed`. Each phone plays a tone of its own from a file and records what it hears.
"""
import json
import math
import re
import socket
import struct
import subprocess
import time
import wave

import kit
from kit import check, wait_until

ARGS = kit.options(__doc__)
RATE = 8000
TALK_SECONDS = 20 if ARGS.full else 4
MODULES = ("g711", "aufile", "aubridge", "sndfile")
APP_MODULES = ("menu", "ctrl_tcp")


def write_tone(path, hertz, seconds=60):
    samples = (int(12000 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE * seconds))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def read_samples(path):
    with wave.open(str(path), "rb") as recorded:
        check((recorded.getframerate(), recorded.getsampwidth(), recorded.getnchannels()) == (RATE, 2, 1), path)
        data = recorded.readframes(recorded.getnframes())
    return struct.unpack("<%dh" % (len(data) // 2), data)


def strength(samples, hertz):
    """The part of the samples' energy that is at this frequency, 0 to 1 (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    energy = sum(sample * sample for sample in samples)
    return 2 * (one * one + two * two - turn * one * two) / (len(samples) * energy) if energy else 0.0


def udp_ports(pid):
    """The ports of the UDP sockets that a process has."""
    inodes = {}
    for line in open("/proc/net/udp"):
        words = line.split()
        if words[0] != "sl":
            inodes["socket:[%s]" % words[9]] = int(words[1].split(":")[1], 16)
    links = subprocess.run(["find", "/proc/%d/fd" % pid, "-type", "l", "-printf", "%l\n"], capture_output=True, text=True)
    return {inodes[link] for link in links.stdout.split() if link in inodes}


class Baresip:
    def __init__(self, bed, user, peer, hertz, transport):
        self.hertz = hertz
        self.dir = bed.scratch / ("baresip%d" % user)
        (self.dir / "heard").mkdir(parents=True)
        tone, control = self.dir / "tone.wav", bed.port()
        write_tone(tone, hertz)
        config = ["sip_listen 127.0.0.1:%d" % bed.port(), "ctrl_tcp_listen 127.0.0.1:%d" % control, "rtp_stats yes",
                  "rtp_ports %d-%d" % (kit.SIP_PORTS.stop - 100, kit.SIP_PORTS.stop - 1),
                  "audio_source aufile,%s" % tone, "audio_player aubridge,out", "audio_alert aubridge,out",
                  "snd_path %s" % (self.dir / "heard"), "module_path /usr/lib/baresip/modules"]
        config += ["module %s.so" % module for module in MODULES] + ["module_tmp account.so"]
        config += ["module_app %s.so" % module for module in APP_MODULES]
        (self.dir / "config").write_text("\n".join(config) + "\n")
        # The account as tools/run prints it, but for the transport.
        (self.dir / "accounts").write_text(
            '<sip:user%d@%s>;auth_pass=secret%d;outbound="sip:%s%s";answermode=auto\n' %
            (user, kit.DOMAIN, user, bed.sip(peer), transport))
        self.out = self.dir / "out"
        with open(self.out, "wb") as out:
            self.child = subprocess.Popen([*kit.WITH_PARENT, "baresip", "-4", "-s", "-n", "127.0.0.1", "-f", self.dir],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        bed.phones.append(self)
        wait_until("control port of baresip", lambda: not kit.is_free(control) or self.child.poll() is not None)
        self.control = socket.create_connection(("127.0.0.1", control))

    def command(self, word, parameters=""):
        text = json.dumps({"command": word, "params": parameters, "token": word}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

    def output(self):
        return self.out.read_text(errors="replace")

    def heard_from(self):
        """The ports that audio came from, by its own words."""
        return {int(port) for port in re.findall(r"receiving from 127.0.0.1:(\d+)", self.output())}

    def audio_ports(self):
        """Those ports of the SDP that went by which are this process's own."""
        return {int(port) for port in re.findall(r"m=audio (\d+) RTP", self.output())} & udp_ports(self.child.pid)

    def packets_received(self):
        found = re.search(r"packets:\s+\d+\s+(\d+)", self.output())
        return int(found[1]) if found else 0

    def recording(self):
        files = list((self.dir / "heard").glob("*-dec.wav"))
        check(len(files) == 1, "recordings:", files)
        return read_samples(files[0])

    def end(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def talk(bed, users, transport):
    phones = [Baresip(bed, user, peer, hertz, transport) for user, peer, hertz in zip(users, (0, 2), (440, 1000))]
    for phone in phones:
        wait_until("registered phone", lambda: "[1 binding]" in phone.output())
    check([bed.status(peer)["registrations"] for peer in range(3)] == [1, 0, 1], "registered elsewhere")

    caller, callee = phones
    started = time.monotonic()
    caller.command("dial", "sip:user%d@%s" % (users[1], kit.DOMAIN))
    for phone in phones:
        wait_until("established call", lambda: "Call established" in phone.output())
    took = time.monotonic() - started
    time.sleep(TALK_SECONDS)

    ports = [phone.audio_ports() for phone in phones]
    check(all(len(own) == 1 for own in ports), "audio sockets named in SDP:", ports)
    check([phone.heard_from() for phone in phones] == ports[::-1], "audio goes", ports, "and is heard from",
          [phone.heard_from() for phone in phones])
    for i, peer in enumerate(bed.children):
        check(udp_ports(peer.pid) == {bed.args.sip_port + 2 * i}, "peer", i, "has more UDP sockets than that of SIP")

    callee.command("hangup")
    for phone in phones:
        wait_until("end of the call", lambda: "packets:" in phone.output())
        phone.end()
    for phone, other in (phones, phones[::-1]):
        samples = phone.recording()
        theirs, own = strength(samples, other.hertz), strength(samples, phone.hertz)
        print("        heard %d RTP packets from the other's port, %.1f s of sound, %.0f %% of it the other's tone" %
              (phone.packets_received(), len(samples) / RATE, 100 * theirs))
        check(phone.packets_received() >= 45 * TALK_SECONDS, phone.packets_received(), "packets")
        check(len(samples) >= 0.9 * RATE * (TALK_SECONDS - 0.5), len(samples), "samples")
        check(theirs > 0.8 and own < 0.05, "tones: theirs", theirs, "own", own)
    print("        established %.2f s after dialling" % took)
    wait_until("end of the registrations", lambda: not any(bed.status(peer)["registrations"] for peer in range(3)))


def test_two_phones_talk_udp(bed):
    talk(bed, (0, 1), "")


def test_two_phones_talk_tcp(bed):
    talk(bed, (2, 3), ";transport=tcp")


if __name__ == "__main__":
    kit.run(kit.tests_of(globals()), ARGS.only, kit.Overlay(3, 4))
