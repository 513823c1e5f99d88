#!/usr/bin/env python3
"""Keeps what a fuzzing run found: keep.py BUILD [TARGET...] makes the corpora of BUILD/corpus as small as they cover the
same (libFuzzer's merge), and packs each as corpus/TARGET.tar.xz, from where seeds.py takes it. The same inputs give the
same archive."""
import argparse
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).parent


def pack(directory, archive):
    """What is written to `archive`: how many inputs, and how many bytes they have."""
    count = total = 0
    with tarfile.open(archive, "w:xz", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(directory.iterdir()):  # libFuzzer names an input by its SHA-1
            data = path.read_bytes()
            entry = tarfile.TarInfo(path.name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            count, total = count + 1, total + len(data)
    return count, total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("target", nargs="*", help="only these (default: all that have a corpus)")
    arguments = parser.parse_args()
    corpora = arguments.build / "corpus"
    if not corpora.is_dir():
        parser.error("%s has no corpus; run tests/fuzz/run %s first" % (arguments.build, arguments.build))
    programs = {path.name: arguments.build / "tests" / "fuzz" / ("fuzz_" + path.name)
                for path in sorted(corpora.iterdir())}
    for target in arguments.target:
        if target not in programs or not os.access(programs[target], os.X_OK):
            parser.error("%s is no target with a corpus in %s" % (target, arguments.build))
    failed = 0
    for target in arguments.target or programs:
        program = programs[target]
        if not os.access(program, os.X_OK):
            continue  # seeds of a structure that has no target
        with tempfile.TemporaryDirectory() as small:
            done = subprocess.run([program, "-merge=1", "-rss_limit_mb=2048", small, corpora / target],
                                  capture_output=True, text=True, errors="replace")
            if done.returncode:
                failed += 1
                print("%s: the merge failed:\n%s" % (target, done.stderr[-2000:]), file=sys.stderr)
                continue
            archive = HERE / "corpus" / (target + ".tar.xz")
            archive.parent.mkdir(exist_ok=True)
            print("%-20s %5d inputs, %8d bytes, packed %7d" % (
                target, *pack(pathlib.Path(small), archive), archive.stat().st_size), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
