#!/usr/bin/env python3
"""Random faults: runs reload-sim for one seed after the other, each with peers, churn, loss, partitions and a workload
drawn from the seed. A run that reload-sim calls bad is printed with the command that shows it again.

  RELOAD_BUILD=BUILD tests/sim/soak.py                    the seeds that failed once, then a few more (tools/test)
  RELOAD_BUILD=BUILD tests/sim/soak.py --minutes 60       new seeds for an hour, from --first on
  RELOAD_BUILD=BUILD tests/sim/soak.py --seed 17          this seed
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys
import time

# Each found a fault when it was first run: datagram links that never came out of an overload (10, 11, 2003, 2041, 3106,
# 3153), a leaving peer with the only copy of a value (1000), copies thought to be at peers that had deleted them (2009)
# or never got them (3260), values acknowledged of which no replica had a copy (3374, 7009), or an unjust checker.
REGRESSIONS = [10, 11, 1000, 1020, 1021, 1022, 2003, 2009, 2041, 3003, 3106, 3153, 3260, 3374, 7009]
SHORT = range(1, 7)


def options(seed):
    """The same for the same seed, on every machine. Each seed leaves some kinds of fault out."""
    draw = random.Random(seed)
    peers = draw.choice([8, 15, 30, 60, 100, 150])
    minutes = draw.choice([20, 40, 90])
    line = ["--seed", seed, "--peers", peers, "--users", draw.choice([peers, 2 * peers, 200]),
            "--time", "%dmin" % minutes,
            "--latency", draw.choice(["1ms", "20ms", "5ms-40ms", "2ms-300ms", "10ms+40ms"]),
            "--join-gap", draw.choice(["0s", "20ms", "100ms", "1s"]),
            "--lifetime", draw.choice(["10min", "1h"]), "--refresh", draw.choice(["4min", "8min"]),
            "--lookup-every", draw.choice(["1min", "5min"]),
            "--bootstrap-nodes", draw.choice([1, 3, 5])]
    if draw.random() < 0.6:
        line += ["--loss", draw.choice([0.1, 1, 3, 5])]
    if draw.random() < 0.4:
        line += ["--datagrams"]
    if draw.random() < 0.7:
        line += ["--session", draw.choice(["10min", "30min", "2h"]), "--absence", draw.choice(["5s", "1min", "10min"]),
                 "--leave", draw.choice([0, 30, 100])]
    if draw.random() < 0.3:
        line += ["--partition", "%d@%dmin+%s" % (draw.choice([10, 30, 50]), draw.randint(2, 8),
                                                 draw.choice(["5s", "40s", "5min"]))]
        line += ["--shared-users", draw.choice([0, 5])]
    if draw.random() < 0.3:
        line += ["--vanish", "%d@%dmin" % (draw.choice([5, 10, 30]), draw.randint(2, 12))]
    if draw.random() < 0.2:
        line += ["--periodic"]
    if draw.random() < 0.3:
        line += ["--update-interval", draw.choice(["1min", "3min"]), "--ping-interval", "10min"]
    return [str(word) for word in line]


def run(sim, seed, limit):
    command = [sim, "--quiet"] + options(seed)
    started = time.time()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return seed, False, "no end after %d s" % limit, time.time() - started
    text = done.stdout + done.stderr
    if done.returncode not in (0, 1):
        text += "\nexit status %d" % done.returncode
    return seed, done.returncode == 0, text, time.time() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", help="the program reload-sim (default: RELOAD_BUILD/tools/reload-sim)")
    parser.add_argument("--minutes", type=float, help="new seeds for so long")
    parser.add_argument("--first", type=int, default=1000, help="the first of them")
    parser.add_argument("--seed", type=int, action="append", help="this seed; repeatable")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=int, default=900, help="seconds that one run may take")
    arguments = parser.parse_args()
    sim = arguments.sim or str(pathlib.Path(os.environ.get("RELOAD_BUILD", "build")) / "tools" / "reload-sim")
    if not os.access(sim, os.X_OK):
        parser.error("%s is no program; build tools/reload-sim and name the build in RELOAD_BUILD" % sim)
    end = time.time() + 60 * arguments.minutes if arguments.minutes else None
    seeds = arguments.seed or (range(arguments.first, 1 << 31) if end else [*REGRESSIONS, *SHORT])
    passed = failed = 0
    spent = 0.0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting, left = set(), iter(seeds)
        while True:
            while len(waiting) < arguments.jobs and (not end or time.time() < end):
                seed = next(left, None)
                if seed is None:
                    break
                waiting.add(pool.submit(run, sim, seed, arguments.limit))
            if not waiting:
                break
            done, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for result in done:
                seed, good, text, took = result.result()
                spent += took
                passed, failed = passed + good, failed + (not good)
                if not good:
                    print("seed %d failed: reload-sim %s\n%s" % (seed, " ".join(options(seed)), text), flush=True)
                elif end and (passed + failed) % 20 == 0:
                    print("%d seeds, %.0f s of runs, the last %d" % (passed + failed, spent, seed), flush=True)
    print("%.0f s of runs" % spent)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
