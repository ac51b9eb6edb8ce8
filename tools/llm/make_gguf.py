#!/usr/bin/env python3
"""Writes tests/data/gguf/: small random models as GGUF files, with what Hugging Face transformers computes from each
(it reads GGUF itself): logits of two sequences in float32, and the tokens that generate() appends to the first; and
blocks.safetensors, random blocks of every quantised type with their values as the gguf package dequantises them. Needs
torch, transformers, safetensors and gguf (llama.cpp's own Python package); the tests only read the files.

    python tools/llm/make_gguf.py
"""
import importlib.metadata
import pathlib

import gguf
import numpy as np
import torch
import transformers as tf
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/data/gguf"
BATCH, COUNT, GREEDY, VOCAB = 2, 20, 12, 48
LAYERS, HIDDEN, HEADS, KV, WIDTH, CONTEXT = 2, 32, 4, 2, 64, 128
MODELS = {  # name: architecture, type of matrices, width of a head
    "llama": ("llama", Type.F32, 8), "llama_q8_0": ("llama", Type.Q8_0, 8), "llama_q4_0": ("llama", Type.Q4_0, 8),
    "llama_q4_1": ("llama", Type.Q4_1, 8), "qwen2_q5_0": ("qwen2", Type.Q5_0, 8), "qwen3_f16": ("qwen3", Type.F16, 16),
    "phi3_bf16": ("phi3", Type.BF16, 8), "gemma2": ("gemma2", Type.F32, 16), "gemma3_q5_1": ("gemma3", Type.Q5_1, 16)}


def layer_tensors(arch, rng, head):
    """Names as llama.cpp writes them, and shapes [out, in] of matrices, [n] of vectors."""
    gemma = arch.startswith("gemma")
    shapes = {"attn_norm.weight": [HIDDEN], "ffn_norm.weight": [HIDDEN], "attn_output.weight": [HIDDEN, HEADS * head],
              "ffn_down.weight": [HIDDEN, WIDTH]}
    if arch == "phi3":
        shapes |= {"attn_qkv.weight": [(HEADS + 2 * KV) * head, HIDDEN], "ffn_up.weight": [2 * WIDTH, HIDDEN]}
    else:
        shapes |= {"attn_q.weight": [HEADS * head, HIDDEN], "attn_k.weight": [KV * head, HIDDEN],
                   "attn_v.weight": [KV * head, HIDDEN], "ffn_gate.weight": [WIDTH, HIDDEN],
                   "ffn_up.weight": [WIDTH, HIDDEN]}
    if arch == "qwen2":
        shapes |= {"attn_q.bias": [HEADS * head], "attn_k.bias": [KV * head], "attn_v.bias": [KV * head]}
    if arch in ("qwen3", "gemma3"):
        shapes |= {"attn_q_norm.weight": [head], "attn_k_norm.weight": [head]}
    if gemma:
        shapes |= {"post_attention_norm.weight": [HIDDEN], "post_ffw_norm.weight": [HIDDEN]}
    return {name: value(name, shape, rng) for name, shape in shapes.items()}


def value(name, shape, rng):
    if len(shape) == 2:
        return rng.uniform(-1, 1, shape).astype(np.float32) * np.float32((3 / shape[1]) ** 0.5)
    base = 0.0 if name.endswith("bias") else 1.0
    return (base + 0.1 * rng.uniform(-1, 1, shape)).astype(np.float32)


def write_model(path, arch, kind, head, seed):
    rng = np.random.default_rng(seed)
    w = gguf.GGUFWriter(path, arch)
    w.add_block_count(LAYERS)
    w.add_context_length(CONTEXT)
    w.add_embedding_length(HIDDEN)
    w.add_feed_forward_length(WIDTH)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV)
    w.add_key_length(head)
    w.add_value_length(head)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(500.0)
    w.add_rope_dimension_count(head)
    w.add_vocab_size(VOCAB)
    if arch.startswith("gemma") or arch == "phi3":
        w.add_sliding_window(8)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(2.0)
        w.add_final_logit_softcapping(3.0)
    w.add_tokenizer_model("gpt2")
    w.add_token_list([f"t{i}" for i in range(VOCAB)])
    w.add_token_merges(["t 0"])
    w.add_eos_token_id(VOCAB - 1)
    tensors = {"token_embd.weight": value("", [VOCAB, HIDDEN], rng), "output_norm.weight": value("", [HIDDEN], rng)}
    if not arch.startswith("gemma"):
        tensors["output.weight"] = value("", [VOCAB, HIDDEN], rng)
    for i in range(LAYERS):
        tensors |= {f"blk.{i}.{name}": t for name, t in layer_tensors(arch, rng, head).items()}
    for name, t in tensors.items():
        if t.ndim == 2 and kind != Type.F32:
            w.add_tensor(name, gguf.quants.quantize(t, kind), raw_dtype=kind)
        else:
            w.add_tensor(name, t)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_expected(folder, arch, head):
    known = dict(head_dim=head) if head != HIDDEN // HEADS else {}  # what transformers does not read from GGUF
    if arch.startswith("gemma"):
        known |= dict(query_pre_attn_scalar=head, sliding_window=8, tie_word_embeddings=True)
    if arch == "phi3":
        known |= dict(pad_token_id=0, sliding_window=8)
    if arch == "gemma2":
        known |= dict(attn_logit_softcapping=2.0, final_logit_softcapping=3.0)
    model = tf.AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32,
                                                    attn_implementation="eager", **known).eval()
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, VOCAB - 1, (BATCH, COUNT)))
    with torch.no_grad():
        logits = model(ids).logits
        greedy = model.generate(ids[:1], max_new_tokens=GREEDY, min_new_tokens=GREEDY, do_sample=False)[0, COUNT:]
    save_file({"ids": ids.to(torch.int32), "logits": logits.contiguous(), "greedy": greedy.to(torch.int32)},
              folder / "expected.safetensors", metadata={"transformers": tf.__version__, "gguf": importlib.metadata.version("gguf")})
    print(folder.name, "range", float(logits.max() - logits.min()), greedy.tolist())


def write_blocks():
    rng = np.random.default_rng(3)
    tensors = {}
    for kind in (Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q4_K, Type.Q5_K, Type.Q6_K):
        numbers, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = rng.integers(0, 256, (4, size), dtype=np.uint8)
        halves = {Type.Q4_1: (0, 2), Type.Q5_1: (0, 2), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,)}
        for at in halves.get(kind, (0,)):  # random bytes may make no number
            blocks[:, at:at + 2] = rng.uniform(0.01, 1, (4, 1)).astype(np.float16).view(np.uint8)
        values = gguf.quants.dequantize(blocks, kind).reshape(4, numbers)
        tensors[kind.name.lower() + ".blocks"] = torch.from_numpy(blocks)
        tensors[kind.name.lower() + ".values"] = torch.from_numpy(values.astype(np.float32))
    save_file(tensors, OUT / "blocks.safetensors")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    write_blocks()
    for seed, (name, (arch, kind, head)) in enumerate(MODELS.items()):
        folder = OUT / name
        folder.mkdir(exist_ok=True)
        write_model(folder / "model.gguf", arch, kind, head, seed)
        write_expected(folder, arch, head)


if __name__ == "__main__":
    main()
