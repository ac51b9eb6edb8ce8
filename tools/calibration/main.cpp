#include "judge.hpp"
#include "record.hpp"
#include "recording.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

/// How often the rules of other tools and ours are wrong, and how long they take: docs/method.md.
int main(int argc, char** argv) try {
  using namespace mlbench;
  CLI::App app{"Records real samples, and judges every rule on the same samples.",
               "mlbench-calibration"};
  app.require_subcommand(1);

  calibration::RecordOptions options;
  auto* record = app.add_subcommand("record", "Run worker processes and store their samples");
  record->add_option("--worker", options.worker, "mlbench-worker-torch")->required();
  record->add_option("--out", options.output, "File to write")->required();
  record->add_option("--units", options.units)->capture_default_str();
  record->add_option("--rounds", options.rounds, "Interleaved rounds a unit")
      ->capture_default_str();
  record->add_option("--sequential", options.sequential_s, "Seconds of each sequential series")
      ->capture_default_str();
  record->add_option("--seed", options.seed)->capture_default_str();
  std::string input;
  auto* judge = app.add_subcommand("judge", "Apply every rule to what was recorded");
  judge->add_option("recording", input, "File that record wrote")->required();
  CLI11_PARSE(app, argc, argv);

  if (judge->parsed()) {
    const auto recording = calibration::load(input);
    if (!recording) {
      std::cerr << "mlbench-calibration: " << recording.error().message << '\n';
      return exit_code(recording.error().kind);
    }
    calibration::judge(*recording, std::cout);
    return 0;
  }
  if (auto ok = calibration::record(options, std::cerr); !ok) {
    std::cerr << "mlbench-calibration: " << ok.error().message << '\n';
    return exit_code(ok.error().kind);
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << "mlbench-calibration: " << e.what() << '\n';
  return 1;
}
