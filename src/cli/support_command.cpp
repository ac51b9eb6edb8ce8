#include "cli/commands.hpp"
#include "cli/describe_subjects.hpp"
#include "cli/exit_codes.hpp"
#include "cli/stored_support.hpp"
#include "core/text.hpp"
#include "core/units.hpp"
#include "report/table.hpp"
#include "run/support.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;
using run::SupportRow;

/// A probe is for what a kernel is, not for how fast it is at full size.
constexpr double kMostProbeFlop = 2e10;
constexpr double kMostProbeBytes = 1 << 30;

/// The lists of `catalogue`, each at one small size.
workload::Catalogue small(workload::Catalogue catalogue) {
  catalogue.gemm_sizes = {256};
  catalogue.gemm_shapes = {};
  catalogue.memory_sizes_bytes = {4 << 20};
  catalogue.attention.lengths = {128};
  catalogue.attention.batches = {1};
  return catalogue;
}

/// The smallest case of each workload and dtype, or all that `only` names exactly; workloads in
/// order, float32 first.
std::vector<workload::Case> probe_cases(const RunOptions& options, int& too_large) {
  std::vector<workload::Case> cases;
  for (const auto* workload : workload::workloads()) {
    std::map<std::pair<std::string, workload::DType>, workload::Case> smallest;  // by op, dtype
    for (const auto& family : workload->families(small(options.catalogue))) {
      for (const auto& c : family.candidates) {
        const auto op =
            find_string(c.params, "op").value_or("") +
            (c.params.contains("bits") ? std::to_string(c.params["bits"].get<int>()) : "");
        const auto [it, added] = smallest.try_emplace({op, c.dtype}, c);
        const auto size = [](const workload::Case& x) {
          return static_cast<double>(workload::memory_bytes_of(x)) + workload::work_of(x).flop;
        };
        if (!added && size(c) < size(it->second)) it->second = c;
      }
    }
    for (const auto& of_operation : smallest) {
      const auto& c = of_operation.second;
      const bool wanted = options.only.empty() ||
                          std::any_of(options.only.begin(), options.only.end(),
                                      [&](const auto& glob) { return glob_match(glob, c.id); });
      if (!wanted) continue;
      if (workload::work_of(c).flop > kMostProbeFlop ||
          static_cast<double>(workload::memory_bytes_of(c)) > kMostProbeBytes) {
        ++too_large;
        continue;
      }
      cases.push_back(c);
    }
  }
  return cases;
}

Json to_json(const SupportRow& row) {
  const std::string reason = row.support == run::Support::native ? "" : row.reason;
  return {{"workload", row.definition.workload},
          {"dtype", name_of(row.definition.dtype)},
          {"subject", row.subject},
          {"support", name_of(row.support)},
          {"reason", reason.empty() ? Json(nullptr) : Json(reason)},
          {"case", row.definition.id},
          {"kernel", row.kernel},
          {"call_s", to_json_or_null(row.call_s)},
          {"float32_ratio", to_json_or_null(row.float32_ratio)}};
}

std::string operation_of(const workload::Case& c) {
  return compare::operation_of(c.workload, c.params);
}

/// One line an operation and dtype, one column a subject, then the reasons.
std::string text_of(const std::vector<SupportRow>& rows, const std::vector<std::string>& subjects) {
  report::Table table;
  std::vector<std::string> header = {"SUPPORT", ""};
  header.insert(header.end(), subjects.begin(), subjects.end());
  table.add(header);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < rows.size(); i += subjects.size()) {
    const auto& c = rows[i].definition;
    std::vector<std::string> cells = {operation_of(c), std::string(name_of(c.dtype))};
    for (std::size_t j = i; j < std::min(rows.size(), i + subjects.size()); ++j) {
      cells.emplace_back(name_of(rows[j].support));
      if (rows[j].support == run::Support::native) continue;
      lines.push_back("  " + operation_of(c) + " " + std::string(name_of(c.dtype)) + ", " +
                      rows[j].subject + ": " + std::string(name_of(rows[j].support)) + ": " +
                      rows[j].reason);
    }
    table.add(cells);
  }
  std::string text = table.text();
  if (!lines.empty()) text += "\nWHY\n" + join(lines, "\n") + "\n";
  return text;
}

}  // namespace

int support_command(const Context& context, const RunFlags& flags) {
  const auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  const auto options = resolve(flags, *machine);
  if (!options) return report_error(context, options.error());
  const auto subjects = find_subjects(context, options->subjects);
  const auto records = describe_all(subjects);
  std::vector<run::Subject> usable;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (records[i].status == store::CaseStatus::ok) {
      usable.push_back(subjects[i]);
      names.push_back(subjects[i].name);
    } else {
      context.err << "mlbench: " << records[i].name << ": " << records[i].reason << '\n';
    }
  }
  if (usable.empty()) {
    return report_error(
        context, fail(ErrorKind::unsupported,
                      "no framework can be probed here; mlbench doctor says what is missing"));
  }
  int too_large = 0;
  const auto cases = probe_cases(*options, too_large);
  if (too_large > 0)
    context.err << "mlbench: " << too_large
                << " workloads have no case small enough for a probe and are left out\n";

  const auto scratch =
      fs::temp_directory_path() / ("mlbench-support-" + std::to_string(::getpid()));
  std::error_code ignored;
  fs::create_directories(scratch, ignored);
  const auto rows =
      run::probe_support(usable, cases, options->settings, scratch, [](const std::string&) {});
  fs::remove_all(scratch, ignored);
  // A map of everything is kept for the pages of later runs; one of chosen cases is an answer only.
  if (options->only.empty() && context.rehearsal == nullptr && !run::stop_requested()) {
    if (auto ok = keep_support(options->results_dir, *machine, records, rows); !ok)
      context.err << "mlbench: the map is not kept for later reports: " << ok.error().message
                  << '\n';
  }
  if (context.json) {
    Json list = Json::array();
    for (const auto& row : rows) list.push_back(to_json(row));
    print_json(context,
               {{"schema", "mlbench.list/1"}, {"slow_factor", run::kSlowFactor}, {"rows", list}});
  } else {
    context.out << text_of(rows, names);
  }
  return kExitOk;
}

}  // namespace mlbench::cli
