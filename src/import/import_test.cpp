// What is read, whether every value is accounted for, and what is written.
#include "import/files_for_tests.hpp"
#include "import/importer.hpp"
#include "import/lenient_json.hpp"
#include "import/source.hpp"
#include "import/tables.hpp"
#include "import/vocabulary.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <functional>

using namespace mlbench;
using namespace mlbench::importing;
using namespace mlbench::importing::tests;
namespace fs = std::filesystem;

namespace {

std::size_t leaves(const Json& node) {
  if (!node.is_structured()) return 1;
  std::size_t count = 0;
  for (const Json& child : node) count += leaves(child);
  return count;
}

const File& only(const Import& import) {
  REQUIRE(import.refused.empty());
  REQUIRE(import.batch.files.size() == 1);
  return import.batch.files.front();
}

std::string refusal(const std::string& text) {
  const auto import = import_one(text);
  REQUIRE(import.refused.size() == 1);
  CHECK(import.refused[0].error.kind == ErrorKind::io);
  CHECK(import.refused[0].error.message.find('\n') == std::string::npos);
  return import.refused[0].error.message;
}

const Row& find_row(const File& file, const std::string& label, const std::string& framework = "") {
  for (const Row& row : file.rows) {
    if (row.label() == label && (framework.empty() || row.framework == framework)) return row;
  }
  std::string all;
  for (const Row& row : file.rows) all += row.label() + "; ";
  FAIL("no row " << label << " in " << all);
  return file.rows.front();
}

}  // namespace

TEST_CASE("every value of every file of the Python suite is understood or listed") {
  for (const char* folder : {"m5", "m4-pro", "mixed"}) {
    for (const auto& entry :
         fs::directory_iterator(std::string(MLBENCH_TEST_DATA) + "/import/" + folder)) {
      CAPTURE(entry.path().string());
      const auto text = text_of(std::string(folder) + "/" + entry.path().filename().string());
      const auto import = import_one(text);
      const File& file = only(import);
      const auto json = parse_lenient_json(text);
      REQUIRE(json);
      CHECK(count_values(file) == leaves(json->root));
      std::size_t understood = 0;
      for (std::size_t i = 0; i < file.values.size(); ++i)
        understood += file.values.at(i).understood ? 1U : 0U;
      CHECK(understood + file.values.not_understood().size() == leaves(json->root));
      CHECK(file.values.not_understood().size() <= 1);
      // And all of it is in what is stored, but names of hosts and addresses.
      std::set<std::string> stored;
      for (const auto& journal : journals_of(import, file)) {
        for (const Json& line : journal.lines) {
          if (line.contains("values")) {
            for (const auto& [field, value] : line["values"].items()) stored.insert(field);
          }
          if (line["type"] == "not_understood") stored.insert(line["field"].get<std::string>());
        }
      }
      CHECK(stored.size() + file.personal.size() == leaves(json->root));
    }
  }
}

TEST_CASE("figures are read in SI units, with framework, dtype and shape") {
  const auto import = import_folder("m5");
  REQUIRE(import.refused.empty());
  bool gemm = false, read = false, attention = false;
  for (const File& file : import.batch.files) {
    for (const Row& row : file.rows) {
      if (row.label() == "GEMM float16 4096" && row.find(Quantity::time, "std") != nullptr &&
          row.framework == "torch" && row.find(Quantity::byte_rate) != nullptr) {
        gemm = true;
        CHECK(row.device == "mps");
        CHECK(row.find(Quantity::flop_rate)->value == doctest::Approx(13.38982368690662e12));
        CHECK(row.find(Quantity::time)->value == doctest::Approx(10.264433400000339e-3));
      }
      if (row.operation == "read" && row.number("bytes") == 1e9) {
        read = true;
        CHECK(row.find(Quantity::byte_rate)->value == doctest::Approx(113.19385663719916e9));
      }
      if (row.framework == "mlx" && row.operation == "attention" && row.number("seq") == 256) {
        attention = true;
        CHECK(row.find(Quantity::flop_rate)->value == doctest::Approx(24.0e12));
      }
      CHECK(row.machine.chip == "M5");
    }
  }
  CHECK(gemm);
  CHECK(read);
  CHECK(attention);
}

TEST_CASE("llama-bench is read from each of its formats, and all say the same") {
  for (const char* name : {"rtx4080.json", "rtx4080.jsonl", "rtx4080.csv", "rtx4080.sql"}) {
    CAPTURE(name);
    const auto import = import_one(text_of(std::string("llama-bench/") + name));
    const File& file = only(import);
    CHECK(file.format.starts_with("llama-bench"));
    CHECK(file.values.not_understood().empty());
    REQUIRE(file.rows.size() == 2);
    const Row& prefill = find_row(file, "prefill qwen2 7B Q4_K - Medium pp512");
    CHECK(prefill.find(Quantity::token_rate)->value == doctest::Approx(7285.676949));
    CHECK(prefill.find(Quantity::time)->value == doctest::Approx(0.07028566));
    CHECK(prefill.machine.chip == "RTX 4080");
    CHECK(prefill.device == "cuda");
    const Row& decode = find_row(file, "decode qwen2 7B Q4_K - Medium tg128");
    CHECK(decode.find(Quantity::token_rate)->value == doctest::Approx(119.915244));
    CHECK(decode.number("weights_bytes") == doctest::Approx(4677120000.0));
    CHECK_MESSAGE(import.doubts.empty(), kinds(import));
  }
}

TEST_CASE("llama-bench in Markdown: rates with their spread, depth, and prose is listed") {
  const auto import = import_one(text_of("llama-bench/cuda.md"));
  const File& file = only(import);
  CHECK(file.format == "llama-bench Markdown");
  REQUIRE(file.rows.size() == 3);
  const Row& row = file.rows[2];
  CHECK(row.operation == "decode");
  CHECK(row.number("depth") == 512);
  CHECK(row.number("generated") == 128);
  CHECK(row.find(Quantity::token_rate)->value == doctest::Approx(116.71));
  CHECK(row.find(Quantity::token_rate, "std")->value == doctest::Approx(0.60));
  CHECK(row.number("weights_bytes") == doctest::Approx(4.36 * 1073741824.0));
  REQUIRE(file.values.not_understood().size() == 1);
  CHECK(*file.values.not_understood()[0]->json == "build: 8cf427ff (5163)");
}

TEST_CASE("mlx-benchmark tables: one row a back end, the machine from the heading") {
  const auto import = import_one(text_of("mlx-benchmark/detailed.md"));
  const File& file = only(import);
  CHECK(file.format == "mlx-benchmark Markdown");
  CHECK(file.rows.size() == 15 + 4);
  const Row& product = find_row(file, "GEMM float32 1000000x1024x64", "mlx");
  CHECK(product.machine.chip == "M2 Ultra");
  CHECK(product.machine.gpu_cores == 76);
  CHECK(product.find(Quantity::time)->value == doctest::Approx(10.20e-3));
  CHECK(product.known_flop() == doctest::Approx(2.0 * 1e6 * 1024 * 64));
  const auto journals = journals_of(import, file);
  CHECK(journals.size() == 2);  // a Mac and an NVIDIA card

  const auto csv = import_one(text_of("mlx-benchmark/average.csv"));
  CHECK(only(csv).rows.size() == 12);
  CHECK(only(csv).values.not_understood().empty());
}

TEST_CASE("a journal of our own becomes rows with the median time") {
  std::ostringstream text;
  text << std::ifstream(std::string(MLBENCH_TEST_DATA) + "/journals/v1-m5-interrupted.jsonl")
              .rdbuf();
  const auto import = import_one(text.str());
  const File& file = only(import);
  CHECK(file.format == "journal of mlbench");
  CHECK_FALSE(file.rows.empty());
  CHECK(file.machine.chip == "M5");
  std::size_t values = 0;
  std::istringstream lines(text.str());
  for (std::string line; std::getline(lines, line);) {
    if (const auto json = parse_json(line)) values += leaves(*json);
  }
  CHECK(count_values(file) == values);
  CHECK(
      refusal("{\"type\":\"run\",\"schema\":\"mlbench.journal/9\"}\n").find("mlbench.journal/9") !=
      std::string::npos);
}

TEST_CASE("what a field's name says") {
  const auto check = [](const char* name, const char* operation, const char* role,
                        Quantity quantity, double scale) {
    CAPTURE(name);
    const auto field = parse_field_name(name);
    REQUIRE(field);
    CHECK(field->operation == operation);
    CHECK(field->role == role);
    CHECK(field->quantity == quantity);
    CHECK(field->scale == scale);
  };
  check("attention_backward_ms", "attention_backward", "", Quantity::time, 1e-3);
  check("time_ms", "", "", Quantity::time, 1e-3);
  check("std_ms", "", "std", Quantity::time, 1e-3);
  check("load_time_s", "", "load", Quantity::time, 1);
  check("tokens_per_second_avg", "", "", Quantity::token_rate, 1);
  check("inference_tokens_per_sec", "inference", "", Quantity::token_rate, 1);
  check("peak_memory_gb", "", "peak", Quantity::memory, 1e9);
  check("theoretical_gbs", "", "theoretical", Quantity::byte_rate, 1e9);
  check("mfu_percent", "", "", Quantity::share, 0.01);
  check("final_val_loss", "", "final_val", Quantity::loss, 1);
  for (const char* name : {"samples", "iterations", "size", "is_ssd", "loss_scale", "", "s", "_"})
    CHECK_FALSE(parse_field_name(name));
}

TEST_CASE("tables: quotes, line ends in cells, columns of one name, text around them") {
  const auto csv = parse_csv("a,b,a\r\n\"x, \"\"y\"\"\nz\",2,3,4\n");
  CHECK(csv.root["tables"][0][0]["a"] == "x, \"y\"\nz");
  CHECK(csv.root["tables"][0][0]["a (2)"] == "3");
  CHECK(csv.root["tables"][0][0]["more cells"][0] == "4");
  const auto sql = parse_sql("CREATE TABLE t (a);\nINSERT INTO t (a, b) VALUES ('it''s; so', 2);");
  REQUIRE(sql);
  CHECK(sql->root["tables"][0][0]["a"] == "it's; so");
  CHECK_FALSE(parse_sql("INSERT INTO t (a, b) VALUES ('x"));
  CHECK_FALSE(parse_sql("INSERT INTO t (a, b) VALUES (1);"));
  const auto markdown = parse_markdown("# Title\ntext\n| a |\n|---|\n| 1 |\nmore\n");
  CHECK(markdown.root["text"].size() == 3);
  CHECK(markdown.headings[0] == 0U);
}

TEST_CASE("broken, foreign and hostile texts are refused with one sentence or taken as text") {
  CHECK(refusal("   \n").find("is empty") != std::string::npos);
  CHECK(refusal("{\"framework\": \"mlx\", \"time_ms\": 1").find("not valid JSON") !=
        std::string::npos);
  CHECK(refusal("{\"name\": \"x\", \"version\": \"1.0\"}").find("nothing that is understood") !=
        std::string::npos);
  CHECK(refusal("hello, world\n1, 2\n").find("nothing that is understood") != std::string::npos);
  CHECK(refusal(std::string(100000, '[')).find("64 levels") != std::string::npos);
  CHECK(refusal("{\"a_ms\": 1e999}").find("not usable JSON") != std::string::npos);
  CHECK(refusal("INSERT INTO llama_bench (a) VALUES ('").find("cut off") != std::string::npos);

  const std::string name = "</script><img src=x onerror=alert(1)>\\u202e" + std::string(10000, 'a');
  const auto hostile =
      import_one("{\"" + name + "\": {\"framework\": \"" + name + "\", \"model\": \"" + name +
                 "\", \"time_ms\": 0, \"tflops\": NaN}}");
  const File& file = only(hostile);
  CHECK(file.rows.size() == 1);
  CHECK_FALSE(journals_of(hostile, file).empty());
}

TEST_CASE("files: folders, missing, empty, binary and huge ones are refused by name") {
  const auto folder = fs::temp_directory_path() / "mlbench-import-test";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto message = [](const fs::path& path) {
    const auto text = read_source(path);
    REQUIRE_FALSE(text);
    CHECK(text.error().message.starts_with(path.string()));
    return text.error().message;
  };
  CHECK(message(folder).find("folder") != std::string::npos);
  CHECK(message(folder / "none").find("no such file") != std::string::npos);
  std::ofstream(folder / "empty") << "";
  CHECK(message(folder / "empty").find("empty") != std::string::npos);
  std::ofstream(folder / "binary", std::ios::binary) << std::string(
      "\x7f"
      "ELF\0\1",
      6);
  CHECK(message(folder / "binary").find("binary") != std::string::npos);
  std::ofstream(folder / "huge") << "{";
  fs::resize_file(folder / "huge", std::uintmax_t{1} << 30);  // sparse
  CHECK(message(folder / "huge").find("1.00 GiB") != std::string::npos);
  fs::remove_all(folder);
}

TEST_CASE("runs are written as journals, one a machine, and a second import replaces the first") {
  const auto folder = fs::temp_directory_path() / "mlbench-import-save-test";
  fs::remove_all(folder);
  for (int time = 0; time < 2; ++time) {
    auto import = import_one(text_of("mlx-benchmark/detailed.md"));
    REQUIRE(save(import, folder));
    CHECK(import.runs[0].size() == 2);
    CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 2);
  }
  auto import = import_texts({{"m5/f.json", text_of("m5/mfu_utilization.json")},
                              {"elsewhere/m5/f.json", text_of("m5/mfu_utilization.json")}});
  REQUIRE(save(import, folder));
  CHECK(import.runs[0][0].ends_with("m5-f.jsonl"));
  CHECK(import.runs[1][0].ends_with("m5-f-2.jsonl"));
  fs::remove_all(folder);
}

TEST_CASE("the reference set that ships with the program is what the import gives today") {
  std::vector<std::pair<std::string, std::string>> texts;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(std::string(MLBENCH_TEST_DATA) + "/import/m5"))
    names.insert(entry.path().filename().string());
  for (const auto& name : names)
    texts.emplace_back("tests/data/import/m5/" + name, text_of("m5/" + name));
  const auto import = import_texts(texts);
  std::vector<std::string> expected, actual;
  for (const File& file : import.batch.files) {
    for (const auto& journal : journals_of(import, file)) {
      for (Json line : journal.lines) {
        const auto type = line["type"].get<std::string>();
        if (type != "run" && type != "subject" && type != "imported") continue;
        for (const char* key : {"mlbench_version", "figures", "values", "shape", "benchmark"})
          line.erase(key);
        expected.push_back(dump_json(line));
      }
    }
  }
  std::ifstream file(std::string(MLBENCH_TEST_DATA) + "/../../data/reference.jsonl");
  for (std::string line; std::getline(file, line);) actual.push_back(line);
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) CHECK(actual[i] == expected[i]);
}
