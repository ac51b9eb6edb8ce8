#!/usr/bin/env python3
"""Are our decoders as fast as what people run? Interleaves, call by call and with the same weights, the worker's prefill
and decode with Hugging Face transformers' generate() (torch) or mlx-lm's generate_step() (mlx), on the CPU, and prints
the ratio of their times. Needs transformers or mlx-lm beside torch and mlx; on Linux start the mlx one with
LD_PRELOAD=libopenblas.so.0, or mlx-lm computes with the slow BLAS of its wheel.

    python tools/llm/against_users.py torch|mlx WORKER [--dtype float32] [--quant 4bit] [--pairs 7] [--prompt 128]
"""
import argparse
import json
import statistics
import subprocess
import tempfile
import time

import numpy as np

from make_reference import values

CONFIG = dict(model_type="llama", num_hidden_layers=12, hidden_size=768, num_attention_heads=12, num_key_value_heads=4,
              intermediate_size=2048, vocab_size=32000, max_position_embeddings=32768, rms_norm_eps=1e-5,
              rope_theta=500000.0, tie_word_embeddings=False)  # synthetic-122M of src/model/maths.cpp
TOKENS, SEED = 16, 1


def weight(name, shape):
    u = values(name, int(np.prod(shape)), SEED).reshape(shape)
    return u * np.float32(np.sqrt(3.0 / shape[1])) if len(shape) > 1 else np.float32(1) + np.float32(0.1) * u


class Worker:
    """One case of a worker, spoken to by docs/protocol.md."""

    def __init__(self, program, workload, dtype, params):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL)
        self.process.stdout.readline()
        self.id = 0
        body = self.ask("prepare", workload=workload, dtype=dtype, params=params, device="cpu", seed=SEED)
        self.case = body["case"]
        self.ask("warm", case=self.case, min_s=1, max_s=5)

    def ask(self, verb, **fields):
        self.id += 1
        self.process.stdin.write(json.dumps({"id": self.id, "verb": verb, **fields}) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        if not reply["ok"]:
            raise SystemExit(reply["error"]["message"])
        return reply

    def call_s(self):
        return self.ask("block", case=self.case, calls=1, samples=1)["samples_s"][1]


class Transformers:
    def __init__(self, dtype, quant, prompt):
        import torch
        import transformers
        assert not quant, "transformers has no 4-bit kernel for CPUs of its own"
        self.torch = torch
        config = transformers.LlamaConfig(**{k: v for k, v in CONFIG.items() if k != "model_type"}, bos_token_id=None,
                                          eos_token_id=None, pad_token_id=0)
        self.model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")
        self.model.load_state_dict({k: torch.from_numpy(weight(k, list(p.shape)))
                                    for k, p in self.model.named_parameters()}, strict=False)
        self.model = self.model.to(getattr(torch, dtype)).eval()
        self.ids = torch.arange(prompt).reshape(1, -1) * 37 % CONFIG["vocab_size"]

    def times_s(self):
        stamps = []

        class Streamer:
            def put(self, _):
                stamps.append(time.perf_counter())

            def end(self):
                pass

        with self.torch.inference_mode():
            self.model.generate(self.ids, attention_mask=self.torch.ones_like(self.ids), max_new_tokens=TOKENS + 1,
                                do_sample=False, streamer=Streamer())
        return stamps[1] - stamps[0], (stamps[-1] - stamps[1]) / TOKENS  # the prompt is put first


class MlxLm:
    def __init__(self, dtype, quant, prompt):
        import mlx.core as mx
        import mlx.nn as nn
        from mlx.utils import tree_flatten
        from mlx_lm.generate import generate_step
        from mlx_lm.models import llama
        self.mx, self.generate_step = mx, generate_step
        mx.set_default_device(mx.cpu)
        mx.set_cache_limit(2 << 30)  # as our worker, or every larger buffer would be faulted in again
        self.model = llama.Model(llama.ModelArgs.from_dict(CONFIG))
        names = [(k, list(p.shape)) for k, p in tree_flatten(self.model.parameters())]
        self.model.load_weights([(k, mx.array(weight(k, s)).astype(getattr(mx, dtype))) for k, s in names])
        if quant:
            nn.quantize(self.model, group_size=64, bits=int(quant[0]))
        mx.eval(self.model.parameters())
        self.ids = mx.arange(prompt) * 37 % CONFIG["vocab_size"]

    def times_s(self):
        stamps = [time.perf_counter()]
        for _ in self.generate_step(self.ids, self.model, max_tokens=TOKENS + 1):
            stamps.append(time.perf_counter())
        # generate_step is one token ahead: the first yield waits for prompt and first token only.
        return stamps[1] - stamps[0], (stamps[-1] - stamps[1]) / TOKENS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=["torch", "mlx"])
    parser.add_argument("worker")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--quant", default="")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--prompt", type=int, default=128)
    options = parser.parse_args()
    theirs = (Transformers if options.framework == "torch" else MlxLm)(options.dtype, options.quant, options.prompt)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/config.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(CONFIG, file)
        model = {"model": path, "batch": 1, **({"quant": options.quant} if options.quant else {})}
        prefill = Worker(options.worker, "prefill", options.dtype, {**model, "prompt": options.prompt})
        decode = Worker(options.worker, "decode", options.dtype, {**model, "depth": options.prompt, "tokens": TOKENS})
        theirs.times_s()
        rows = []
        for _ in range(options.pairs):
            first, token = theirs.times_s()
            rows.append((first, prefill.call_s(), token, decode.call_s() / TOKENS))
    for name, tokens, a, b in (("prefill", options.prompt, 0, 1), ("decode", 1, 2, 3)):
        ratio = statistics.median(r[a] / r[b] for r in rows)
        print(f"{options.framework} {options.quant or options.dtype} {name}: theirs "
              f"{tokens / statistics.median(r[a] for r in rows):.1f} tok/s, ours "
              f"{tokens / statistics.median(r[b] for r in rows):.1f} tok/s, ratio {ratio:.2f} "
              f"({', '.join(f'{r[a] / r[b]:.2f}' for r in rows)})")


if __name__ == "__main__":
    main()
