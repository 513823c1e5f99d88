#!/usr/bin/env python3
"""Builds with tests and runs every one of them. The last line is 'N passed, N failed'.

Suites, in this order:
  rules     layering and house rules of the sources
  unit      programs of a plain build (g++): units, simulator, scenarios, and some seeds of random faults
  interop   real processes and foreign programs: openssl, xmllint, tshark, sipp, baresip
  sanitize  the same doctest programs built by clang with AddressSanitizer and UBSan
  fuzz      each fuzz target for some seconds, in that same build
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ("rules", "unit", "interop", "sanitize", "fuzz")
DOCTEST = re.compile(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed", re.M)
PROGRAM_SECONDS = 900
ALONE = ("unit_sip_usage_sofia", "unit_net")  # real sockets and timers: not while others take the cores


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, name, passed, failed, output, seconds):
        self.passed += passed
        self.failed += failed
        print("%-6s %s: %d passed, %d failed (%.1f s)" % ("FAIL" if failed else "ok", name, passed, failed, seconds),
              flush=True)
        if failed:
            print(output[-20000:], flush=True)


def run(command, **keywords):
    print("+", " ".join(map(str, command)), flush=True)
    return subprocess.run(list(map(str, command)), **keywords)


def test_targets(directory):
    """What is built under tests/, as paths below `directory`, which is set up; for the other scripts here, too."""
    # Else what was set up before a test was added would not know it.
    if subprocess.run(["ninja", "-C", directory, "build.ninja"], stdout=subprocess.DEVNULL).returncode:
        sys.exit("meson failed: run ninja -C %s build.ninja" % directory)
    known = json.loads((directory / "meson-info" / "intro-targets.json").read_text())
    files = [pathlib.Path(name).relative_to(directory) for target in known for name in target["filename"]]
    return [file for file in files if file.parts[0] == "tests"]


def build(directory, arguments, compilers=None, only=None):
    """All, or the programs under tests/ whose names begin as one of `only`."""
    environment = dict(os.environ, **(compilers or {}))
    if not (directory / "build.ninja").exists():
        if run(["meson", "setup", directory, ROOT, *arguments], env=environment).returncode:
            sys.exit("meson failed")
    targets = [file for file in test_targets(directory) if file.name.startswith(only)] if only else []
    # Not by way of run: the list is long.
    if subprocess.run(["ninja", "-C", directory, *map(str, targets)], env=environment).returncode:
        print("the build failed\n0 passed, 1 failed")
        sys.exit(1)


def count(name, command, tally, environment=None, cwd=ROOT):
    started = time.monotonic()
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", cwd=cwd,
                              env=dict(os.environ, **(environment or {})), timeout=PROGRAM_SECONDS)
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = "no end after %d s\n%s" % (PROGRAM_SECONDS, late.stdout or ""), 1
    seconds = time.monotonic() - started
    found = DOCTEST.search(output)
    plain = PLAIN.findall(output)
    if found:
        passed, failed = int(found[2]), int(found[3])
    elif plain:
        passed, failed = int(plain[-1][0]), int(plain[-1][1])
    else:
        passed, failed = (1, 0) if code == 0 else (0, 1)
    # A crash at exit, or a sanitizer's report after the last test, must not pass.
    if code != 0 and failed == 0:
        failed = 1
    for line in output.splitlines():
        if line.startswith("skipped:"):
            print("      ", line)
    tally.add(name, passed, failed, output, seconds)


def count_all(jobs):
    """Jobs are arguments of `count`: as many at a time as there are cores, those of ALONE after the others."""
    alone = [job for job in jobs if job[0].split()[-1] in ALONE]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for future in [pool.submit(count, *job) for job in jobs if job not in alone]:
            future.result()
    for job in alone:
        count(*job)


def programs(directory):
    return sorted(p for p in (directory / "tests").rglob("*") if p.is_file() and os.access(p, os.X_OK)
                  and p.name.startswith("unit_"))


def main():
    parser = argparse.ArgumentParser(prog="tools/test", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", help="only these suites (default: all)")
    parser.add_argument("--fuzz-seconds", type=int, default=2, metavar="S", help="for each fuzz target (default 2)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only programs whose path contains TEXT")
    args = parser.parse_args()
    for suite in args.suites:
        if suite not in SUITES:
            parser.error("unknown suite %s; there are: %s" % (suite, " ".join(SUITES)))
    suites = args.suites or SUITES
    tally = Tally()
    wanted = lambda path: args.only in str(path)

    if "rules" in suites:
        for script in ("check_layers.py", "tidy.py"):
            if wanted(script):
                count("rules " + script, [sys.executable, ROOT / "tools" / script], tally)

    plain = ROOT / "build" / "test"
    if "unit" in suites or "interop" in suites:
        # Of what -g adds, line numbers are enough for a test's failure; all of it is 40 % of g++'s time.
        build(plain, ["-Doptimization=2", "-Ddebug=false", "-Dcpp_args=-g1"])
    if "unit" in suites:
        count_all([("unit " + program.name, [program], tally) for program in filter(wanted, programs(plain))])
        if wanted("tests/sim/soak.py"):
            count("unit soak.py", [sys.executable, ROOT / "tests" / "sim" / "soak.py"], tally,
                  {"RELOAD_BUILD": str(plain)})
    if "interop" in suites:
        for script in sorted(filter(wanted, (ROOT / "tests" / "interop").glob("*_test.py"))):
            count("interop " + script.name, [sys.executable, script], tally, {"RELOAD_BUILD": str(plain)})

    checked = ROOT / "build" / "sanitize"
    if "sanitize" in suites or "fuzz" in suites:
        build(checked, ["-Doptimization=1", "-Ddebug=false", "-Dcpp_args=-g1", "-Db_sanitize=address,undefined",
                        "-Db_lundef=false", "-Dfuzz=true"],
              {"CC": "clang-14", "CXX": "clang++-14"}, ("unit_", "fuzz_"))
    sanitizers = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    if "sanitize" in suites:
        # As without a sanitizer: who asks for too much gets none.
        refusing = dict(sanitizers, ASAN_OPTIONS=sanitizers["ASAN_OPTIONS"] + ":allocator_may_return_null=1")
        count_all([("sanitize " + program.name, [program], tally, refusing)
                   for program in filter(wanted, programs(checked))])
    if "fuzz" in suites:
        run([sys.executable, ROOT / "tests" / "fuzz" / "seeds.py", checked / "corpus"], check=True)
        jobs = []
        # That of the node first: its corpus alone takes a minute. libFuzzer's entropic schedule costs it twenty
        # times what the node itself takes, as each input has thousands of features.
        targets = sorted(filter(wanted, (checked / "tests" / "fuzz").glob("fuzz_*")),
                         key=lambda path: (path.name != "fuzz_node", path.name))
        for target in targets:
            if target.is_file() and os.access(target, os.X_OK):
                work = checked / "corpus" / target.name.removeprefix("fuzz_")
                work.mkdir(parents=True, exist_ok=True)
                jobs.append(("fuzz " + target.name, [target, "-max_total_time=%d" % args.fuzz_seconds, "-entropic=0",
                                                     "-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=0", work],
                             tally, sanitizers, work.parent))
        count_all(jobs)

    print("%d passed, %d failed" % (tally.passed, tally.failed))
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == "__main__":
    main()
