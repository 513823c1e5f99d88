#!/usr/bin/env python3
"""Writes a seed corpus made from tests/vectors: seeds.py DIR makes DIR/<target>/<n> for each target."""
import json
import pathlib
import sys


def main():
    if len(sys.argv) != 2:
        print("usage: seeds.py DIR", file=sys.stderr)
        return 2
    out = pathlib.Path(sys.argv[1])
    vectors = pathlib.Path(__file__).parent.parent / "vectors"
    count = 0
    for path in sorted(vectors.glob("*.json")):
        if path.name == "hashes.json":
            continue
        for vector in json.loads(path.read_text()):
            target = "message" if vector["type"] == "Message" else vector["type"]
            directory = out / target
            directory.mkdir(parents=True, exist_ok=True)
            data = bytes.fromhex("".join(part.split()[0] for part in vector["parts"]))
            (directory / f"seed{count}").write_bytes(data)
            count += 1
    return 0


sys.exit(main())
