#!/usr/bin/env python3
"""Writes docs/why-cant-i-run.md from what `mlbench fit` answers.

    tools/fit/make_docs.py [--check] [--mlbench PATH]

--check exits 1 when the page is not what the program says now. The program is build/*/bin/mlbench unless named.
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/why-cant-i-run.md"
MODEL = "Mistral-7B"
MACS = ["M1 8c 8GB", "M1 8c 16GB", "M3 Pro 14c 18GB", "M5 10c 24GB", "M1 Max 32c 32GB", "M3 Max 30c 36GB", "M4 Pro 20c 48GB",
        "M4 Max 40c 64GB", "M4 Max 40c 128GB"]
CARDS = ["RTX 3060", "RTX 4060 Ti", "RTX 4090", "RTX 5090", "A100 80GB", "H100"]


class Program:
    def __init__(self, path):
        self.path = path

    def fit(self, *words):
        command = [str(self.path), "fit", MODEL, *words, "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def gib(count):
    return f"{count / 2**30:.1f}"


def gb(count):
    return f"{count / 1e9:.1f}"


def speed(answer):
    r = answer["decode_tokens_per_s"]
    digits = 1 if r["low"] < 20 else 0
    return f"{r['low']:.{digits}f} to {r['high']:.{digits}f}"


def verdict(answer):
    if answer["fits"]:
        return f"fits, {speed(answer)} tok/s"
    return "no"


def binding(answer):
    names = {"working_set": "GPU working set", "memory": "memory", "largest_buffer": "largest buffer"}
    return names.get(answer["binding_limit"], "none")


def raised(answer):
    """The wired limit's option: the command, or a dash."""
    for o in answer["options"]:
        if "GPU's limit raised" in o["change"] and o["fits"]:
            return f"`{o['command']}`"
    return "-"


def mac_rows(program):
    for machine in MACS:
        full = program.fit("--dtype", "float16", "--machine", machine)
        eight = program.fit("--quant", "8bit", "--machine", machine)
        four = program.fit("--quant", "4bit", "--machine", machine)
        limits = full["limits"]
        yield [full["machine"], gib(limits["largest_buffer_bytes"]), gib(limits["working_set_bytes"]), verdict(full),
               binding(full), verdict(eight), verdict(four), "-" if full["fits"] else raised(full)]


def card_rows(program):
    for machine in CARDS:
        full = program.fit("--quant", "f16", "--machine", machine)
        eight = program.fit("--quant", "q8_0", "--machine", machine)
        four = program.fit("--quant", "q4_0", "--machine", machine)
        yield [full["machine"], gib(full["limits"]["working_set_bytes"]), verdict(full), verdict(eight), verdict(four)]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def needs(answer):
    parts = [(f"weights, {answer['parameters']:,} at {answer['bits_per_weight']:.0f} bit", "weights_bytes"),
             ("KV cache of 2048 tokens", "kv_bytes"), ("activations of the prompt", "activation_bytes"),
             ("the framework's own", "overhead_bytes"), ("**together**", "total_bytes"),
             (f"largest single buffer (the {answer['largest_buffer']})", "largest_buffer_bytes")]
    return table(["what", "GiB (2^30)", "GB (10^9)"],
                 [[name, f"{answer[key] / 2**30:.2f}", f"{answer[key] / 1e9:.2f}"] for name, key in parts])


def page(program):
    m5 = program.fit("--dtype", "float16", "--machine", "M5 10c 24GB")
    share = m5["largest_buffer_bytes"] / m5["limits"]["largest_buffer_bytes"]
    return f"""<!-- Written by tools/fit/make_docs.py from what mlbench fit answers; edit that script, not this page. -->
# Why can't I run Mistral-7B?

You probably can. In float16 it needs {gib(m5['total_bytes'])} GiB ({gb(m5['total_bytes'])} GB), which fits a Mac of
24 GiB; in 4 bit it fits one of 8 GiB. `mlbench fit {MODEL}` answers for your machine, and `mlbench fit MODEL --machine
"M4 Max 40c 64GB"` for another one and any other model. Everything below is predicted; [fit.md](fit.md) has the formulas.

## What it needs

{MODEL} (v0.3) in float16, one sequence of 2048 tokens, with mlx-lm:

{needs(m5)}

## Which limit is which

A GPU on a Mac has three limits, and each need has its own:

- **One buffer** (Metal's `maxBufferLength`): the largest *single* tensor. Here it is the {m5['largest_buffer']}, with
  {m5['largest_buffer_bytes'] / 2**20:.0f} MiB, {100 * share:.0f} % of what an M5 with 24 GiB takes.
- **The GPU's working set** (`recommendedMaxWorkingSetSize`): everything that the GPU uses *together*. This is the limit
  that large models meet. `sudo sysctl iogpu.wired_limit_mb=N` raises it until the next restart; it does not raise the limit
  of one buffer.
- **Memory**: the same bytes, because CPU and GPU share them, and what macOS and other programs need beside.

## On Macs

Limits in GiB, derived for macOS 26; older systems give the GPU less (24 GiB: 16.0 instead of 17.8). On the Mac itself,
`mlbench discover` shows what Metal tells. Speeds are for decoding; the range is wide because your version of MLX is not known.

{table(["Mac", "one buffer", "working set", "float16", "what binds", "8 bit", "4 bit", "makes float16 fit"], mac_rows(program))}

Moving layers to the CPU avoids the GPU's limit on a Mac but frees no memory, because both share it.

## On NVIDIA cards

With llama.cpp (F16, Q8_0, Q4_0); GiB of the card less 512 MiB for its driver. Here layers that do not fit can stay in the
machine's own memory, at the price of the CPU's speed for these.
The cards' sizes and bandwidths were checked against copies of NVIDIA's documents, or press tables where there are none (data/gpus.csv says which).

{table(["card", "GiB", "F16", "Q8_0", "Q4_0"], card_rows(program))}

## What the page this project grew from said, and why it was not so

It said: "MPS can only allocate 12GB per tensor, and Mistral-7B needs ~14GB", and counted 18 to 22 GB together.

1. **12 GB was a step of its own grid, not a limit.** The test tried ..., 10, 12, 16 GB and reported the largest that passed.
   Its Mac, with 24 GiB and macOS 26, takes {gib(m5['limits']['largest_buffer_bytes'])} GiB in one buffer, between two steps of
   that grid.
2. **A limit for one tensor was held against all tensors together.** No tensor of this model is larger than
   {m5['largest_buffer_bytes'] / 2**20:.0f} MiB. The need for all of them, {gib(m5['total_bytes'])} GiB, meets another
   limit, the working set of {gib(m5['limits']['working_set_bytes'])} GiB, and is below it.
3. **The KV cache was taken 7 to 15 times too large.** The model has 8 KV heads for 32 query heads: 128 KiB a token in
   16 bit, {m5['kv_bytes'] / 2**30:.2f} GiB for 2048 tokens, not 2 to 4 GB. The activations of
   a prompt are {m5['activation_bytes'] / 2**30:.2f} GiB, not 2 to 4 GB.
4. **GB and GiB were mixed.** Weights of {m5['weights_bytes'] / 1e9:.1f} GB are {m5['weights_bytes'] / 2**30:.1f} GiB, and a
   Mac with "24 GB" has 24 GiB.
5. **One of its cures could not work**: offloading to the CPU frees no unified memory. 4 bit does help: {gib(program.fit("--quant", "4bit", "--machine", "M5 10c 24GB")['total_bytes'])} GiB, and about three times the
   speed.

Later measurements in the same repository ran the model in float16 on that very Mac, at 7.7 tokens a second with PyTorch; the range above
holds that.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--mlbench", type=pathlib.Path)
    options = parser.parse_args()
    path = options.mlbench or next(iter(sorted(ROOT.glob("build/*/bin/mlbench"))), None)
    if path is None:
        parser.error("there is no build/*/bin/mlbench; build first or name one with --mlbench")
    text = page(Program(path))
    if options.check:
        same = PAGE.exists() and PAGE.read_text() == text
        print("docs/why-cant-i-run.md " + ("is what mlbench fit says" if same else "is out of date: run tools/fit/make_docs.py"))
        return 0 if same else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
