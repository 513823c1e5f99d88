#!/usr/bin/env python3
"""Writes a seed corpus: seeds.py DIR makes DIR/<target>/<name> for each target, from tests/vectors, from the
configurations of config_seeds.py, the requests of enrollment_seeds.py, the programs of node_seeds.py, and what is kept
in corpus/: findings as files, what earlier runs reached as archives (keep.py)."""
import json
import pathlib
import shutil
import sys
import tarfile

import config_seeds
import enrollment_seeds
import node_seeds

HERE = pathlib.Path(__file__).parent


def vectors():
    count = 0
    for path in sorted((HERE.parent / "vectors").glob("*.json")):
        if path.name == "hashes.json":
            continue
        for vector in json.loads(path.read_text()):
            target = "message" if vector["type"] == "Message" else vector["type"]
            yield target, f"seed{count}", bytes.fromhex("".join(part.split()[0] for part in vector["parts"]))
            count += 1


def main():
    if len(sys.argv) != 2:
        print("usage: seeds.py DIR", file=sys.stderr)
        return 2
    out = pathlib.Path(sys.argv[1])
    seeds = [*vectors(),
             *(("link_proof", name, len(data).to_bytes(3, "big") + data) for target, name, data in vectors()
               if target == "SecurityBlock"),
             *(("config_document", name, text.encode()) for name, text in config_seeds.documents()),
             *(("enrollment", name, data) for name, data in enrollment_seeds.requests()),
             *(("node", name, bytes(program)) for name, program in node_seeds.programs())]
    for target, name, data in seeds:
        directory = out / target
        directory.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    for kept in sorted((HERE / "corpus").glob("*")):
        if kept.is_dir():
            shutil.copytree(kept, out / kept.name, dirs_exist_ok=True)
        else:
            with tarfile.open(kept) as archive:
                archive.extractall(out / kept.name.removesuffix(".tar.xz"))
    return 0


sys.exit(main())
