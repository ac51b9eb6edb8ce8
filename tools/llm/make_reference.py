#!/usr/bin/env python3
"""Writes tests/data/llm/: for each architecture family a small random config as Hugging Face transformers writes it,
and what transformers computes from it with the weights of src/model/synthetic.cpp (seed 7), so that no weights have to
be stored: logits of two sequences in float32, and the tokens that generate() appends to the first. Needs torch,
transformers and safetensors; the tests only read the files.

    python tools/llm/make_reference.py [FAMILY...]
"""
import json
import math
import pathlib
import sys

import numpy as np
import torch
import transformers as tf
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/data/llm"
SEED, BATCH, COUNT, GREEDY = 7, 2, 20, 12
BASE = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=64, max_position_embeddings=128, bos_token_id=None, eos_token_id=None, pad_token_id=None)
WINDOW = dict(sliding_window=8)
MOE = dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=48)
FAMILIES = {
    "llama": tf.LlamaConfig(**BASE),
    "llama_bias_tied": tf.LlamaConfig(**BASE, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, head_dim=24),
    "llama3_rope": tf.LlamaConfig(**BASE, rope_parameters=dict(
        rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32)),
    "llama_yarn": tf.LlamaConfig(**BASE, rope_parameters=dict(
        rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=32)),
    "llama_linear": tf.LlamaConfig(**BASE, rope_parameters=dict(rope_type="linear", rope_theta=100.0, factor=4.0)),
    "mistral": tf.MistralConfig(**BASE, **WINDOW),
    "qwen2": tf.Qwen2Config(**BASE, use_sliding_window=True, max_window_layers=2, **WINDOW),
    "qwen3": tf.Qwen3Config(**BASE, head_dim=32),
    "phi": tf.PhiConfig(**BASE),
    "phi3": tf.Phi3Config(**BASE, **WINDOW),
    "phi3_longrope": tf.Phi3Config(**BASE, original_max_position_embeddings=64, rope_parameters=dict(
        rope_type="longrope", rope_theta=100.0, short_factor=[1.0 + i / 8 for i in range(8)],
        long_factor=[2.0 + i for i in range(8)], original_max_position_embeddings=64)),
    "gemma": tf.GemmaConfig(**BASE, head_dim=32),
    "gemma2": tf.Gemma2Config(**BASE, head_dim=32, query_pre_attn_scalar=24, attn_logit_softcapping=2.0,
                              final_logit_softcapping=3.0, **WINDOW),
    "gemma3_text": tf.Gemma3TextConfig(**{**BASE, "num_hidden_layers": 7}, head_dim=32, query_pre_attn_scalar=24, **WINDOW),
    "mixtral": tf.MixtralConfig(**BASE, num_local_experts=4, num_experts_per_tok=2),
    "qwen2_moe": tf.Qwen2MoeConfig(**BASE, **MOE, shared_expert_intermediate_size=80, mlp_only_layers=[1]),
    "qwen3_moe": tf.Qwen3MoeConfig(**BASE, **MOE, head_dim=32, decoder_sparse_step=2, norm_topk_prob=True),
    "gpt_oss": tf.GptOssConfig(**BASE, head_dim=16, num_local_experts=4, num_experts_per_tok=2, **WINDOW),
    "smollm3": tf.SmolLM3Config(**BASE),
    "olmo2": tf.Olmo2Config(**BASE),
    "granite": tf.GraniteConfig(**BASE, attention_multiplier=0.2, embedding_multiplier=3.0, residual_multiplier=0.4,
                                logits_scaling=2.0),
    "starcoder2": tf.Starcoder2Config(**BASE, **WINDOW),
    "stablelm": tf.StableLmConfig(**BASE, use_qkv_bias=True),
}


def values(name, count, seed=SEED):
    """The numbers of src/model/weights.hpp: u of elements 0 .. count - 1, in float32."""
    stream = np.uint32(0x811C9DC5)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            stream = (stream ^ np.uint32(byte)) * np.uint32(0x01000193)
        stream ^= np.uint32(seed) * np.uint32(0x9E3779B9)
        x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + stream
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def tensor(name, shape, gemma):
    """One tensor of a checkpoint, by its name."""
    u = values(name, math.prod(shape)).reshape(shape)
    if len(shape) >= 2 and not name.endswith("_bias"):
        return torch.from_numpy(u * np.float32(math.sqrt(3.0 / shape[1])))
    if name.endswith("sinks"):
        return torch.from_numpy(u)
    base = 0.0 if name.endswith("bias") or gemma else 1.0
    return torch.from_numpy(np.float32(base) + np.float32(0.1) * u)


def weights(model, config):
    state = {}
    gemma = config.model_type.startswith("gemma")
    for key, parameter in model.named_parameters():
        shape = list(parameter.shape)
        if "mlp.experts." in key and config.model_type != "gpt_oss":  # held as one tensor, stored as one an expert
            prefix, part = key.rsplit(".", 1)
            state[key] = torch.empty(shape)
            for e in range(shape[0]):
                if part == "gate_up_proj":
                    half = shape[1] // 2
                    state[key][e, :half] = tensor(f"{prefix}.{e}.gate_proj.weight", [half, shape[2]], gemma)
                    state[key][e, half:] = tensor(f"{prefix}.{e}.up_proj.weight", [half, shape[2]], gemma)
                else:
                    state[key][e] = tensor(f"{prefix}.{e}.{part}.weight", shape[1:], gemma)
        else:
            state[key] = tensor(key, shape, gemma)
    return state


def main():
    names = sys.argv[1:] or FAMILIES
    for name in names:
        config = FAMILIES[name]
        model = tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval().float()
        model.load_state_dict(weights(model, config), strict=False)
        model.tie_weights()
        ids = torch.from_numpy(((values("tokens", BATCH * COUNT) + 1) / 2 * config.vocab_size).astype(np.int64))
        ids = ids.reshape(BATCH, COUNT)
        with torch.no_grad():
            logits = model(ids).logits
            greedy = model.generate(ids[:1], max_new_tokens=GREEDY, do_sample=False)[0, COUNT:]
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config.to_dict(), indent=1) + "\n")
        save_file({"ids": ids.to(torch.int32), "logits": logits.contiguous(), "greedy": greedy.to(torch.int32)},
                  folder / "expected.safetensors", metadata={"transformers": tf.__version__})
        print(name, tuple(logits.shape), "range", float(logits.max() - logits.min()), greedy.tolist())


if __name__ == "__main__":
    main()
