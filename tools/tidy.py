#!/usr/bin/env python3
"""House rules as a test: banned calls in the core, file length, dead files, unfinished words, unused counters."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOPS = ("reload", "sip-usage", "sim", "peer", "client", "certs", "tools", "tests")
MAX_LINES = 600
BANNED_IN_CORE = {
    r"::now\s*\(": "the time is handed in with every input (base/time.hpp)",
    r"\brandom_device\b|\b(mt19937|minstd_rand|default_random_engine)\b": "randomness is the Rng given",
    r"\bstd::(uniform|normal|bernoulli|exponential|poisson)_\w*distribution\b": "distributions differ between libraries",
    r"\bstd::shuffle\b|\brand\s*\(\s*\)": "shuffles differ between libraries",
    r"\bgetenv\b": "settings are handed in",
    r"\bunordered_(map|set)\b": "iteration order differs between libraries; use std::map or FlatMap",
}
# Looked up in, never iterated over.
UNORDERED_ALLOWED = {"reload/security/trust.hpp"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
LONG_LINE = 120
# doctest never enters the SUBCASEs after one that returns.
HIDES_SUBCASES = re.compile(r"^( *)SUBCASE\(.*\{\n(?:\1  .*\n|\n)*?\1  return;\n(?:(?!\}).*\n)*? *SUBCASE\(", re.MULTILINE)


def sources():
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".py", ".sh", ".build") and "__pycache__" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text()


def is_core(path):
    return path.startswith("reload/") and not path.startswith("reload/io/")


def main():
    found = []
    texts = dict(sources())
    builds = "\n".join(text for path, text in texts.items() if path.endswith("meson.build"))
    everything = "\n".join(texts.values())
    for path, text in texts.items():
        lines = text.splitlines()
        if path.endswith((".hpp", ".cpp")):
            if len(lines) > MAX_LINES:
                found.append("%s has %d lines; stop at %d" % (path, len(lines), MAX_LINES))
            for number, line in enumerate(lines, 1):
                if len(line) > LONG_LINE:
                    found.append("%s:%d is longer than %d columns" % (path, number, LONG_LINE))
            if path.endswith(".hpp") and "#pragma once" not in text:
                found.append("%s has no #pragma once" % path)
            if path.endswith(".hpp") and '"%s"' % path not in everything:
                found.append("%s is included by nothing" % path)
            if path.endswith(".cpp") and "'%s'" % pathlib.Path(path).name not in builds and \
                    "/%s'" % pathlib.Path(path).name not in builds:
                found.append("%s is built by no meson.build" % path)
        for match in HIDES_SUBCASES.finditer(text):
            found.append("%s:%d returns, so the SUBCASEs after it never run" % (
                path, text[:match.start()].count("\n") + 1))
        if is_core(path) and path.endswith((".hpp", ".cpp")):
            for pattern, why in BANNED_IN_CORE.items():
                if "unordered" in pattern and path in UNORDERED_ALLOWED:
                    continue
                for match in re.finditer(pattern, text):
                    found.append("%s:%d: %s" % (path, text[:match.start()].count("\n") + 1, why))
        if path != "tools/tidy.py":
            for number, line in enumerate(lines, 1):
                if UNFINISHED.search(line):
                    found.append("%s:%d reads unfinished" % (path, number))
    counters = re.findall(r"X\((\w+), \"", texts["reload/base/counters.hpp"])
    core = "\n".join(text for path, text in texts.items() if path.startswith("reload/") and path.endswith(".cpp"))
    for counter in counters:
        if not re.search(r"Counter::%s\b" % counter, core):
            found.append("reload/base/counters.hpp: %s is counted nowhere" % counter)
    for fault in found:
        print(fault)
    print("%d passed, %d failed" % (0 if found else 1, 1 if found else 0))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
