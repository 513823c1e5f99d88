#!/usr/bin/env python3
"""Makes the figures of docs/evaluation again: runs reload-sim for each point, keeps its JSON, draws the plots.

  docs/evaluation/run.py --sim BUILD/tools/reload-sim            run what is not there yet, then draw
  docs/evaluation/run.py --sim BUILD/tools/reload-sim --only hops
  docs/evaluation/run.py --draw                                  draw from the results that are there

Results go to --results (default docs/evaluation/results), one JSON file a run; delete a file to run it again. A run has
one core; --jobs says how many go at once. Plots need python3-matplotlib.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SIZES = [16, 32, 64, 128, 256, 512, 1000, 2000, 5000, 10000]
SESSIONS = ["10min", "20min", "30min", "1h", "2h", "4h", "8h"]
VANISH = [10, 30, 50]


def runs(short):
    """name -> arguments of reload-sim, by group. `short`: an hour in place of a day."""
    groups = {"hops": {}, "churn": {}, "rest": {}, "vanish": {}, "merge": {}}
    for size in SIZES:
        gap = "100ms" if size <= 1000 else "20ms"
        groups["hops"]["hops-%05d" % size] = [
            "--peers", size, "--users", min(size, 1000), "--time", "20min", "--lookup-every", "3min", "--join-gap", gap]
    for session in SESSIONS:
        groups["churn"]["churn-" + session] = [
            "--peers", 1000, "--users", 1000, "--time", "1h" if short else "1d", "--session", session, "--loss", 1,
            "--leave", 0]
    for size in (16, 128, 1000):
        groups["rest"]["rest-%05d" % size] = ["--peers", size, "--time", "2h"]
    for part in VANISH:
        for seed in (1, 2, 3):
            groups["vanish"]["vanish-%d-%d" % (part, seed)] = [
                "--peers", 500, "--users", 1000, "--time", "20min", "--vanish", "%d@5min" % part, "--seed", seed]
    for seed in (1, 2, 3):
        groups["merge"]["merge-%d" % seed] = [
            "--peers", 200, "--users", 400, "--shared-users", 100, "--time", "150min",
            "--partition", "50@10min+1h", "--refresh", "20min", "--seed", seed]
    return groups


def run_one(sim, name, arguments, results):
    started = time.time()
    target = results / (name + ".json")
    part = results / (name + ".part")
    done = subprocess.run([sim, "--quiet", "--json", str(part)] + [str(a) for a in arguments], capture_output=True,
                          text=True)
    if done.returncode > 1:
        return "%s: %s" % (name, done.stderr.strip())
    # On one line: what is kept in the tree is for programs to read.
    target.write_text(json.dumps(json.loads(part.read_text()), separators=(",", ":")) + "\n")
    part.unlink()
    return "%s: %s, %.0f s" % (name, "good" if done.returncode == 0 else "FAULTS", time.time() - started)


def load(results, prefix):
    return {p.stem: json.loads(p.read_text()) for p in sorted(results.glob(prefix + "-*.json"))}


def seconds(session):
    units = {"min": 60, "h": 3600}
    unit = "min" if session.endswith("min") else "h"
    return int(session[:-len(unit)]) * units[unit]


def draw(results, out):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "reload"  # the same results give the same file
    import matplotlib.pyplot as plot
    import math

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(out / (name + ".svg"), metadata={"Date": None})
        plot.close(figure)

    hops = load(results, "hops")
    if hops:
        rows = sorted((r["options"]["peers"], r) for r in hops.values())
        sizes = [n for n, _ in rows]
        figure, (left, right) = plot.subplots(1, 2, figsize=(10, 4))
        left.plot(sizes, [r["mean_fetch_hops"] for _, r in rows], "o-", label="mean of look-ups")
        left.plot(sizes, [0.5 * math.log2(n) + 1 for n in sizes], "--", label="½ log₂ N + 1")
        left.set(xscale="log", xlabel="peers", ylabel="hops")
        left.legend()
        for key, label in (("p50", "median"), ("p90", "90 %"), ("p99", "99 %")):
            right.plot(sizes, [r["lookups"]["latency_ms"][key] for _, r in rows], "o-", label=label)
        right.set(xscale="log", xlabel="peers", ylabel="look-up, ms (links of 5 to 40 ms)", ylim=0)
        right.legend()
        save(figure, "hops")

    churn = {name[len("churn-"):]: r for name, r in load(results, "churn").items()}
    names = [s for s in SESSIONS if s in churn]
    if names:
        figure, (left, middle, right) = plot.subplots(1, 3, figsize=(14, 4))
        x = [seconds(s) / 60 for s in names]
        failed = [1 - churn[s]["lookups"]["first_try"] / max(1, churn[s]["lookups"]["done"]) for s in names]
        left.plot(x, [100 * f for f in failed], "o-")
        left.set(xscale="log", ylabel="look-ups that failed at the first try, %", ylim=0)
        lost = [churn[s]["values"]["lost"] - churn[s]["values"]["lost_excused"] for s in names]
        middle.plot(x, lost, "o-", label="lost")
        middle.plot(x, [churn[s]["values"]["lost_excused"] for s in names], "s--",
                    label="lost, all three holders killed within 30 s")
        middle.set(xscale="log", ylabel="acknowledged values in the whole run")
        middle.legend()
        right.plot(x, [churn[s]["run"]["bytes_per_peer_second"] for s in names], "o-", label="with the workload")
        rest = load(results, "rest").get("rest-01000")
        if rest:
            right.axhline(rest["run"]["bytes_per_peer_second"], linestyle="--", label="at rest, without users")
        right.set(xscale="log", ylabel="bytes/s and peer", ylim=0)
        right.legend()
        for axis in (left, middle, right):
            axis.set(xlabel="mean session")
            axis.set_xticks(x, names)
            axis.set_xticks([], minor=True)
        save(figure, "churn")
        figure, axis = plot.subplots(figsize=(10, 3.5))
        for session in names:
            samples = churn[session]["samples"]
            axis.plot([s["at_s"] / 3600 for s in samples], [s["heap_bytes"] / 1048576 for s in samples], label=session)
        axis.set(xlabel="h", ylabel="heap of 1000 peers, MiB", ylim=0)
        axis.legend(title="session", ncol=4)
        save(figure, "memory")

    vanish = load(results, "vanish")
    if vanish:
        figure, axis = plot.subplots(figsize=(6, 4))
        for what, mark in (("ring_s", "o"), ("copies_s", "s")):
            points = [(r["options"]["vanish"][0]["per_cent"], h[what]) for r in vanish.values() for h in r["healings"]
                      if h[what] is not None]
            axis.plot([p[0] for p in points], [p[1] for p in points], mark,
                      label={"ring_s": "one ring", "copies_s": "three copies of all"}[what])
        axis.set(xlabel="peers that vanish at once, %", ylabel="s", ylim=0)
        axis.legend()
        save(figure, "vanish")


def table(results):
    print("%-16s %-6s %9s %10s %8s %9s %8s %8s %9s" % (
        "run", "", "messages", "first try", "no.lost", "excused", "B/s/peer", "hops", "CPU s"))
    for path in sorted(results.glob("*.json")):
        r = json.loads(path.read_text())
        done = r["lookups"]["done"]
        print("%-16s %-6s %9d %9.4f%% %8d %9d %8.0f %8.2f %9.0f" % (
            path.stem, "good" if r["good"] else "FAULTS", r["messages"],
            100 * r["lookups"]["first_try"] / done if done else 0,
            r["values"]["lost"] - r["values"]["lost_excused"], r["values"]["lost_excused"],
            r["run"]["bytes_per_peer_second"], r["mean_fetch_hops"], r["cost"]["cpu_s"]))
        for h in r["healings"]:
            print("  %s: one ring after %s s, three copies after %s s" % (h["what"], h["ring_s"], h["copies_s"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", help="the program reload-sim")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="directory for the plots")
    parser.add_argument("--only", action="append", help="this group only: hops, churn, rest, vanish, merge; repeatable")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="churn for an hour in place of a day, to try things out")
    parser.add_argument("--draw", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if not arguments.draw and not arguments.sim:
        parser.error("--sim names the program to run, like build/tools/reload-sim; or give --draw")
    arguments.results.mkdir(parents=True, exist_ok=True)
    if not arguments.draw:
        todo = [(name, line) for group, lines in runs(arguments.short).items()
                if not arguments.only or group in arguments.only for name, line in lines.items()
                if not (arguments.results / (name + ".json")).exists()]
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for number, line in enumerate(pool.map(
                    lambda job: run_one(arguments.sim, job[0], job[1], arguments.results), todo), 1):
                print("%d of %d: %s" % (number, len(todo), line), flush=True)
    table(arguments.results)
    draw(arguments.results, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
