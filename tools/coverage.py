#!/usr/bin/env python3
"""Says how much of the core (reload/ without reload/io and reload/dump) the unit programs, the simulator's tests and the
scenarios run through: lines and branches by folder, and the longest pieces that nothing runs.

Builds in build/coverage with clang-14; needs llvm-14 (Debian). Takes a quarter of an hour, most of it in the compiler.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import subprocess
import sys

import run_tests

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "coverage"
NOT_CORE = ("reload/io/", "reload/dump/")
# Without `atomic` programs with threads lose counts, and what is worked out as a difference of two counts seems not run.
FLAGS = "-fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic"


def run(*command, **keywords):
    return subprocess.run([str(word) for word in command], check=True, **keywords)


def programs():
    """Those that run code of the core: paths below BUILD."""
    return sorted(file for file in run_tests.test_targets(BUILD)
                  if file.name.startswith("unit_") and not {"sip_usage", "certs"} & set(file.parts))


def measure(path):
    program = BUILD / path
    profile = BUILD / "profiles" / (program.name + ".profraw")
    done = subprocess.run([str(program)], capture_output=True, text=True, errors="replace",
                          env=dict(os.environ, LLVM_PROFILE_FILE=str(profile)))
    return program, profile, done.returncode


def read(lcov):
    """file -> ({line: count}, {(line, branch): taken})"""
    files, name = {}, None
    for line in lcov.splitlines():
        key, _, rest = line.partition(":")
        if key == "SF":
            path = pathlib.Path(os.path.normpath(rest))  # the compiler names BUILD/../../reload/...
            name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else None
            if name and name.startswith("reload/") and not name.startswith(NOT_CORE):
                files.setdefault(name, ({}, {}))
            else:
                name = None
        elif name and key == "DA":
            number, count = rest.split(",")[:2]
            lines = files[name][0]
            lines[int(number)] = lines.get(int(number), 0) + int(count)
        elif name and key == "BRDA":
            number, block, branch, taken = rest.split(",")
            branches = files[name][1]
            at = (int(number), block, branch)
            branches[at] = branches.get(at, 0) + (0 if taken == "-" else int(taken))
    return files


def pieces(files):
    """Runs of lines that nothing runs, the longest first."""
    found = []
    for name, (lines, _) in files.items():
        start = last = None
        for number in sorted(lines):
            if lines[number]:
                start = None
                continue
            if start is None:
                start = number
                found.append([name, start, number, 0])
            found[-1][2] = number
            found[-1][3] += 1
    return sorted(found, key=lambda piece: -piece[3])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=15, help="how many uncovered pieces to list (default 15)")
    arguments = parser.parse_args()
    if not (BUILD / "build.ninja").exists():
        run("meson", "setup", BUILD, ROOT, "-Doptimization=1", "-Ddebug=true", "-Db_lundef=false",
            "-Dcpp_args=" + FLAGS, "-Dcpp_link_args=-fprofile-instr-generate",
            env=dict(os.environ, CC="clang-14", CXX="clang++-14"))
    run("ninja", "-C", BUILD, *programs())
    (BUILD / "profiles").mkdir(exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        measured = list(pool.map(measure, programs()))
    for program, _, code in measured:
        if code:
            print("%s failed with %d" % (program.name, code))
    merged = BUILD / "merged.profdata"
    run("llvm-profdata-14", "merge", "-sparse", "-o", merged, *[profile for _, profile, _ in measured if profile.exists()])
    objects = [word for program, _, _ in measured[1:] for word in ("-object", program)]
    exported = run("llvm-cov-14", "export", "-format=lcov", "-instr-profile", merged, measured[0][0], *objects,
                   capture_output=True, text=True)
    files = read(exported.stdout)
    folders = collections.defaultdict(lambda: [0, 0, 0, 0])
    for name, (lines, branches) in files.items():
        for key in ("/".join(name.split("/")[:2]), "all of the core"):
            sums = folders[key]
            sums[0] += sum(1 for count in lines.values() if count)
            sums[1] += len(lines)
            sums[2] += sum(1 for taken in branches.values() if taken)
            sums[3] += len(branches)
    for folder in sorted(folders, key=lambda key: (key == "all of the core", key)):
        run_lines, lines, taken, branches = folders[folder]
        print("%-22s lines %5d of %5d (%5.1f %%)   branches %5d of %5d (%5.1f %%)" % (
            folder, run_lines, lines, 100 * run_lines / max(1, lines), taken, branches,
            100 * taken / max(1, branches)))
    print("\nthe longest pieces that nothing runs:")
    for name, start, end, count in pieces(files)[:arguments.pieces]:
        print("  %s:%d-%d  %d lines" % (name, start, end, count))
    return 1 if any(code for _, _, code in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
