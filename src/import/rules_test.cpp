// Each rule: it finds the mistake in the files as they were published, is silent where the values
// are corrected, and finds the same mistake with other numbers on another machine.
#include "import/files_for_tests.hpp"
#include "import/lenient_json.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

using namespace mlbench;
using namespace mlbench::importing;
using namespace mlbench::importing::tests;

namespace {

using Set = std::map<std::string, Json>;  // by the recorded file's name, without .json

constexpr const char* kBenchmarks = "pytorch_mps_benchmarks";
constexpr const char* kTuning = "pytorch_mps_mistral_finetune";
constexpr const char* kDetailed = "pytorch_vs_mlx_detailed";
constexpr const char* kLayers = "layer_benchmark_float16";
constexpr const char* kMemory = "memory_benchmarks";
constexpr const char* kComparison = "framework_comparison";
constexpr const char* kShares = "mfu_utilization";
constexpr const char* kSystem = "system_info";

Set recorded(const std::string& folder, const std::vector<std::string>& names) {
  Set set;
  for (const auto& name : names)
    set[name] = parse_lenient_json(text_of(folder + "/" + name + ".json")).value_or({}).root;
  return set;
}

Set m5() {
  return recorded(
      "m5", {kBenchmarks, kTuning, kDetailed, kLayers, kMemory, kComparison, kShares, kSystem});
}

Import import_set(const Set& set) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& [name, json] : set)
    texts.emplace_back("here/" + std::to_string(texts.size()), dump_json(json));
  return import_texts(texts);
}

Json& at(Set& set, const char* file, const char* pointer) {
  return set.at(file).at(Json::json_pointer(pointer));
}

/// Every object of a list: its field becomes null, as a value that was not measured should be.
void unknown(Json& list, std::initializer_list<const char*> fields) {
  for (Json& item : list) {
    for (const char* field : fields) {
      if (item.contains(field) && item[field] == 0.0) item[field] = nullptr;
    }
  }
}

void rename(Json& object, const char* from, const char* to) {
  object[to] = object.at(from);
  object.erase(from);
}

/// The M5 files with every mistake corrected.
Set clean() {
  Set set = m5();
  at(set, kTuning, "/final_loss") = 0.71;

  Json& layers = set.at(kLayers);
  for (auto& [framework, sizes] : layers.items()) {
    for (auto& [seq, layer] : sizes.items()) {
      const double n = std::stod(seq) / 256;
      layer["attention_tflops"] = 35.4 * n / layer["attention_ms"].get<double>();
      layer["ffn_tflops"] = 90.2 * n / layer["ffn_ms"].get<double>();
      layer["full_layer_ms"] = layer["full_layer_ms"].get<double>() * 1.03;
    }
  }

  at(set, kComparison, "/hardware/gpu_cores") = 10;
  at(set, kComparison, "/frameworks/pytorch_mps/precision") = "4-bit";
  at(set, kComparison, "/frameworks/pytorch_mps/peak_memory_gb") = 15.213469824;

  for (Json& row : at(set, kMemory, "/benchmarks/bandwidth")) {
    rename(row, "size_gb", "size_gib");
    const double seconds_per_gib = row["name"] == "copy" ? 0.0185 : 0.0097;
    const double passes = row["name"] == "copy" ? 2 : 1;
    row["time_ms"] = 1e3 * seconds_per_gib * row["size_gib"].get<double>();
    row["bandwidth_gbs"] = passes * 1.073741824 / seconds_per_gib;
  }
  Json& largest = at(set, kMemory, "/benchmarks/max_allocation");
  rename(largest, "size_gb", "size_gib");
  largest["time_ms"] = nullptr;
  largest["bandwidth_gbs"] = nullptr;

  for (const char* part :
       {"/benchmarks/gemm", "/benchmarks/attention", "/benchmarks/transformer_block"}) {
    Json& list = at(set, kBenchmarks, part);
    for (Json& row : list) {
      if (row["extra"].contains("std_ms"))
        row["extra"]["std_ms"] = row["time_ms"].get<double>() * 0.02;
      if (row["memory_mb"] != 0.0) row["memory_mb"] = row["memory_mb"].get<double>() * 1.337;
    }
    unknown(list, {"time_ms", "tflops", "bandwidth_gbs", "memory_mb", "utilization_pct"});
  }

  Json& system = set.at(kSystem);
  rename(system["memory"], "total_gb", "total_gib");
  system["memory"]["theoretical_bandwidth_gbs"] = 153;
  system["gpu"]["gpu_cores_estimate"] = 10;

  Json& shares = set.at(kShares);
  shares["float32"]["theoretical_tflops"] = 4.45;
  shares["float32"]["mfu_percent"] = 78.4;
  shares["float16"]["theoretical_tflops"] = 17.8;
  shares["float16"]["mfu_percent"] = 79.4;
  shares["sustained_fp16"]["mfu_percent"] = 79.6;
  shares["memory_bandwidth"]["theoretical_gbs"] = 153;
  shares["memory_bandwidth"]["utilization_percent"] = 77.4;
  shares["model_level_mfu"]["mfu_percent"] = 42.5;
  rename(shares["model_level_mfu"], "tokens_per_sec", "training_tokens_per_sec");

  for (const char* framework : {"/pytorch_mps", "/mlx"}) {
    for (Json& row : at(set, kDetailed, framework)) {
      const double n = row["size"].get<double>();
      row["std_ms"] = row["avg_ms"].get<double>() * 0.03;
      if (std::string(framework) == "/mlx" && row["dtype"] == "float16")
        row["tflops"] = 2 * n * n * n /
                        ((row["avg_ms"] = row["avg_ms"].get<double>() / 3.2).get<double>() * 1e9);
    }
  }
  return set;
}

/// A change to the clean files brings back doubts of that kind, and of no other but `also`.
void check_found(const char* kind, const std::function<void(Set&)>& spoil,
                 const std::set<std::string>& also = {}) {
  CAPTURE(kind);
  Set set = clean();
  spoil(set);
  const auto import = import_set(set);
  REQUIRE(import.refused.empty());
  CHECK_MESSAGE(count(import, kind) > 0, kinds(import));
  for (const Doubt& d : import.doubts) {
    CHECK_MESSAGE((d.kind == kind || also.contains(d.kind)), d.kind << ": " << d.sentence);
    CHECK(d.sentence.starts_with(d.file + ": " + d.fields.front() + " is "));
  }
}

}  // namespace

TEST_CASE("the published M5 files: every known mistake is found") {
  const auto import = import_folder("m5");
  INFO(kinds(import));
  CHECK(doubts(import, "not_finite", "final_loss"));
  for (const char* seq : {"256", "512", "1024"}) {
    CHECK(doubts(import, "flop_scaling", std::string("mlx.") + seq + ".attention_tflops"));
    CHECK(doubts(import, "flop_scaling", std::string("mlx.") + seq + ".ffn_tflops"));
  }
  CHECK(doubts(import, "above_ceiling", "mlx.256.attention_tflops"));
  CHECK(doubts(import, "above_measured", "mlx.256.attention_tflops"));
  CHECK(doubts(import, "flop_disagreement", "pytorch_mps.256.attention_tflops") ==
        !doubts(import, "flop_disagreement", "mlx.256.attention_tflops"));
  CHECK(doubts(import, "sum_not_measured", "mlx.512.full_layer_ms"));
  CHECK(doubts(import, "published_mismatch", "memory_bandwidth.theoretical_gbs"));
  CHECK(doubts(import, "published_mismatch", "float32.theoretical_tflops"));
  CHECK(doubts(import, "published_mismatch", "float16.theoretical_tflops"));
  CHECK(doubts(import, "phase_unclear", "model_level_mfu.tokens_per_sec"));
  CHECK(doubts(import, "unequal_setups", "frameworks.mlx.inference_tokens_per_sec"));
  CHECK(doubts(import, "memory_formula", "frameworks.pytorch_mps.peak_memory_gb"));
  CHECK(doubts(import, "memory_formula", "benchmarks.attention[0].memory_mb"));
  CHECK(doubts(import, "unknown_machine", "hardware.gpu_cores"));
  CHECK(doubts(import, "unknown_machine", "gpu.gpu_cores_estimate"));
  CHECK(doubts(import, "gib_as_gb", "memory.total_gb"));
  for (int i = 0; i < 15; ++i)
    CHECK(doubts(import, "gib_as_gb", "benchmarks.bandwidth[" + std::to_string(i) + "].size_gb"));
  for (int i = 0; i < 3; ++i) {
    CHECK(doubts(import, "failed_as_zero",
                 "benchmarks.transformer_block[" + std::to_string(i) + "].time_ms"));
  }
  CHECK(doubts(import, "unmeasured_as_zero", "benchmarks.max_allocation.time_ms"));
  CHECK(doubts(import, "unmeasured_as_zero", "benchmarks.gemm[0].utilization_pct"));
  CHECK(doubts(import, "time_falls", "benchmarks.bandwidth[7].time_ms"));
  CHECK(doubts(import, "no_gain", "mlx[5].tflops"));
  CHECK(doubts(import, "noisy", "benchmarks.gemm[0].extra.std_ms"));
  CHECK(doubts(import, "text_for_number", "memory.theoretical_bandwidth_gbs"));
}

TEST_CASE("the published M4 Pro files: the same mistakes in other numbers") {
  const auto import = import_folder("m4-pro");
  INFO(kinds(import));
  CHECK(doubts(import, "not_finite", "final_loss"));
  CHECK(doubts(import, "phase_unclear", "model_level_mfu.inference_tokens_per_sec"));
  CHECK(doubts(import, "phase_unclear", "frameworks.pytorch_mps.inference_tokens_per_sec"));
  CHECK(doubts(import, "memory_formula", "peak_memory_gb"));
  CHECK(doubts(import, "gib_as_gb", "frameworks.pytorch_mps.model_memory_gb"));
  CHECK(doubts(import, "time_falls", "pytorch_mps.256.attention_backward_ms"));
  CHECK(doubts(import, "unstated_peak", "model_level_mfu.mfu_percent"));
  CHECK(doubts(import, "unknown_machine", "hardware.gpu_cores"));
  CHECK(doubts(import, "published_mismatch", "float16.theoretical_tflops"));
  CHECK_FALSE(doubts(import, "published_mismatch", "memory_bandwidth.theoretical_gbs"));
  CHECK(doubts(import, "text_for_number", "tokens_per_second_range"));
  CHECK(count(import, "flop_scaling") == 0);  // there the operations do follow the shape
}

TEST_CASE("a value is doubted alone too, where the machine is not known") {
  const auto shares = import_one(text_of("m5/mfu_utilization.json"));
  INFO(kinds(shares));
  CHECK(doubts(shares, "published_mismatch", "memory_bandwidth.theoretical_gbs"));
  CHECK(doubts(shares, "phase_unclear", "model_level_mfu.tokens_per_sec"));
  const auto layers = import_one(text_of("m5/layer_benchmark_float16.json"));
  CHECK(count(layers, "flop_scaling") == 2);
  const auto m4 = import_one(text_of("m4-pro/mfu_utilization.json"));
  CHECK(doubts(m4, "phase_unclear", "model_level_mfu.inference_tokens_per_sec"));
}

TEST_CASE("corrected files raise no doubt") {
  const auto import = import_set(clean());
  CHECK_MESSAGE(import.doubts.empty(), kinds(import));
}

TEST_CASE("what failed or was not measured") {
  check_found("not_finite", [](Set& s) { at(s, kTuning, "/final_loss") = "NaN"; });
  check_found("not_finite", [](Set& s) { at(s, kTuning, "/start_loss") = "-Infinity"; });
  check_found("failed_as_zero", [](Set& s) {
    Json& row = at(s, kBenchmarks, "/benchmarks/attention/2");
    row["time_ms"] = 0;
    row["tflops"] = 0.0;
    row["extra"]["error"] = "another error";
  });
  check_found("failed_as_zero", [](Set& s) {  // without a word
    Json& row = at(s, kDetailed, "/mlx/1");
    row["avg_ms"] = 0;
    row["tflops"] = 0;
    row["std_ms"] = 0;
  });
  check_found("unmeasured_as_zero",
              [](Set& s) { at(s, kBenchmarks, "/benchmarks/gemm/3/memory_mb") = 0.0; });
  check_found("text_for_number",
              [](Set& s) { at(s, kTuning, "/tokens_per_second") = "about 170"; });
  check_found("noisy", [](Set& s) {
    at(s, kBenchmarks, "/benchmarks/gemm/4/extra/std_ms") =
        0.3 * at(s, kBenchmarks, "/benchmarks/gemm/4/time_ms").get<double>();
  });
}

TEST_CASE("more than the machine can do, at any scale and on any machine") {
  for (const double factor : {1.4, 3.0, 40.0}) {
    check_found("above_ceiling",
                [&](Set& s) {  // both are wrong, so that they agree with each other
                  Json& row = at(s, kBenchmarks, "/benchmarks/gemm/8");
                  row["tflops"] = 13.4 * factor;
                  row["time_ms"] = 10.264 / factor;
                  row["extra"]["std_ms"] = 0.01;
                },
                {"time_falls"});
    check_found("above_ceiling",
                [&](Set& s) {
                  Json& row = at(s, kMemory, "/benchmarks/bandwidth/14");
                  row["bandwidth_gbs"] = row["bandwidth_gbs"].get<double>() * factor;
                  row["time_ms"] = row["time_ms"].get<double>() / factor;
                },
                {"time_falls"});
  }
  check_found("above_measured",
              [](Set& s) {
                Json& row = at(s, kBenchmarks, "/benchmarks/attention/3");
                row["tflops"] = 16.1;  // below the M5's peak, above every product
                row["time_ms"] = row["time_ms"].get<double>() * 2.852 / 16.1;
              },
              {"time_falls"});
  check_found("above_bandwidth", [](Set& s) {
    rename(at(s, kComparison, "/frameworks/mlx"), "inference_tokens_per_sec",
           "decode_tokens_per_sec");
    at(s, kComparison, "/frameworks/mlx/decode_tokens_per_sec") = 61;
  });
  check_found("phase_unclear",
              [](Set& s) { at(s, kComparison, "/frameworks/mlx/inference_tokens_per_sec") = 512; });
  check_found("phase_unclear", [](Set& s) {
    rename(at(s, kShares, "/model_level_mfu"), "training_tokens_per_sec", "tokens_per_second");
  });

  // A Mac with more bandwidth makes the same rate possible.
  Set fast = clean();
  at(fast, kComparison, "/frameworks/mlx/inference_tokens_per_sec") = 60;
  CHECK(count(import_set(fast), "phase_unclear") == 1);
  fast.erase(kSystem);
  fast.erase(kShares);
  at(fast, kComparison, "/hardware/chip") = "Apple M5 Max";
  at(fast, kComparison, "/hardware/gpu_cores") = 40;
  const auto import = import_set(fast);
  CHECK_MESSAGE(import.doubts.empty(), kinds(import));
}

TEST_CASE("against the catalogue, by chip and GPU cores") {
  check_found("unknown_machine", [](Set& s) { at(s, kComparison, "/hardware/gpu_cores") = 14; });
  check_found("unknown_machine", [](Set& s) { at(s, kSystem, "/gpu/gpu_cores_estimate") = 20; });
  check_found("published_mismatch", [](Set& s) {
    at(s, kShares, "/memory_bandwidth/theoretical_gbs") = 273;
    at(s, kShares, "/memory_bandwidth/utilization_percent") = 43.4;
  });
  check_found("published_mismatch", [](Set& s) {
    at(s, kShares, "/float32/theoretical_tflops") = 9.9;
    at(s, kShares, "/float32/mfu_percent") = 35.3;
  });
  check_found("unstated_peak",
              [](Set& s) { at(s, kShares, "/model_level_mfu/mfu_percent") = 61.0; });

  // The same bandwidth is right for one binned chip and wrong for its sibling.
  const auto max = [](int cores) {
    return import_one("{\"chip\": \"Apple M4 Max\", \"gpu_cores\": " + std::to_string(cores) +
                      ", \"theoretical_gbs\": 410, \"achieved_gbs\": 350}");
  };
  CHECK(max(32).doubts.empty());
  CHECK(count(max(40), "published_mismatch") == 1);

  const auto card = [](double tflops) {
    return import_one(
        "{\"gpu_name\": \"NVIDIA H100 80GB HBM3\", \"float16\": {\"achieved_tflops\": 650, "
        "\"theoretical_tflops\": " +
        std::to_string(tflops) + "}}");
  };
  CHECK_MESSAGE(card(989).doubts.empty(), kinds(card(989)));
  CHECK(count(card(1979), "sparse_peak") == 1);
  CHECK(count(card(1500), "published_mismatch") == 1);
}

TEST_CASE("operations that do not follow from the shape") {
  check_found("flop_count", [](Set& s) { at(s, kDetailed, "/mlx/2/tflops") = 1.62; });
  check_found("flop_count", [](Set& s) {  // m n k instead of 2 m n k
    Json& row = at(s, kBenchmarks, "/benchmarks/gemm/1");
    row["tflops"] = row["tflops"].get<double>() / 2;
  });
  for (const double work : {90.0, 154.0, 720.0}) {  // any constant, whatever the sequence
    check_found("flop_scaling",
                [&](Set& s) {
                  for (auto& [seq, layer] : at(s, kLayers, "/pytorch_mps").items())
                    layer["ffn_tflops"] = work / layer["ffn_ms"].get<double>();
                },
                {"flop_disagreement", "above_measured", "above_ceiling"});
  }
  check_found("flop_disagreement", [](Set& s) {  // half the operations on one side
    for (auto& [seq, layer] : at(s, kLayers, "/mlx").items())
      layer["attention_tflops"] = layer["attention_tflops"].get<double>() / 2;
  });
  check_found("time_falls", [](Set& s) { at(s, kLayers, "/mlx/256/backward_ms") = 140.0; });
  check_found("sum_not_measured", [](Set& s) {
    for (auto& [seq, layer] : at(s, kLayers, "/mlx").items())
      layer["full_layer_ms"] = layer["attention_ms"].get<double>() + layer["ffn_ms"].get<double>();
  });
}

TEST_CASE("amounts of memory") {
  check_found("gib_as_gb", [](Set& s) {
    for (Json& row : at(s, kMemory, "/benchmarks/bandwidth")) rename(row, "size_gib", "size_gb");
  });
  check_found("gib_as_gb", [](Set& s) {
    Json& memory = at(s, kSystem, "/memory");
    rename(memory, "total_gib", "total_gb");
    memory["total_gb"] = 96.0;
    memory["total_bytes"] = 103079215104;
  });
  check_found("gib_as_gb",
              [](Set& s) {
                Json& side = at(s, kComparison, "/frameworks/pytorch_mps");
                side["precision"] = "float32";
                side["model_memory_gb"] = 26.98;
                side["inference_tokens_per_sec"] = 4.9;
              },
              {"unequal_setups"});
  check_found("memory_formula", [](Set& s) {  // weights and Adam's state
    at(s, kTuning, "/peak_memory_gb") = (7241732096.0 * 2 + 131072000.0 * 8) / 1e9;
  });
  check_found("memory_formula", [](Set& s) {  // the same in GiB
    at(s, kTuning, "/peak_memory_gb") = (7241732096.0 * 2 + 131072000.0 * 12) / 1073741824.0;
  });
  check_found("memory_formula",
              [](Set& s) { at(s, kBenchmarks, "/benchmarks/attention/1/memory_mb") = 64.0; });
}

TEST_CASE("unlike things side by side, and figures that contradict each other") {
  check_found("unequal_setups", [](Set& s) {
    at(s, kComparison, "/frameworks/llama_cpp/precision") = "8-bit";
    at(s, kComparison, "/frameworks/llama_cpp/inference_tokens_per_sec") = 15.0;
  });
  check_found("no_gain", [](Set& s) {
    for (Json& row : at(s, kDetailed, "/mlx")) {
      const double n = row["size"].get<double>();
      if (row["dtype"] == "float16") {
        row["tflops"] = 3.1;
        row["avg_ms"] = 2 * n * n * n / 3.1e9;
      }
    }
  });
  check_found("rate_disagrees", [](Set& s) { at(s, kTuning, "/tokens") = 5120; });

  // Two trainings of the same model that train other parts of it.
  Set set = clean();
  set["other"] = set.at(kTuning);
  CHECK(import_set(set).doubts.empty());
  set["other"]["trainable_params"] = 671088640;
  CHECK(count(import_set(set), "unequal_setups") == 1);
}

TEST_CASE("tables: a product in a time that no such card can do") {
  const auto import = import_one(text_of("mlx-benchmark/detailed.md"));
  INFO(kinds(import));
  CHECK(count(import, "above_ceiling") == 1);
  CHECK(doubts(import, "above_ceiling", "tables[1][0].cuda"));
  CHECK(doubts(import, "not_finite", "tables[0][2].mps"));
  const auto waited =
      import_one(changed(text_of("mlx-benchmark/detailed.md"), "|   0.08 |", "|   1.36 |"));
  CHECK(count(waited, "above_ceiling") == 0);
}

TEST_CASE("llama-bench: decoding beyond the bandwidth, prefill beyond the peak") {
  const auto decode =
      import_one(changed(text_of("llama-bench/rtx4080.csv"), "119.915244", "519.9"));
  CHECK(count(decode, "above_bandwidth") == 1);
  CHECK(count(decode, "rate_disagrees") == 1);
  const auto prefill =
      import_one(changed(text_of("llama-bench/rtx4080.csv"), "7285.676949", "31285.6"));
  CHECK(count(prefill, "above_ceiling") == 1);
}
