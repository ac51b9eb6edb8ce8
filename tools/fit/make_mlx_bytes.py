#!/usr/bin/env python3
"""Writes tests/data/fit/mlx_bytes.json: for the configs in tests/data/fit/families, what mlx-lm's quantised checkpoints
weigh. Needs torch, transformers, mlx and mlx-lm; the tests only read the file.

    python tools/fit/make_mlx_bytes.py
"""
import json
import pathlib
import tempfile

import mlx_lm
import torch
import transformers as tf
from mlx.utils import tree_flatten
from mlx_lm.utils import load_model, quantize_model, save_model

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests/data/fit"
KINDS = {"4bit": dict(group_size=64, bits=4), "8bit": dict(group_size=64, bits=8), "3bit": dict(group_size=64, bits=3),
         "4bit-g32": dict(group_size=32, bits=4), "8bit-g32": dict(group_size=32, bits=8),
         "3bit-g128": dict(group_size=128, bits=3),
         "mxfp4": dict(group_size=32, bits=4, mode="mxfp4"), "nvfp4": dict(group_size=16, bits=4, mode="nvfp4")}


def tensor_bytes(folder):
    """Bytes of all tensors, from the headers of the safetensors files."""
    total = 0
    for file in pathlib.Path(folder).glob("*.safetensors"):
        with open(file, "rb") as f:
            header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        total += sum(t["data_offsets"][1] - t["data_offsets"][0] for k, t in header.items() if k != "__metadata__")
    return total


def as_before(path):
    """Adds the fields that transformers 4 wrote and mlx-lm reads."""
    config = json.loads(path.read_text())
    rope = config.get("rope_parameters") or {}
    config.setdefault("num_experts", config.get("num_local_experts"))
    for key in ("rope_theta", "partial_rotary_factor"):
        if key in rope:
            config.setdefault(key, rope[key])
    path.write_text(json.dumps(config))


def sizes_of(config):
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        model = tf.AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
        model.save_pretrained(folder)
        sizes["bfloat16"] = tensor_bytes(folder)
        as_before(pathlib.Path(folder) / "config.json")
        for kind, how in KINDS.items():
            mlx_model, mlx_config = load_model(pathlib.Path(folder))
            mlx_model, _ = quantize_model(mlx_model, mlx_config, **how)
            with tempfile.TemporaryDirectory() as out:
                save_model(out, mlx_model)
                sizes[kind] = tensor_bytes(out)
    return sizes


def main():
    result = {"mlx_lm": mlx_lm.__version__, "models": {}}
    for path in sorted(DATA.glob("families/*.json")):
        if path.name.endswith(".expected.json") or path.name.startswith("refused_"):
            continue
        config = tf.AutoConfig.for_model(**json.loads(path.read_text()))
        try:
            result["models"][path.stem] = sizes_of(config)
            print(path.stem, result["models"][path.stem])
        except Exception as e:  # a family that mlx-lm does not have, or cannot load this small
            print(path.stem, "left out:", repr(e)[:150])
    (DATA / "mlx_bytes.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
