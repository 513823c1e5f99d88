#!/usr/bin/env python3
"""reload-certs against OpenSSL's and libxml2's programs, and against wrong use.

Runs the programs of the build in $RELOAD_BUILD. Ends with the line `N passed, N failed`.
"""

import hashlib
import itertools
import json
import os
import pwd
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(os.environ["RELOAD_BUILD"]).resolve() / "certs" / "reload-certs"
OVERLAY = "demo.example"
PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\n.*?-----END \1-----\n", re.S)


def run(*args, stdin=None, **options):
    return subprocess.run([str(a) for a in args], input=stdin, capture_output=True, text=True, check=False, **options)


def certs(*args, **options):
    return run(PROGRAM, *args, **options)


def make_overlay(base, *args):
    directory = base / "overlay"
    done = certs("init", "--dir", directory, "--overlay", OVERLAY, "--bootstrap", "127.0.0.1:6084", *args)
    assert done.returncode == 0, done.stderr
    return directory


def issue(directory, *args):
    done = certs("issue", "--dir", directory, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def blocks(path, label):
    return [m.group(0) for m in PEM.finditer(Path(path).read_text()) if m.group(1) == label]


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def show(*files):
    done = certs("show", "--json", "--limit", "0", *files)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(done, *parts, code=1):
    """A failure with its exit code, words that name file, option and cure, and no trace of a key."""
    assert done.returncode == code, (done.returncode, done.stderr)
    for part in parts:
        assert str(part) in done.stderr, f"{part!r} not in {done.stderr!r}"
    assert "PRIVATE KEY--" not in done.stderr + done.stdout


# Each test gets an empty directory.


def test_openssl_verifies_the_chain_strictly(base):
    for key in ("ecdsa", "rsa"):
        directory = make_overlay(base / key, "--key", key)
        issue(directory, "--user", "alice", "--out", base / key / "alice.pem", "--key", key)
        for leaf in (base / key / "alice.pem", directory / "config-signer.pem"):
            done = run("openssl", "verify", "-x509_strict", "-CAfile", directory / "ca.pem", leaf)
            assert done.returncode == 0, done.stderr
    other = make_overlay(base / "other")
    done = run("openssl", "verify", "-CAfile", other / "ca.pem", base / "rsa" / "alice.pem")
    assert done.returncode != 0


def test_certificate_form_as_openssl_prints_it(base):
    """6940-11.3-14, 6940-11.3-18, 6940-11.3-19, 6940-11.3-21, 6940-11.3-25, 6940-11.3-26"""
    directory = make_overlay(base)
    issue(directory, "--user", "alice@Demo.Example", "--out", base / "alice.pem")
    done = run("openssl", "x509", "-in", base / "alice.pem", "-noout", "-ext", "subjectAltName")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "X509v3 Subject Alternative Name: critical", lines
    assert re.fullmatch(r"URI:reload://0110[0-9a-f]{32}@demo\.example/, email:alice@demo\.example", lines[1]), lines
    subject = run("openssl", "x509", "-in", base / "alice.pem", "-noout", "-subject").stdout
    assert subject.strip() == "subject=", subject


def test_renewal_keeps_user_and_node_id(base):
    """6940-11.3-20"""
    directory = make_overlay(base)
    (base / "users.csv").write_text("alice\nbob\n")
    issue(directory, "--users", base / "users.csv", "--out", base / "old.pem")
    issue(directory, "--renew", base / "old.pem", "--out", base / "new.pem")
    old, new = show(base / "old.pem", base / "new.pem")
    for before, after in zip(old["list"], new["list"], strict=True):
        assert before["user"] == after["user"] and before["node_ids"] == after["node_ids"]
        assert before["serial"] != after["serial"]
    assert set(blocks(base / "old.pem", "PRIVATE KEY")).isdisjoint(blocks(base / "new.pem", "PRIVATE KEY"))


def test_document_is_well_formed_utf8(base):
    """6940-11.1-2, 6940-11.1-3, 6940-11.1-4"""
    directory = make_overlay(base)
    document = (directory / "overlay.xml").read_bytes()
    assert document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    document.decode("utf-8")
    done = run("xmllint", "--noout", "--nonet", directory / "overlay.xml")
    assert done.returncode == 0, done.stderr


def test_document_says_what_was_asked_for_and_is_signed(base):
    directory = make_overlay(base, "--bootstrap", "[::1]:7000", "--max-message-size", 70000, "--initial-ttl", 40,
                             "--chord-update-interval", 60, "--chord-ping-interval", 30, "--reliability-timer-ms", 500,
                             "--sip-max-count", 5, "--sip-max-size", 300, "--domain-restriction", r"demo\.example",
                             "--domain-restriction", r".*\.my\.example", "--no-clients")
    signer = show(directory / "config-signer.pem")[0]["list"][0]["node_ids"]
    (document,) = show(directory / "overlay.xml")
    want = {"overlay": OVERLAY, "sequence": 1, "bootstrap_nodes": ["127.0.0.1:6084", "[::1]:7000"],
            "max_message_size": 70000, "initial_ttl": 40, "chord_update_interval": 60, "chord_ping_interval": 30,
            "reliability_timer_ms": 500, "no_ice": True, "clients_permitted": False,
            "configuration_signers": signer, "kind_signers": signer}
    for key, value in want.items():
        assert document[key] == value, (key, document[key])
    assert document["signature"] == "valid, by " + signer[0], document["signature"]
    (kind,) = document["required_kinds"]
    assert kind["name"] == "SIP-REGISTRATION" and kind["max_count"] == 5 and kind["max_size"] == 300
    assert kind["domain_restriction"] == [r"demo\.example", r".*\.my\.example"]
    assert kind["signature"] == "valid, by " + signer[0]


def test_changed_document_is_called_invalid_and_signed_again_valid(base):
    """6940-11.1-59, 6940-11.1-61, 6940-11.1-64, 6940-11.1-67"""
    directory = make_overlay(base)
    text = (directory / "overlay.xml").read_text()
    edited = text.replace('sequence="1"', 'sequence="2"').replace("<max-count>64<", "<max-count>65<")
    edited = edited.replace("</configuration>", "<!-- a note\twith <odd> bytes -->\n</configuration>")
    (base / "edited.xml").write_text(edited)
    (document,) = show(base / "edited.xml")
    assert document["signature"].startswith("invalid"), document["signature"]
    assert document["required_kinds"][0]["signature"].startswith("invalid")
    done = certs("sign-config", "--dir", directory, "--in", base / "edited.xml")
    assert done.returncode == 0, done.stderr
    (document,) = show(directory / "overlay.xml")
    assert document["sequence"] == 2 and document["signature"].startswith("valid, by ")
    assert document["required_kinds"][0]["max_count"] == 65
    assert document["required_kinds"][0]["signature"].startswith("valid, by ")
    result = (directory / "overlay.xml").read_text()
    assert "<!-- a note\twith <odd> bytes -->" in result
    assert result.count("<signature>") == 1 and result.count("<kind-signature>") == 1
    assert run("xmllint", "--noout", directory / "overlay.xml").returncode == 0


def test_private_files_have_mode_0600_under_any_umask(base):
    before = os.umask(0)
    try:
        directory = make_overlay(base)
        (base / "users.csv").write_text("alice,secret\n")
        issue(directory, "--users", base / "users.csv", "--out", base / "u.pem", "--passwords", base / "u.passwd")
    finally:
        os.umask(before)
    assert mode(directory) == 0o700
    for path in (directory / "ca.key", directory / "config-signer.pem", directory / "issued.jsonl", base / "u.pem",
                 base / "u.passwd"):
        assert mode(path) == 0o600, path
    for path in (directory / "ca.pem", directory / "overlay.xml"):
        assert mode(path) == 0o644, path


def test_keys_are_in_no_output_and_in_no_record(base):
    directory = make_overlay(base)
    printed = issue(directory, "--user", "alice", "--out", base / "alice.pem")
    shown = certs("show", base / "alice.pem", directory / "config-signer.pem", directory / "ca.key",
                  directory / "overlay.xml")
    assert shown.returncode == 0, shown.stderr
    public = printed + shown.stdout + shown.stderr + (directory / "issued.jsonl").read_text()
    for path in (base / "alice.pem", directory / "config-signer.pem", directory / "ca.key"):
        for key in blocks(path, "PRIVATE KEY"):
            for line in key.splitlines()[1:-1]:
                assert line not in public
    assert "PRIVATE KEY--" not in public


def test_records_name_every_certificate(base):
    directory = make_overlay(base)
    issue(directory, "--node", "--out", base / "node.pem")
    (base / "users.csv").write_text("alice\nbob\n")
    issue(directory, "--users", base / "users.csv", "--out", base / "users.pem")
    records = [json.loads(line) for line in (directory / "issued.jsonl").read_text().splitlines()]
    listed = [c for f in show(directory / "config-signer.pem", base / "node.pem", base / "users.pem") for c in f["list"]]
    assert len(records) == len(listed) == 4
    for record, certificate in zip(records, listed, strict=True):
        assert record["user"] == certificate["user"] and record["node_ids"] == certificate["node_ids"]
        assert record["serial"] == certificate["serial"] and record["not_after"] == certificate["not_after"]


def test_passwords_are_kept_as_digests_only(base):
    directory = make_overlay(base)
    (base / "users.csv").write_text("alice,se,cret\nbob@demo.example,secret1\n")
    issue(directory, "--users", base / "users.csv", "--out", base / "u.pem", "--passwords", base / "u.passwd")
    want = []
    for user, password in (("alice", "se,cret"), ("bob", "secret1")):
        secret = f"{user}:{OVERLAY}:{password}".encode()
        md5, sha256 = hashlib.md5(secret).hexdigest(), hashlib.sha256(secret).hexdigest()
        want.append(f"{user}@{OVERLAY}:{OVERLAY}:{md5}:{sha256}\n")
    assert (base / "u.passwd").read_text() == "".join(want)


def test_a_list_of_thousands_is_issued_fast_and_added_to(base):
    directory = make_overlay(base)
    (base / "users.csv").write_text("".join(f"user{i},secret{i}\n" for i in range(2000)))
    printed = issue(directory, "--users", base / "users.csv", "--out", base / "u.pem", "--passwords", base / "u.passwd")
    match = re.match(r"issued 2000 credentials in ([0-9.]+) s", printed)
    assert match and float(match.group(1)) < 60, printed
    (base / "more.csv").write_text("late,secret\n")
    issue(directory, "--users", base / "more.csv", "--out", base / "u.pem", "--passwords", base / "u.passwd", "--append")
    (bundle,) = show(base / "u.pem")
    assert bundle["private_keys"] == bundle["certificates"] == 2001
    assert bundle["list"][0]["user"] == "user0@demo.example" and bundle["list"][2000]["user"] == "late@demo.example"
    assert len({c["node_ids"][0] for c in bundle["list"]}) == len({c["serial"] for c in bundle["list"]}) == 2001
    assert len((base / "u.passwd").read_text().splitlines()) == 2001
    assert sorted(p.name for p in base.iterdir()) == ["more.csv", "overlay", "u.passwd", "u.pem", "users.csv"]
    again = certs("issue", "--dir", directory, "--users", base / "more.csv", "--out", base / "u.pem", "--append")
    refused(again, "u.pem holds a credential of late@demo.example already")


def test_show_for_people(base):
    directory = make_overlay(base)
    (base / "users.csv").write_text("".join(f"user{i}\n" for i in range(30)))
    issue(directory, "--users", base / "users.csv", "--out", base / "u.pem")
    done = certs("show", "--limit", "2", base / "u.pem", directory / "overlay.xml")
    assert done.returncode == 0, done.stderr
    for line in ("private_keys: 30", "not_shown: 28", "user: user1@demo.example", "valid: yes", "subject: (empty)",
                 "issuer: CN=RELOAD CA of demo.example", "sequence: 1"):
        assert line in done.stdout, (line, done.stdout)
    assert "user2@demo.example" not in done.stdout
    run("openssl", "x509", "-in", directory / "ca.pem", "-outform", "DER", "-out", base / "ca.der")
    (der,) = show(base / "ca.der")
    want = run("openssl", "x509", "-in", directory / "ca.pem", "-noout", "-fingerprint", "-sha256").stdout
    assert der["list"][0]["sha256"] == want.split("=")[1].strip().replace(":", "").lower()
    assert der["list"][0]["authority"] is True


def test_help_and_usage(base):
    for command in ([], ["init"], ["issue"], ["show"], ["sign-config"]):
        done = certs(*command, "--help")
        assert done.returncode == 0 and "--help" in done.stdout, command
    assert "reload-certs issue --dir" in certs("--help").stdout
    refused(certs(), "subcommand", code=2)
    refused(certs("frobnicate"), "frobnicate", code=2)
    refused(certs("init", "--overlay", OVERLAY), "--dir", code=2)
    refused(certs("init", "--dir", base / "x", "--overlay", OVERLAY, "--key", "dsa"), "--key", code=2)
    refused(certs("init", "--dir", base / "x", "--overlay", OVERLAY, "--days", "0"), "--days", code=2)
    refused(certs("init", "--dir", base / "x", "--overlay", OVERLAY, "--reliability-timer-ms", "199"),
            "--reliability-timer-ms", code=2)
    directory = make_overlay(base)
    out = ("--out", base / "a.pem")
    refused(certs("issue", "--dir", directory, *out), "--node, --user, --users or --renew", code=2)
    refused(certs("issue", "--dir", directory, "--user", "a"), "--out", code=2)
    refused(certs("issue", "--dir", directory, *out, "--user", "a", "--users", "b"), "--user", code=2)
    refused(certs("issue", "--dir", directory, *out, "--user", "a", "--passwords", "p"), "--users", code=2)
    refused(certs("issue", "--dir", directory, *out, "--node", "--node-ids", "99"), "--node-ids", code=2)
    assert not (base / "a.pem").exists()


def test_wrong_values_of_init(base):
    for option, value in (("--overlay", "not a name"), ("--bootstrap", "localhost:6084"), ("--bootstrap", "1.2.3.4:0"),
                          ("--bootstrap", "1.2.3.4:"), ("--bootstrap", "[::1"), ("--domain-restriction", "a(b")):
        args = {"--overlay": OVERLAY, option: value}
        done = certs("init", "--dir", base / "x", *[part for pair in args.items() for part in pair])
        refused(done, option, value)
        assert not (base / "x").exists()


def test_init_overwrites_nothing(base):
    directory = make_overlay(base)
    before = {p.name: p.read_bytes() for p in directory.iterdir()}
    refused(certs("init", "--dir", directory, "--overlay", OVERLAY), directory / "ca.key", "is not overwritten",
            "another --dir")
    assert before == {p.name: p.read_bytes() for p in directory.iterdir()}
    (base / "half").mkdir()
    (base / "half" / "overlay.xml").symlink_to("/nonexistent")
    refused(certs("init", "--dir", base / "half", "--overlay", OVERLAY), "overlay.xml exists already")
    (base / "file").write_text("")
    refused(certs("init", "--dir", base / "file", "--overlay", OVERLAY), base / "file", "another --dir")


def test_wrong_input_of_issue(base):
    directory = make_overlay(base)
    out = base / "out.pem"

    def attempt(*args):
        return certs("issue", "--dir", directory, "--out", out, *args)

    refused(attempt("--user", "al ice@demo.example"), "--user", "al ice", "may hold letters")
    refused(attempt("--user", "alice@"), "--user", "no domain name")
    refused(attempt("--user", "alice", "--days", "36500"), "smaller --days")
    refused(attempt("--users", base / "absent.csv"), "absent.csv", "No such file")
    listed = base / "users.csv"
    for text, message in (("", "no user in it"), ("alice\nb b\n", "line 2: bad user name"),
                          ("alice\nALICE@demo.example\nalice\n", "line 3: alice@demo.example is already in line 1"),
                          ("alice,\n", "line 1: the password of alice@demo.example is empty")):
        listed.write_text(text)
        refused(attempt("--users", listed), listed, message)
    listed.write_text("alice,a\nbob\n")
    refused(attempt("--users", listed, "--passwords", base / "p"), listed, "bob@demo.example has no password")
    refused(attempt("--renew", listed), listed, "no PEM certificate")
    stranger = make_overlay(base / "stranger")
    issue(stranger, "--user", "alice", "--out", base / "stranger.pem")
    refused(attempt("--renew", base / "stranger.pem"), "not from this authority")
    refused(certs("issue", "--dir", base / "none", "--node", "--out", out), base / "none" / "overlay.xml", "init --dir")
    refused(certs("issue", "--dir", directory, "--node", "--out", base / "no" / "x.pem"), "no/x.pem",
            "make the directory")
    assert not out.exists() and not (base / "p").exists()
    out.write_text("precious")
    refused(attempt("--node"), out, "is not overwritten")
    assert out.read_text() == "precious"


def test_users_outside_the_admitted_domains_are_refused(base):
    """6940-11.3-23"""
    directory = make_overlay(base, "--domain-restriction", "own")
    issue(directory, "--user", "alice@demo.example", "--out", base / "alice.pem")
    done = certs("issue", "--dir", directory, "--user", "alice@other.example", "--out", base / "other.pem")
    refused(done, "--user", "other.example", "domain-restriction")


def test_a_change_of_the_authority_killed_at_any_point(base):
    """kill -9 in the middle of roll-ca and of its end: each state is one to go on from, and nobody needs to know which."""
    directory = make_overlay(base)
    dice = random.Random(4)
    kills = 0
    for _ in range(5):
        for step in ((), ("--finish", "--force")):
            command = [PROGRAM, "roll-ca", "--dir", directory, "--no-push", *step]
            for attempt in itertools.count(1):
                child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                try:
                    said = "".join(child.communicate(timeout=dice.uniform(0.001, 0.005 * attempt)))
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.communicate()
                    kills += 1
                    documents = show(directory / "overlay.xml")
                    assert documents[0]["signature"].startswith("valid"), documents
                    issue(directory, "--node", "--out", base / ("node%d.pem" % kills))
                    continue
                break
            # A run that was killed at its very end has left nothing to do.
            assert child.returncode == 0 or "under way" in said or "no change of the authority" in said, said
        assert (directory / "overlay.xml").read_text().count("<root-cert>") == 1
        assert not list(directory.glob("ca-*.pem")) and not list(directory.glob("ca-*.key")), os.listdir(directory)
        roots = [run("openssl", "x509", "-in", directory / "ca.pem", "-pubkey", "-noout").stdout,
                 run("openssl", "pkey", "-in", directory / "ca.key", "-pubout").stdout]
        assert roots[0] == roots[1] != "", "the authority's key and its certificate are not a pair"
    done = certs("config", "set", "--dir", directory, "--no-push", "initial-ttl=90")
    assert done.returncode == 0, done.stderr
    assert kills > 5, kills


def test_broken_authority(base):
    directory = make_overlay(base)
    other = make_overlay(base / "other")
    key = (directory / "ca.key").read_text()
    out = ("--node", "--out", base / "out.pem")
    shutil.copy(other / "ca.key", directory / "ca.key")
    refused(certs("issue", "--dir", directory, *out), directory, "do not belong together")
    (directory / "ca.key").write_text("junk")
    refused(certs("issue", "--dir", directory, *out), "ca.key", "no PEM private key")
    (directory / "ca.key").unlink()
    refused(certs("issue", "--dir", directory, *out), "ca.key", "No such file")
    (directory / "ca.key").write_text(key)
    os.chmod(directory / "ca.key", 0o644)
    done = certs("issue", "--dir", directory, *out)
    assert done.returncode == 0 and "run chmod 600" in done.stderr, done.stderr


def test_wrong_documents_are_not_signed(base):
    directory = make_overlay(base)
    good = (directory / "overlay.xml").read_text()
    signer = show(directory / "config-signer.pem")[0]["list"][0]["node_ids"][0]
    newer = good.replace('sequence="1"', 'sequence="2"')
    other = "ab" * 16
    cases = (
        ("not xml", ()),
        (good.replace("</overlay>", ""), ()),
        (good.replace("<no-ice>true", "<no-ice>maybe"), ("no-ice",)),
        (good.replace("<max-count>64", "<max-count>63"), ("sequence 1", 'set sequence="2"')),
        (newer.replace("<configuration-signer>" + signer, "<configuration-signer>" + other), ("configuration-signer",)),
        (newer.replace("<kind-signer>" + signer, "<kind-signer>" + other), ("kind-signer",)),
        (newer.replace('instance-name="demo.example"', 'instance-name="x.example"'), ("instance-name x.example",)),
    )
    for text, parts in cases:
        assert text != good
        (base / "edited.xml").write_text(text)
        refused(certs("sign-config", "--dir", directory, "--in", base / "edited.xml"), "edited.xml", *parts)
        assert (directory / "overlay.xml").read_text() == good
    refused(certs("sign-config", "--dir", directory, "--in", base / "absent.xml"), "absent.xml", "No such file")
    (directory / "config-signer.pem").unlink()
    (base / "edited.xml").write_text(newer)
    refused(certs("sign-config", "--dir", directory, "--in", base / "edited.xml"), "config-signer.pem")


def test_wrong_files_of_show(base):
    refused(certs("show", base / "absent.pem"), "absent.pem", "No such file")
    (base / "junk").write_bytes(os.urandom(64) + b"junk")
    refused(certs("show", base / "junk"), "junk", "no certificate")
    (base / "junk.xml").write_text("<overlay/>")
    refused(certs("show", base / "junk.xml"), "junk.xml")


def test_directories_without_rights(base):
    user = pwd.getpwnam("nobody")
    directory = make_overlay(base)
    os.chmod(base, 0o755)

    def as_nobody(*args):
        if os.geteuid() != 0:
            return certs(*args)
        return certs(*args, user=user.pw_uid, group=user.pw_gid, extra_groups=[])

    closed = base / "closed"
    closed.mkdir(mode=0o500)
    refused(as_nobody("init", "--dir", closed / "x", "--overlay", OVERLAY), closed, "Permission denied")
    if os.geteuid() == 0:  # our own directory is open to ourselves
        refused(as_nobody("issue", "--dir", directory, "--node", "--out", "/tmp/x.pem"), "overlay.xml")
        os.chmod(directory, 0o755)
        refused(as_nobody("issue", "--dir", directory, "--node", "--out", "/tmp/x.pem"), "ca.key", "Permission denied")
    refused(as_nobody("show", closed / "x" / "y"), "closed")


def main():
    failures = []
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        with tempfile.TemporaryDirectory(prefix="reload-certs-") as base:
            try:
                test(Path(base))
                print(f"ok      {name}")
            except AssertionError as error:
                failures.append(name)
                print(f"FAILED  {name}: {error}")
    print(f"{len(tests) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
