#!/usr/bin/env python3
"""SIP phones at five peers: sipp registers, calls, moves, floods. Ends with the line `N passed, N failed`."""
import json
import subprocess
import time

import kit
from kit import check, contact, credentials, name, secret, wait_until
from udp_phones import UdpPhones

ARGS = kit.options(__doc__)
USERS = 1000 if ARGS.full else 100
RATE = 50
EXTRA_USERS = 60
PRIVATE_PEER = 4  # takes no calls from strangers
SHA_PEER = 2  # offers SHA-256 besides MD5


def register(bed, user, peer, phone, tcp=False, expires=600):
    """Registers a sipp phone, which answers at its own port, by another sipp that is only its REGISTER."""
    bed.play("register", bed.sip(peer), tcp=tcp, user=name(user), password=secret(user), expires=expires,
             contact=phone if isinstance(phone, str) else contact(phone, name(user)))


def call(bed, caller, callee, peer, scenario="call", **options):
    return bed.play(scenario, bed.sip(peer), user=name(caller), password=secret(caller), callee=callee, **options)


def answering(bed, **options):
    return bed.sipp("answer", **options)


def grows(bed, peer, metric, by=1):
    """A function that tells whether the metric has grown since now."""
    before = bed.metric(peer, metric)
    return lambda: bed.metric(peer, metric) >= before + by


# --- Many users, many calls.

def register_many(bed, users, tcp):
    rows = [(name(user), credentials(user)) for user in users]
    phones = bed.port()
    phone = "<sip:[field0]@127.0.0.1:%d%s>" % (phones, ";transport=tcp" if tcp else "")
    started = time.monotonic()
    done = bed.sipp("register", bed.sip(0), calls=len(rows), rate=4 * RATE, tcp=tcp, rows=rows, expires=3600,
                    edit=[("[contact]", phone)], seconds=120).succeed()
    took = time.monotonic() - started
    print("        %d of %d users registered at peer 0 by %s: %.1f/s" %
          (done.count("Successful"), len(rows), "TCP" if tcp else "UDP", len(rows) / took))
    return phones


def call_many(bed, rows, phone, tcp, what):
    started = time.monotonic()
    callers = bed.sipp("call", bed.sip(3), calls=len(rows), rate=RATE, tcp=tcp, rows=rows, seconds=180)
    try:
        callers.succeed()
        phone.succeed()
    finally:
        callers.end()
        print("        %s, %s: %d of %d calls, %.1f/s, peer 3 to peer %s" %
              ("TCP" if tcp else "UDP", what, callers.count("Successful"), len(rows),
               len(rows) / (time.monotonic() - started), "1" if "one" in what else "0"))
    check(phone.count("Successful") == len(rows), "the phone had", phone.count("Successful"), "calls")


def many(bed, tcp):
    users = range(USERS)
    phones = register_many(bed, users, tcp)
    check(bed.status(0)["registrations"] >= USERS, "peer 0 serves", bed.status(0)["registrations"])

    # All of them call one phone at peer 1 ...
    callee = bed.user()
    phone = answering(bed, tcp=tcp, calls=USERS, user=name(callee), seconds=200)
    register(bed, callee, 1, phone, tcp)
    answered = grows(bed, 3, "reload_sip_calls_answered_total", USERS)
    call_many(bed, [(name(user), credentials(user), name(callee)) for user in users], phone, tcp, "to one phone")
    wait_until("calls counted at peer 3", answered)

    # ... and are called one by one.
    caller = bed.user()
    phone = answering(bed, tcp=tcp, calls=USERS, port=phones, seconds=200)
    call_many(bed, [(name(caller), credentials(caller), name(user)) for user in users], phone, tcp, "to each of them")


def test_many_calls_udp(bed):
    many(bed, tcp=False)


def test_many_calls_tcp(bed):
    many(bed, tcp=True)


# --- Registrations.

def test_a_phone_that_moves_is_found_where_it_is(bed):
    user, caller = bed.user(), bed.user()
    at_home, away = answering(bed), answering(bed)
    register(bed, user, 0, at_home)
    call(bed, caller, name(user), 3)
    at_home.succeed()
    register(bed, user, 0, contact(at_home, name(user)), expires=0)
    register(bed, user, 2, away)
    call(bed, caller, name(user), 3)
    away.succeed()


def test_a_phone_that_moves_without_a_word_is_found(bed):
    user, caller = bed.user(), bed.user()
    at_home = answering(bed)
    register(bed, user, 0, at_home)
    at_home.end()
    away = answering(bed)
    register(bed, user, 2, away)
    call(bed, caller, name(user), 3)
    away.succeed()


def test_a_user_at_two_peers_is_found_at_both(bed):
    """The phone that answers gets the call, the other one's ringing is ended."""
    user, caller = bed.user(), bed.user()
    for peer in (0, 1):  # the connections between the peers are there before the race of the two phones
        phone = answering(bed)
        register(bed, user, peer, phone)
        call(bed, caller, name(user), 3)
        phone.succeed()
        register(bed, user, peer, contact(phone, name(user)), expires=0)
    rings = bed.sipp("ring")
    answers = answering(bed, edit=[('<send retrans="500">', '<pause milliseconds="700"/><send retrans="500">')])
    forked = grows(bed, 3, "reload_sip_forks_total")
    register(bed, user, 0, rings)
    register(bed, user, 1, answers)
    call(bed, caller, name(user), 3)
    answers.succeed()
    rings.succeed()
    wait_until("fork counted", forked)


def test_all_contacts_of_one_peer_ring(bed):
    user, caller = bed.user(), bed.user()
    rings = bed.sipp("ring")
    answers = answering(bed, edit=[('<send retrans="500">', '<pause milliseconds="700"/><send retrans="500">')])
    register(bed, user, 2, rings)
    register(bed, user, 2, answers)
    call(bed, caller, name(user), 3)
    answers.succeed()
    rings.succeed()


def test_contact_star_ends_all_registrations_at_a_peer(bed):
    user, caller = bed.user(), bed.user()
    before = bed.status(0)["registrations"]
    for _ in range(2):
        register(bed, user, 0, "<sip:%s@127.0.0.1:%d>" % (name(user), bed.port()))
    check(bed.status(0)["registrations"] == before + 1, bed.status(0)["registrations"], "registrations")
    removed = grows(bed, 0, "reload_sip_overlay_removals_total")
    register(bed, user, 0, "*", expires=0)
    check(bed.status(0)["registrations"] == before, bed.status(0)["registrations"], "registrations")
    wait_until("removal from the overlay", removed)
    call(bed, caller, name(user), 3, scenario="call_480")


def test_a_wrong_password_is_refused_and_counted(bed):
    user, caller = bed.user(), bed.user()
    refused = grows(bed, 0, "reload_sip_registers_refused_total")
    bed.play("register_refused", bed.sip(0), user=name(user), password="wrong", contact="<sip:x@127.0.0.1:5555>",
             expires=600)
    wait_until("refusal counted", refused)
    call(bed, caller, name(user), 3, scenario="call_480")
    refused = grows(bed, 3, "reload_sip_requests_refused_total")
    bed.play("call_403", bed.sip(3), user=name(caller), password="wrong", callee=name(user))
    wait_until("refusal counted", refused)


def test_a_phone_may_prove_its_password_by_sha_256(bed):
    user = bed.user()
    phone = UdpPhones()
    bed.phones.append(phone)
    status = phone.register(user, bed.sip(SHA_PEER), algorithm="SHA-256")
    check(status == 200, "answered", status)
    status = phone.register(user, bed.sip(0), algorithm="SHA-256")
    check(status == 401, "a peer that offers MD5 alone answered", status)
    check(phone.reach(user, bed.sip(3)) == 200 and phone.reached, "the phone was not reached")


def test_a_flood_of_registers_is_stopped_and_hurts_nobody(bed):
    user, caller = bed.user(), bed.user()
    before = bed.metrics(0)
    flood = bed.sipp("flood", bed.sip(0), calls=20000, rate=5000, user=name(user), contact="<sip:x@127.0.0.1:5555>",
                     address="127.0.0.2")
    wait_until("limited REGISTER", lambda: bed.metric(0, "reload_sip_registers_dropped_total") >
               before["reload_sip_registers_dropped_total"])
    phone = answering(bed)
    register(bed, user, 0, phone)  # by another address, while the flood goes on
    call(bed, caller, name(user), 3)
    phone.succeed()
    flood.succeed()
    after = bed.metrics(0)
    told = {word: int(after["reload_sip_registers_%s_total" % word] - before["reload_sip_registers_%s_total" % word])
            for word in ("received", "challenged", "rate_limited", "dropped", "ok")}
    print("        the flood: " + ", ".join("%d %s" % (number, word) for word, number in told.items()))
    check(told["rate_limited"] > 0 and told["dropped"] > 0 and told["ok"] == 1, told)
    register(bed, user, 0, contact(phone, name(user)), expires=0)
    wait_until("end of the flooder's ban", lambda: bed.sipp(
        "register", bed.sip(0), user=name(user), password=secret(user), expires=600, address="127.0.0.2",
        contact=contact(phone, name(user))).child.wait() == 0, 15, 1)


# --- Who may call, and whom.

def test_a_stranger_may_call_our_users(bed):
    user = bed.user()
    for tcp in (False, True):
        phone = answering(bed, tcp=tcp)
        register(bed, user, 1, phone, tcp)
        bed.play("stranger_call", bed.sip(3), tcp=tcp, user="alice", from_domain="elsewhere.example", callee=name(user))
        phone.succeed()
        register(bed, user, 1, contact(phone, name(user)), tcp, expires=0)


def test_a_peer_can_refuse_strangers(bed):
    user = bed.user()
    refused = grows(bed, PRIVATE_PEER, "reload_sip_requests_refused_total")
    bed.play("stranger_403", bed.sip(PRIVATE_PEER), user="alice", from_domain="elsewhere.example", callee=name(user))
    wait_until("refusal counted", refused)


def test_one_who_claims_to_be_our_user_is_challenged(bed):
    """As a stranger's call, but From is one of ours: what came through unchallenged there is answered 407 here."""
    user, claimed = bed.user(), bed.user()
    phone = answering(bed)
    register(bed, user, 1, phone)
    challenged = grows(bed, 3, "reload_sip_requests_challenged_total")
    called = grows(bed, 1, "reload_sip_calls_in_total")
    bed.play("stranger_403", bed.sip(3), user=name(claimed), callee=name(user),
             edit=[('<recv response="403"/>', '<recv response="407"/>')])
    wait_until("challenge counted", challenged)
    check(not called(), "the call went on to peer 1")
    call(bed, claimed, name(user), 3)
    phone.succeed()


def test_unknown_and_absent_users(bed):
    caller, absent = bed.user(), bed.user()
    call(bed, caller, "nobody", 3, scenario="call_404")
    call(bed, caller, name(absent), 3, scenario="call_480")
    call(bed, caller, "nobody", 3, scenario="call_404", tcp=True)
    call(bed, caller, name(absent), 3, scenario="call_480", tcp=True)


# --- Other requests than INVITE and BYE.

def test_a_call_given_up_ends_with_487(bed):
    user, caller = bed.user(), bed.user()
    for tcp in (False, True):
        phone = bed.sipp("ring", tcp=tcp)
        register(bed, user, 1, phone, tcp)
        cancelled = grows(bed, 3, "reload_sip_calls_cancelled_total")
        call(bed, caller, name(user), 3, scenario="cancelled_call", tcp=tcp)
        phone.succeed()
        wait_until("cancelled call counted", cancelled)
        register(bed, user, 1, contact(phone, name(user)), tcp, expires=0)


def test_requests_outside_a_call(bed):
    user, caller = bed.user(), bed.user()
    for method in ("MESSAGE", "OPTIONS", "SUBSCRIBE"):
        for tcp in (False, True):
            edit = [("METHOD", method)]
            phone = bed.sipp("answer_request", tcp=tcp, edit=edit)
            register(bed, user, 1, phone, tcp)
            call(bed, caller, name(user), 3, scenario="request", tcp=tcp, edit=edit)
            phone.succeed()
            register(bed, user, 1, contact(phone, name(user)), tcp, expires=0)


def test_a_subscription_is_notified_within_its_dialog(bed):
    user, caller = bed.user(), bed.user()
    for tcp in (False, True):
        phone = bed.sipp("notify", tcp=tcp)
        register(bed, user, 1, phone, tcp)
        call(bed, caller, name(user), 3, scenario="subscribe", tcp=tcp)
        phone.succeed()
        register(bed, user, 1, contact(phone, name(user)), tcp, expires=0)


def test_a_peer_answers_options_to_itself(bed):
    for tcp in (False, True):
        bed.play("options_to_peer", bed.sip(3), tcp=tcp)


def test_phones_of_both_transports_call_each_other(bed):
    user, caller = bed.user(), bed.user()
    for tcp in (False, True):
        phone = answering(bed, tcp=tcp)
        register(bed, user, 1, phone, tcp)
        call(bed, caller, name(user), 3, tcp=not tcp)
        phone.succeed()
        register(bed, user, 1, contact(phone, name(user)), tcp, expires=0)


# --- The overlay's own view.

def test_a_client_resolves_what_phones_registered(bed):
    user = bed.user()
    register(bed, user, 2, "<sip:%s@127.0.0.1:%d>" % (name(user), bed.port()))
    credential = bed.dir / "client.pem"
    bed.tool("issue", "--dir", bed.dir, "--node", "--user", "client@" + kit.DOMAIN, "--out", credential)
    done = subprocess.run([bed.client, "--json", "--overlay-config", bed.dir / "overlay.xml", "--credential", credential,
                           "resolve", "%s@%s" % (name(user), kit.DOMAIN)], capture_output=True, text=True, timeout=30)
    check(done.returncode == 0, done.stdout, done.stderr)
    check(bed.status(2)["node_id"] in json.dumps(json.loads(done.stdout)), done.stdout)


if __name__ == "__main__":
    kit.run(kit.tests_of(globals()), ARGS.only,
            kit.Overlay(5, USERS + EXTRA_USERS, first_free_user=USERS, settings={
                PRIVATE_PEER: {"no-anonymous-calls": True}, SHA_PEER: {"sip-digest": ["md5", "sha256"]}}))
