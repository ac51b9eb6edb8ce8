#!/usr/bin/env python3
"""How well does one measured model predict others on the same machine? Each run of `mlbench llm` (or `fit --measure`)
in a folder in turn is all that `mlbench fit` may look at, and it predicts every other run there.

    tools/fit/held_out.py FOLDER [--mlbench PATH] [--as-if-here] [--rows]

--as-if-here: the runs are of another machine; copies of them get this machine's name, so that `fit` takes them for its
own. --rows prints every prediction. What a run says of another run of the same model is counted apart: no prediction
of other models can be better than that. Errors are |predicted / measured - 1|. Plain Python, no packages.
"""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

from fit_constants import ROOT, quantile

CASE = re.compile(r"(?P<what>prefill|decode)/(?P<dtype>\w+)/(?P<model>.+)_[pd](?P<tokens>\d+)(_t(?P<written>\d+))?_b(?P<batch>\d+)$")


def mlbench(program, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 6):
        raise SystemExit(f"{' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def read(program, journal, here):
    """The journal's text, as if it had been measured here where that is wanted, and what it measured:
    {(framework, what): (model, dtype, tokens, batch, tokens/s)}."""
    header, *rest = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    if here:
        header = json.loads(header)
        header["machine"]["cpu"]["name"] = here["cpu"]["name"]
        header["machine"]["memory"]["total_bytes"] = here["memory"]["total_bytes"]
        header["machine"]["os"]["version"] = here["os"]["version"]
        if ":cpu\"" in rest[0]:  # its CPU was measured, whatever GPU it has
            header["machine"]["gpus"] = []
        header = json.dumps(header) + "\n"
    found, lines = {}, [json.loads(line) for line in rest]
    models = {line["case"]: line["params"]["model"] for line in lines if line["type"] == "case" and "model" in line["params"]}
    asked = next(iter(models.values()))  # others are measured beside it
    for case in mlbench(program, "report", journal)["cases"]:
        name = CASE.match(case["case"])
        if name is None or case["status"] != "ok" or "quant" in case["case"] or case["time_s"] is None or models[case["case"]] != asked:
            continue
        tokens, batch = int(name["tokens"]), int(name["batch"])
        passed = batch * (tokens if name["what"] == "prefill" else int(name["written"]))
        found[case["subject"].split(":")[0], name["what"]] = (asked, name["dtype"], tokens, batch, passed / case["time_s"]["median"])
    return header + "".join(rest), found


def predictions(program, runs):
    """(framework, what, base, other, tokens, predicted range, measured) of every run from every other one."""
    for base, (text, known) in runs.items():
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / base).write_text(text, encoding="utf-8")
            for other, (_, wanted) in runs.items():
                for (framework, what), (model, dtype, tokens, batch, rate) in wanted.items():
                    if other == base or (framework, what) not in known:
                        continue
                    answer = mlbench(program, "fit", model, "--dtype", dtype, "--context", tokens, "--batch", batch,
                                     "--runtime", framework, "--results", folder)
                    predicted = answer[f"{what}_tokens_per_s"]
                    if predicted and answer["correction"]:
                        yield framework, what, known[framework, what][0], model, tokens, predicted, rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--mlbench", default=ROOT / "build/release/bin/mlbench")
    parser.add_argument("--as-if-here", action="store_true")
    parser.add_argument("--rows", action="store_true")
    options = parser.parse_args()
    here = mlbench(options.mlbench, "discover")["machine"] if options.as_if_here else None
    runs = {path.name: read(options.mlbench, path, here) for path in sorted(options.folder.glob("*.jsonl"))}
    errors = {}
    for framework, what, base, other, tokens, predicted, measured in predictions(options.mlbench, runs):
        error = predicted["value"] / measured - 1
        in_range = predicted["low"] <= measured <= predicted["high"]
        same = base == other
        errors.setdefault((framework, what, same), []).append((abs(error), in_range))
        if options.rows:
            print(f"{framework} {what}: {base} -> {other} at {tokens}: {predicted['value']:.4g} for {measured:.4g} tok/s ({100 * error:+.1f} %)")
    for (framework, what, same), list_ in sorted(errors.items()):
        sizes = [size for size, _ in list_]
        print(f"{framework} {what}, {'another run of the same model' if same else 'other models'}: {len(list_)} predictions, "
              f"median error {100 * quantile(sizes, 0.5):.1f} %, 95th percentile {100 * quantile(sizes, 0.95):.1f} %, "
              f"{sum(held for _, held in list_)} in range")


if __name__ == "__main__":
    main()
