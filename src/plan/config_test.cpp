#include "plan/config.hpp"

#include "core/text.hpp"
#include "plan/config_value.hpp"
#include "plan/config_yaml.hpp"
#include "workload/workload.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace mlbench;
using namespace mlbench::plan;

namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::filesystem::path data_dir = std::filesystem::path(MLBENCH_TEST_DATA) / "config";
const std::filesystem::path root_dir =
    std::filesystem::path(MLBENCH_TEST_DATA).parent_path().parent_path();

/// The error's sentence; also checks that it is one, for the user.
std::string error_of(std::string_view text) {
  const auto config = parse_config(text, "b.yaml");
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().kind == ErrorKind::usage);
  CHECK(config.error().message.starts_with("b.yaml:"));
  CHECK(config.error().message.find('\n') == std::string::npos);
  CHECK(config.error().message.size() < 400);
  return config.error().message;
}

Config parsed(std::string_view text) {
  auto config = parse_config(text, "b.yaml");
  REQUIRE_MESSAGE(config.has_value(), (config ? "" : config.error().message));
  return *std::move(config);
}

}  // namespace

TEST_CASE(
    "the original suite's file is read unchanged, and every key is honoured or answered for") {
  const auto config = read_config(data_dir / "seed.yaml");
  REQUIRE(config.has_value());
  CHECK(config->expected_chip == "Apple M5 Pro");
  CHECK(config->model.name == "mistralai/Mistral-7B-v0.1");
  CHECK(config->model.dtype == "float16");
  CHECK(*config->compute.gemm_sizes == std::vector<std::int64_t>{512, 1024, 2048, 4096, 8192});
  CHECK(*config->compute.dtypes == std::vector{workload::DType::float32, workload::DType::float16});
  CHECK_FALSE(config->compute.gemm_shapes.has_value());
  CHECK(*config->attention.seq_lengths == std::vector<std::int64_t>{512, 1024, 2048, 4096});
  CHECK(config->attention.num_heads == 32);
  CHECK(config->attention.head_dim == 128);
  CHECK(*config->attention.batch_sizes == std::vector<std::int64_t>{1});
  CHECK(*config->memory.sizes_bytes == std::vector<std::int64_t>{100'000'000, 500'000'000,
                                                                 1'000'000'000, 2'000'000'000,
                                                                 4'000'000'000});
  CHECK(*config->model_level.batch_sizes == std::vector<std::int64_t>{1, 2, 4});
  CHECK(*config->model_level.seq_lengths == std::vector<std::int64_t>{128, 256, 512});
  CHECK(config->results_dir == "results/raw");
  CHECK(config->reports_dir == "results/reports");
  REQUIRE(config->notices.size() == 3);
  CHECK(config->notices[0].find("warmup_iters is not used") != std::string::npos);
  CHECK(config->notices[0].find("measure.warmup_min") != std::string::npos);
  CHECK(config->notices[1].find("bench_iters is not used") != std::string::npos);
  CHECK(config->notices[1].find("measure.target") != std::string::npos);
  CHECK(config->notices[2].find("model_level") != std::string::npos);
}

TEST_CASE("our own file is read without a notice, and its cases are valid") {
  const auto config = read_config(root_dir / "config" / "benchmark.yaml");
  REQUIRE_MESSAGE(config.has_value(), (config ? "" : config.error().message));
  CHECK(config->notices.empty());
  CHECK(config->compute.gemm_shapes->front().k == 4096);
  for (const auto bytes : *config->memory.sizes_bytes) {
    for (const auto& op : *config->memory.ops) {
      CHECK(
          workload::make_case("memory", workload::DType::float32, {{"op", op}, {"bytes", bytes}}));
    }
  }
}

TEST_CASE("the example in our file's comments can be switched on as it stands") {
  // Every line that is a commented-out key, as opposed to prose.
  std::string text;
  const std::string example = bytes_of(root_dir / "config" / "benchmark.yaml");
  for (const auto line : lines_of(example)) {
    const auto hash = line.find("# ");
    const auto rest = hash == std::string_view::npos ? "" : line.substr(hash + 2);
    const auto colon = rest.find(": ");
    const auto key = trim(rest.substr(0, colon == std::string_view::npos ? rest.find(':') : colon));
    const bool is_key = hash != std::string_view::npos && !key.empty() &&
                        key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos &&
                        (rest.ends_with(':') || colon != std::string_view::npos);
    text += is_key ? std::string(line.substr(0, hash)) + std::string(rest) : std::string(line);
    text += '\n';
  }
  const Config config = parsed(text);
  CHECK(config.measure.target == 0.01);
  CHECK(config.measure.budget_s == 360);
  CHECK(config.measure.case_budget_s == 60);
  CHECK(config.measure.min_rounds == 6);
  CHECK(config.measure.max_rounds == 30);
  CHECK(config.measure.warmup_min_s == 0.2);
  CHECK(config.measure.warmup_max_s == 2);
  CHECK(config.measure.seed == 1U);
  CHECK(config.subjects->size() == 3);
  CHECK(config.attention.head_dim == 128);
  CHECK(config.model_level.batch_sizes->size() == 3);
  CHECK(config.expected_chip == "Apple M5 Pro");
}

TEST_CASE("every known key is in the documentation and in our file, by its name") {
  const std::string docs = bytes_of(root_dir / "docs" / "configuration.md");
  const std::string example = bytes_of(root_dir / "config" / "benchmark.yaml");
  for (const std::string& key : known_config_keys()) {
    CAPTURE(key);
    CHECK(docs.find("| `" + key + "` |") != std::string::npos);
    CHECK(example.find(key.substr(key.rfind('.') + 1)) != std::string::npos);
  }
}

TEST_CASE("an unknown key names its line, its section and the nearest valid name") {
  CHECK(error_of("benchmarks:\n  compute:\n    gem_sizes: [1]\n") ==
        "b.yaml:3: unknown key \"gem_sizes\" in benchmarks.compute; did you mean \"gemm_sizes\"?");
  CHECK(error_of("mesure:\n  target: 1%\n") ==
        "b.yaml:1: unknown key \"mesure\"; did you mean \"measure\"?");
  CHECK(error_of("measure:\n  gemm_sizes: [1]\n") ==
        "b.yaml:2: unknown key \"gemm_sizes\" in measure; it belongs in benchmarks.compute");
  CHECK(error_of("benchmarks:\n  subjects: []\n") ==
        "b.yaml:2: unknown key \"subjects\" in benchmarks; it belongs at the top level");
  CHECK(error_of("output:\n  elephant: 1\n") ==
        "b.yaml:2: unknown key \"elephant\" in output; known here: results_dir, reports_dir");
  CHECK(error_of("model.name: x\n").starts_with("b.yaml:1: unknown key \"model.name\""));
  CHECK(error_of("\"\": {model: {name: x}}\n").starts_with("b.yaml:1: unknown key \"\""));
}

TEST_CASE("a bad value names its line, its key, what was expected and what was found") {
  CHECK(error_of("benchmarks:\n  compute:\n    gemm_sizes: [512, -5]\n") ==
        "b.yaml:3: benchmarks.compute.gemm_sizes[1]: expected a whole number from 1 to 1048576, "
        "got \"-5\"");
  CHECK(error_of("benchmarks: {compute: {dtypes: [float17]}}") ==
        "b.yaml:1: benchmarks.compute.dtypes[0]: expected one of float32, float16, bfloat16, "
        "float64, got \"float17\"; did you mean \"float16\"?");
  CHECK(error_of("measure:\n  target:\n").ends_with("for example 1% or 0.01, got nothing"));
  CHECK(error_of("measure: fast\n") ==
        "b.yaml:1: measure: expected keys such as target, indented below it, got \"fast\"");
  CHECK(error_of("benchmarks: {compute: {gemm_sizes: 512}}").ends_with("got \"512\""));
  CHECK(error_of("subjects: {a: b}").ends_with("got a group of keys"));
  CHECK(error_of("model: {name: [a]}").ends_with("got a list"));
}

TEST_CASE("numbers out of range, not finite or not numbers are refused") {
  for (const char* bad : {"0", "-1", "1.5", "1e3", "99999999999999999999", ".nan", "inf", "0x10",
                          "1048577", "''", "[1]", "12abc", "1 2"}) {
    CAPTURE(bad);
    error_of("benchmarks: {compute: {gemm_sizes: [" + std::string(bad) + "]}}");
  }
  for (const char* bad :
       {"0", "-0.01", "51%", "1", "nan", ".nan", "inf%", "1e999", "0x1p-4", "%"}) {
    CAPTURE(bad);
    error_of("measure: {target: \"" + std::string(bad) + "\"}");
  }
  for (const char* bad : {"0", "-5s", "5d", "nan", "inf", "1e3", "8000000", "m", "5mm"}) {
    CAPTURE(bad);
    error_of("measure: {budget: \"" + std::string(bad) + "\"}");
  }
  for (const char* bad :
       {"63", "100", "1PiB", "2000GiB", "-1GB", "nanGB", "infMiB", "GiB", "1e300"}) {
    CAPTURE(bad);
    error_of("benchmarks: {memory: {sizes: [\"" + std::string(bad) + "\"]}}");
  }
  for (const char* bad : {"0", "-1", "nan", "1e99", "2000"}) {
    CAPTURE(bad);
    error_of("benchmarks: {memory: {sizes_gb: [" + std::string(bad) + "]}}");
  }
  error_of("measure: {seed: -1}");
  error_of("measure: {seed: 99999999999999999999999}");
  error_of("measure: {min_rounds: 0}");
  error_of("model: {name: \"a\\nb\"}");
  error_of("model: {name: \" \"}");
}

TEST_CASE("values are read in the units that they are written in") {
  const Config c = parsed(
      "benchmarks: {memory: {sizes: [4096, 64KiB, 256MiB, 0.5GiB, 1GB, 1.5MB, 640KB], ops: "
      "[triad]}}\n"
      "measure: {target: 2.5%, budget: 1.5m, case_budget: 45, warmup_min: 0.1s, warmup_max: 1h,\n"
      "          seed: 9223372036854775807}\n"
      "subjects: [torch:cpu, \"*:gpu\", torch:cuda:0, mlx@old:cpu]\n");
  CHECK(*c.memory.sizes_bytes == std::vector<std::int64_t>{4096, 65536, 268435456, 536870912,
                                                           1'000'000'000, 1'500'032, 640'000});
  CHECK(c.measure.target == doctest::Approx(0.025));
  CHECK(c.measure.budget_s == 90);
  CHECK(c.measure.case_budget_s == 45);
  CHECK(c.measure.warmup_min_s == 0.1);
  CHECK(c.measure.warmup_max_s == 3600);
  CHECK(c.measure.seed == 9223372036854775807U);
  CHECK(*c.subjects ==
        std::vector<std::string>{"torch:cpu", "*:gpu", "torch:cuda:0", "mlx@old:cpu"});
  CHECK(parsed("measure: {target: 0.03}").measure.target == 0.03);
}

TEST_CASE("the limits told here are those of the workloads") {
  const auto gemm = [](std::int64_t n) {
    return workload::make_case("gemm", workload::DType::float32, {{"m", n}, {"n", 1}, {"k", 1}});
  };
  CHECK(gemm(kMaxDimension).has_value());
  CHECK_FALSE(gemm(kMaxDimension + 1).has_value());
  const auto memory = [](std::int64_t bytes) {
    return workload::make_case("memory", workload::DType::float32,
                               {{"op", "copy"}, {"bytes", bytes}});
  };
  const Config c = parsed("benchmarks: {memory: {sizes: [64, 1024GiB]}}");
  for (const auto bytes : *c.memory.sizes_bytes) CHECK(memory(bytes).has_value());
  CHECK_FALSE(memory((std::int64_t{1} << 40) + 64).has_value());
  CHECK_FALSE(memory(32).has_value());
}

TEST_CASE("shapes need m, n and k, each once and in range") {
  const auto with = [](const std::string& shapes) {
    return "benchmarks: {compute: {gemm_shapes: [" + shapes + "]}}";
  };
  const Config c = parsed(with("{k: 3, m: 1, n: 2}, {m: 1, n: 2, k: 4}"));
  CHECK(c.compute.gemm_shapes->front().m == 1);
  CHECK(c.compute.gemm_shapes->front().n == 2);
  CHECK(c.compute.gemm_shapes->front().k == 3);
  for (const char* bad : {"1", "[1, 2, 3]", "{m: 1, n: 2}", "{m: 1, n: 2, q: 3}",
                          "{m: 1, n: 2, k: 0}", "{m: 1, n: 2, k: 3, m: 4}",
                          "{m: 1, n: 2, k: 3}, {n: 2, m: 1, k: 3}", "{mn: 1, n: 2, k: 3}"}) {
    CAPTURE(bad);
    error_of(with(bad));
  }
  CHECK(error_of(with("{m: 1, n: -2, k: 3}")).find("gemm_shapes[0].n: expected a whole number") !=
        std::string::npos);
}

TEST_CASE("what is given twice is refused") {
  CHECK(error_of("measure:\n  seed: 1\n  seed: 2\n") ==
        "b.yaml:3: key \"seed\" was already given in line 2");
  CHECK(error_of("model: {}\nmodel: {}\n") ==
        "b.yaml:2: key \"model\" was already given in line 1");
  CHECK(error_of("benchmarks: {compute: {gemm_sizes: [512, 512]}}")
            .find("gemm_sizes[1]: expected each entry once") != std::string::npos);
  CHECK(error_of("benchmarks: {memory: {sizes: [1GB], sizes_gb: [1]}}") ==
        "b.yaml:1: benchmarks.memory takes sizes or sizes_gb, not both");
}

TEST_CASE("settings that contradict each other are refused; those that cost a verdict are told") {
  error_of("measure: {min_rounds: 9, max_rounds: 8}");
  error_of("measure: {warmup_min: 3s, warmup_max: 2s}");
  CHECK(parsed("measure: {max_rounds: 5}").notices.size() == 1);
  CHECK(parsed("measure: {max_rounds: 5}").measure.min_rounds == 5);
  CHECK(parsed("measure: {min_rounds: 3}").notices.size() == 1);
  CHECK(parsed("measure: {min_rounds: 6, max_rounds: 6}").notices.empty());
}

TEST_CASE("sections whose keys are all commented out, and empty lists, are fine") {
  const Config c =
      parsed("measure:\n  # target: 1%\nbenchmarks:\n  compute:\n    gemm_sizes: []\n");
  CHECK_FALSE(c.measure.target.has_value());
  CHECK(c.compute.gemm_sizes->empty());
  CHECK_FALSE(c.compute.dtypes.has_value());
}

TEST_CASE("texts that are no configuration get one sentence") {
  CHECK(error_of("") == "b.yaml: empty: a configuration needs at least one setting");
  error_of("\n\n# only a comment\n");
  error_of("---\n");
  error_of("hello");
  error_of("- a\n- b\n");
  CHECK(error_of("a: b: c\n") == "b.yaml:1: not valid YAML: illegal map value");
  error_of("a: [1, 2\n");
  error_of("a: \"unterminated\n");
  error_of("model: {name: x}\n---\nmodel: {name: y}\n");
  error_of("{[a]: b}");
  error_of("? {a: b}\n: c\n");
  error_of(": x\n");
  error_of("%YAML 9.9\n---\nmodel: {}\n");
  CHECK(error_of("model:\n\tname: x\n") ==
        "b.yaml:2: indented with a tab; YAML allows spaces only");
  CHECK(parse_config("\xEF\xBB\xBFmodel: {name: x}\r\n", "b.yaml").has_value());  // BOM and CRLF
}

TEST_CASE("binary, huge, deep and self-expanding texts are refused quickly") {
  error_of(std::string("\0\1\2\3", 4));
  error_of(std::string("\xff\xfem\0o\0", 6));
  error_of(
      std::string("\x7f"
                  "ELF\x02\x01\x01",
                  7));
  CHECK(error_of(std::string(10 << 20, 'a')) ==
        "b.yaml: larger than 256 KiB, which no configuration is");
  error_of(std::string(200000, '['));
  error_of(std::string(200000, '{'));
  std::string dashes, colons, keys;
  for (int i = 0; i < 60000; ++i) {
    dashes += "- ";
    colons += "? ";
  }
  for (int i = 0; i < 30000; ++i) keys += "k" + std::to_string(i) + ":\n";
  error_of(dashes);
  error_of(colons);
  error_of(keys);
  CHECK(error_of("model: &a {name: x}\n").find("aliases (*) and anchors (&)") != std::string::npos);
  error_of("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n");
  CHECK(error_of("subjects: [*:cpu]").find("in quotes") != std::string::npos);
  CHECK(error_of("model: !!map {name: x}\n") == "b.yaml:1: tags (!) are not supported");
  error_of("measure: {seed: !!int 1}");
}

TEST_CASE("what an error quotes is short and printable") {
  error_of("\"" + std::string(5000, 'k') + "\": 1\n");
  CHECK(error_of("\"a\\x07b\": 1\n").find('\a') == std::string::npos);
  CHECK(in_quotes(std::string(100, 'x')).size() < 70);
}

TEST_CASE("a file that cannot be read is a usage error that names it") {
  const auto missing = read_config(data_dir / "no-such-file.yaml");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == ErrorKind::usage);
  CHECK(missing.error().message.find("no-such-file.yaml: cannot be opened") != std::string::npos);
  CHECK(read_config(data_dir).error().message.find("is a folder") != std::string::npos);
  CHECK_FALSE(read_config("/dev/zero").has_value());
}
