#!/usr/bin/env python3
"""Reads every #include and fails when one runs against the picture in ARCHITECTURE.md. With --self-test it shows that
a wrong include is found."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

R = "reload/"
BASE, WIRE, CONFIG, SECURITY = R + "base", R + "wire", R + "config", R + "security"
LINK, FORWARDING, MESSAGING = R + "link", R + "forwarding", R + "messaging"
BELOW_SIBLINGS = [BASE, WIRE, CONFIG, SECURITY, LINK, FORWARDING, MESSAGING]
SIBLINGS = [R + "connect", R + "storage", R + "topology", R + "bootstrap"]
ALL = None  # anything

# What each folder may include of ours; a name ending in .hpp is that header alone.
MAY = {
    BASE: [],
    WIRE: [BASE],
    CONFIG: [BASE, WIRE],
    SECURITY: [BASE, WIRE, CONFIG],
    LINK: [BASE, WIRE],
    FORWARDING: [BASE, WIRE, LINK],
    MESSAGING: [BASE, WIRE, CONFIG, SECURITY, LINK, FORWARDING],
    **{sibling: BELOW_SIBLINGS for sibling in SIBLINGS},
    R + "node": BELOW_SIBLINGS + SIBLINGS,
    R + "overlay": BELOW_SIBLINGS + SIBLINGS + [R + "node"],
    R + "usages": [BASE, WIRE, CONFIG, R + "overlay/overlay.hpp"],
    R + "dump": [BASE, WIRE],
    R + "io": BELOW_SIBLINGS + SIBLINGS + [R + "node"],
    "sip-usage": [BASE, R + "overlay/overlay.hpp", WIRE + "/reader.hpp", WIRE + "/writer.hpp",
                  WIRE + "/destination.hpp", WIRE + "/codec.hpp", WIRE + "/types.hpp", CONFIG + "/kind.hpp"],
    "sip-usage/sofia": [BASE, "sip-usage", R + "overlay/overlay.hpp", WIRE + "/types.hpp", CONFIG + "/kind.hpp"],
    "sim": BELOW_SIBLINGS + SIBLINGS + [R + "node", R + "overlay", R + "io/openssl_crypto.hpp"],
    "peer": ALL, "client": ALL, "certs": ALL, "tools": ALL, "tests": ALL,
}
PROGRAMS = ("peer", "client", "certs", "tools", "tests")

# Foreign headers each folder may use; the core has none but the error type and, in one file, libxml2.
FOREIGN = {
    BASE: ["tl/expected.hpp", "endian.h"],
    CONFIG: ["libxml/", "regex.h", "arpa/inet.h"],
    R + "dump": ["nlohmann/"],
    R + "io": ["uv.h", "openssl/", "lmdb.h", "arpa/", "netinet/", "sys/", "unistd.h", "fcntl.h", "poll.h",
                  "ares.h", "curl/"],
    "sip-usage": [],
    "sim": ["nlohmann/", "malloc.h"],
    "sip-usage/sofia": ["sofia-sip/", "openssl/", "sys/", "unistd.h", "netinet/", "arpa/", "fcntl.h", "poll.h", "netdb.h"],
}
# Standard headers that would bring clocks, threads, files or randomness into the core.
BANNED_IN_CORE = {"random", "thread", "mutex", "shared_mutex", "condition_variable", "future", "fstream", "iostream",
                  "filesystem", "ctime", "atomic", "cstdio"}
MAY_PRINT = {"reload/base/check.cpp"}  # the last words of a broken invariant


def folder_of(path):
    parts = path.split("/")
    if parts[0] == "reload":
        return "/".join(parts[:2])
    if parts[:2] == ["sip-usage", "sofia"]:
        return "sip-usage/sofia"
    return parts[0]


def faults(path, text):
    folder = folder_of(path)
    if folder not in MAY:
        return ["%s: the folder %s has no place in the picture; give it one in tools/check_layers.py" % (path, folder)]
    if MAY[folder] is ALL:
        return ["%s: tests are included by nothing else" % path for bracket, name in INCLUDE.findall(text)
                if bracket == '"' and name.startswith("tests/") and folder != "tests"]
    found = []
    for bracket, name in INCLUDE.findall(text):
        if bracket == '"':
            to = folder_of(name)
            allowed = to == folder or to in MAY[folder] or name in MAY[folder]
            if path == "reload/overlay/overlay.hpp":
                allowed = to == BASE or name in (WIRE + "/types.hpp", CONFIG + "/kind.hpp")
            if not allowed or to in PROGRAMS:
                found.append("%s includes %s, which is not below it" % (path, name))
        elif "/" in name or name.endswith(".h"):
            if not any(name == f or (f.endswith("/") and name.startswith(f)) for f in FOREIGN.get(folder, [])):
                found.append("%s includes <%s>, a foreign header that is not of its folder" % (path, name))
        elif folder.startswith("reload/") and folder != R + "io" and name in BANNED_IN_CORE and path not in MAY_PRINT:
            found.append("%s includes <%s>: no clocks, threads, files or randomness in the core" % (path, name))
    return found


def self_test():
    wrong = [("reload/wire/a.cpp", '#include "reload/link/link_session.hpp"'),
             ("reload/storage/a.cpp", '#include "reload/topology/topology.hpp"'),
             ("reload/overlay/overlay.hpp", '#include "reload/node/node.hpp"'),
             ("reload/node/a.cpp", "#include <thread>"), ("reload/config/a.cpp", "#include <openssl/evp.h>"),
             ("sip-usage/a.cpp", "#include <sofia-sip/nta.h>"), ("reload/wire/a.cpp", '#include "tests/kit/x.hpp"')]
    right = [("reload/node/a.cpp", '#include "reload/topology/topology.hpp"'), ("reload/io/a.cpp", "#include <uv.h>"),
             ("reload/wire/a.cpp", "#include <vector>")]
    return all(faults(*case) for case in wrong) and not any(faults(*case) for case in right)


def main():
    if not self_test():
        print("the layering check does not find what it should\n0 passed, 1 failed")
        return 1
    found, read = [], 0
    for top in ("reload", "sip-usage", "sim", "peer", "client", "certs", "tools", "tests"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".h"):
                read += 1
                found += faults(str(path.relative_to(ROOT)), path.read_text())
    for fault in found:
        print(fault)
    print("%d passed, %d failed" % (1 + (0 if found else 1), 1 if found else 0))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
