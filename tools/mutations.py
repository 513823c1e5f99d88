#!/usr/bin/env python3
"""Shows that the tests notice: breaks one requirement of RFC 6940 after the other, as a careless programmer would, and
demands that a test case which names the requirement fails.

What is broken stands in tests/mutations/*.txt, one file for each component of the specification; see the README there.
Works in build/mutations on a copy of the tracked files. Takes half an hour, most of it in the compiler.
"""
import argparse
import collections
import html
import os
import pathlib
import re
import subprocess
import sys

import run_tests

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "mutations"
TREE = ROOT / "build" / "mutations" / "tree"
BUILD = ROOT / "build" / "mutations" / "build"
PROGRAM_SECONDS = 120
# The end is missing where the program was stopped in the middle of a case.
CASE = re.compile(r'<TestCase name="(?P<name>[^"]*)" filename="(?P<file>[^"]*)" line="(?P<line>\d+)"[^>]*>'
                  r'(?P<body>.*?)(?:</TestCase>|\Z)', re.S)

Mutation = collections.namedtuple("Mutation", "component row what file program old new")
Case = collections.namedtuple("Case", "file line name")


class Failed(Exception):
    """The mutation shows nothing, or shows that a test is missing."""


def read_mutations():
    mutations = []
    for path in sorted(DATA.glob("*.txt")):
        for block in re.split(r"\n{2,}", path.read_text().strip()):
            first, second, *change = block.split("\n")
            row, what = first.split(": ", 1)
            file, program = second.split()
            old, new = ("\n".join(line[2:] for line in change if line[0] == sign) for sign in "-+")
            mutations.append(Mutation(path.stem, row, what, file, program, old, new))
    return mutations


def place(mutation, text):
    """file:line of what is changed."""
    return "%s:%d" % (mutation.file, text[:text.index(mutation.old)].count("\n") + 1)


def copy_tree():
    """Writes only what differs, so that little is built again; what a stopped run left broken is whole after it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = {name for name in listed.split("\0") if (ROOT / name).is_file()}
    for path in TREE.rglob("*"):
        if path.is_file() and str(path.relative_to(TREE)) not in files:
            path.unlink()
    for name in files:
        source, target = ROOT / name, TREE / name
        content = source.read_bytes()
        if target.exists() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(source.stat().st_mode)


def set_up():
    """Program name -> path below BUILD."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", BUILD, TREE, "-Doptimization=0", "-Ddebug=false"], check=True)
    return {file.name: file for file in run_tests.test_targets(BUILD)}


def build(programs, jobs):
    """What the compiler says when it fails, else nothing."""
    done = subprocess.run(["ninja", "-C", BUILD, "-j%d" % jobs, *map(str, programs)], capture_output=True, text=True)
    return done.stdout if done.returncode else ""


def run(program, sources="*"):
    """Exit status and the cases that failed; of a program without end that in which it was."""
    # At the end of its time doctest is told to stop and ends its report first.
    done = subprocess.run(["timeout", "--kill-after=10", str(PROGRAM_SECONDS), BUILD / program, "--reporters=xml",
                           "--no-skipped-summary", "--source-file=" + sources],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    failed = []
    for found in CASE.finditer(done.stdout):
        if 'test_case_success="true"' not in found["body"]:
            file = pathlib.Path(os.path.normpath(BUILD / found["file"]))
            failed.append(Case(file, int(found["line"]), html.unescape(found["name"])))
    return done.returncode, failed


def names(text, row):
    return re.search(re.escape(row) + r"(?!\d)", text)


def text_of(case):
    """The case with the comment above it."""
    lines = case.file.read_text().split("\n")
    begin = case.line - 1
    while not lines[begin].startswith("TEST_CASE"):
        begin -= 1
    end = lines.index("}", begin)
    while lines[begin - 1].startswith("//"):
        begin -= 1
    return "\n".join(lines[begin:end])


def judge(mutation, program, jobs):
    """The failed case that names the row."""
    tests = [test for test in (TREE / program).parent.glob("*.cpp") if names(test.read_text(), mutation.row)]
    if not tests:
        raise Failed("SURVIVES: no test of %s names the row" % program.name)
    path = TREE / mutation.file
    whole = path.read_text() if path.exists() else ""
    if whole.count(mutation.old) != 1:
        raise Failed("no longer applies: its text is found %d times in the file" % whole.count(mutation.old))
    path.write_text(whole.replace(mutation.old, mutation.new))
    try:
        if errors := build([program], jobs):
            raise Failed("does not build:\n" + errors[-4000:])
        status, failed = run(program, ",".join("*/" + test.name for test in tests))
    finally:
        path.write_text(whole)
    if status == 0:
        raise Failed("SURVIVES: %s pass" % ", ".join(test.name for test in tests))
    for case in failed:
        if names(text_of(case), mutation.row):
            return case
    raise Failed("SURVIVES: no case that names the row fails, only: " + (
        "; ".join(case.name for case in failed) or "the program ends with %d" % status))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="say what would be broken and end")
    parser.add_argument("--only", default="", metavar="TEXT", help="only where row, file or component contains TEXT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="for ninja (default: all cores)")
    arguments = parser.parse_args()
    mutations = [one for one in read_mutations()
                 if any(arguments.only in text for text in (one.row, one.file, one.component))]
    if not mutations:
        parser.error("no row, file or component contains " + arguments.only)
    if arguments.list:
        for one in mutations:
            print("%-14s %-16s %-40s %-16s %s" % (one.component, one.row, one.file, one.program, one.what))
        return 0

    copy_tree()
    paths = set_up()
    needed = [paths[name] for name in sorted({one.program for one in mutations})]
    if errors := build(needed, arguments.jobs):
        print("the build failed\n%s\n0 passed, 1 failed" % errors[-4000:])
        return 1
    for program in needed:
        status, failed = run(program)
        if status:
            print("%s fails before anything is broken: %s\n0 passed, 1 failed" % (
                program.name, "; ".join(case.name for case in failed) or "it ends with %d" % status))
            return 1
    passed = 0
    for one in mutations:
        text = (ROOT / one.file).read_text() if (ROOT / one.file).exists() else ""
        where = place(one, text) if one.old in text else one.file
        try:
            case = judge(one, paths[one.program], arguments.jobs)
        except Failed as why:
            print("FAIL  %s | %s | %s | %s" % (one.row, where, one.what, why), flush=True)
            continue
        passed += 1
        print("ok    %s | %s | %s | %s:%d %s" % (one.row, where, one.what, case.file.name, case.line, case.name),
              flush=True)
    print("%d passed, %d failed" % (passed, len(mutations) - passed))
    return 0 if passed == len(mutations) else 1


if __name__ == "__main__":
    sys.exit(main())
