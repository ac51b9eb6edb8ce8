#!/usr/bin/env python3
"""Writes tests/data/fit/families/: a small random config of each architecture family as Hugging Face transformers
writes it, and every tensor of the model that transformers builds from it. Needs torch and transformers; the tests
only read the files.

    python tools/fit/make_test_configs.py
"""
import json
import pathlib

import torch
import transformers as tf

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/data/fit/families"
BASE = dict(hidden_size=128, intermediate_size=352, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=2,
            vocab_size=1000, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=0)
WINDOW = dict(sliding_window=64)
FAMILIES = {
    "llama": tf.LlamaConfig(**BASE),
    "llama_bias_tied": tf.LlamaConfig(**BASE, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, head_dim=24),
    "mistral": tf.MistralConfig(**BASE, **WINDOW),
    "mixtral": tf.MixtralConfig(**BASE, num_local_experts=4, num_experts_per_tok=2),
    "qwen2": tf.Qwen2Config(**BASE),
    "qwen2_moe": tf.Qwen2MoeConfig(**BASE, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=96,
                                   shared_expert_intermediate_size=160, mlp_only_layers=[1]),
    "qwen3": tf.Qwen3Config(**BASE, head_dim=32),
    "qwen3_moe": tf.Qwen3MoeConfig(**BASE, head_dim=32, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=96,
                                   decoder_sparse_step=2),
    "phi": tf.PhiConfig(**BASE),
    "phi3": tf.Phi3Config(**BASE),
    "gemma": tf.GemmaConfig(**BASE, head_dim=32),
    "gemma2": tf.Gemma2Config(**BASE, head_dim=32, sliding_window=64),
    "gemma3_text": tf.Gemma3TextConfig(**BASE, head_dim=32, sliding_window=64),
    "gpt_oss": tf.GptOssConfig(**BASE, head_dim=32, num_local_experts=4, num_experts_per_tok=2, sliding_window=64),
    "smollm3": tf.SmolLM3Config(**BASE),
    "olmo2": tf.Olmo2Config(**BASE),
    "granite": tf.GraniteConfig(**BASE),
    "starcoder2": tf.Starcoder2Config(**BASE),
    "stablelm": tf.StableLmConfig(**BASE),
}
REFUSED = {
    "deepseek_v3": tf.DeepseekV3Config(num_hidden_layers=2), "mamba": tf.MambaConfig(num_hidden_layers=2),
    "qwen3_next": tf.Qwen3NextConfig(num_hidden_layers=4), "jamba": tf.JambaConfig(num_hidden_layers=8),
    "bert": tf.BertConfig(), "gemma3n_text": tf.Gemma3nTextConfig(),
}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, config in FAMILIES.items():
        with torch.device("meta"):
            model = tf.AutoModelForCausalLM.from_config(config)
        tensors = {key: list(p.shape) for key, p in model.named_parameters()}  # a tied matrix is listed once
        cache = tf.DynamicCache(config=config)
        windows = [getattr(layer, "sliding_window", None) for layer in cache.layers]
        document = {"transformers": tf.__version__, "parameters": sum(p.numel() for p in model.parameters()),
                    "largest_tensor_parameters": max(p.numel() for p in model.parameters()),
                    "sliding_layers": sum(w is not None for w in windows), "tensors": tensors}
        (OUT / f"{name}.json").write_text(json.dumps(config.to_dict(), indent=1) + "\n")
        (OUT / f"{name}.expected.json").write_text(json.dumps(document) + "\n")
        print(name, document["parameters"], document["sliding_layers"])
    for name, config in REFUSED.items():
        (OUT / f"refused_{name}.json").write_text(json.dumps(config.to_dict(), indent=1) + "\n")


if __name__ == "__main__":
    main()
