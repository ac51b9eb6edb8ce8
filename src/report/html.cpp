#include "report/html.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "report/charts.hpp"
#include "report/page_assets.hpp"
#include "report/samples.hpp"
#include "report/screen.hpp"
#include "report/state.hpp"
#include "report/support.hpp"
#include "report/text.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace mlbench::report {
namespace {

/// Four digits: the page draws with them and nothing is computed from them.
double rounded(double value) {
  return parse_double(fmt::format("{:.4g}", value)).value_or(value);
}

Json facts_json(const std::vector<Fact>& facts) {
  Json list = Json::array();
  for (const auto& f : facts) list.push_back({{"name", f.name}, {"answer", f.answer}});
  return list;
}

Json screen_json(const Screen& s) {
  return {{"headline", s.headline},
          {"subjects", s.subjects},
          {"checks", facts_json(s.checks)},
          {"key_finding", s.key_finding},
          {"published", s.published},
          {"limits", facts_json(s.limits)},
          {"model", s.model},
          {"as_used", s.as_used},
          {"notes", s.notes},
          {"left_out", s.left_out},
          {"doubts", s.doubts},
          {"finished", s.finished}};
}

Json chart_json(const Chart& c) {
  Json columns = Json::array();
  for (const auto& column : c.columns)
    columns.push_back({{"field", column.field}, {"title", column.title}});
  return {{"id", c.id},     {"title", c.title}, {"about", c.about},
          {"spec", c.spec}, {"rows", c.rows},   {"columns", columns}};
}

std::string share_text(double share) {
  return fmt::format("{:+.1f} %", 100 * (share - 1));
}

Json points_json(const CellSamples& cell, const std::string& title) {
  Json points = Json::array();
  for (const auto& p : cell.points) {
    points.push_back({{"subject", title},
                      {"round", p.round},
                      {"minutes", rounded(p.at_s / 60)},
                      {"median", rounded(p.median)},
                      {"low", rounded(p.low)},
                      {"high", rounded(p.high)},
                      {"text", share_text(p.median) + " (" + share_text(p.low) + " ... " +
                                   share_text(p.high) + ")"}});
  }
  return points;
}

Json bins_json(const CellSamples& cell, const std::string& title) {
  Json bins = Json::array();
  for (const auto& b : cell.bins) {
    bins.push_back({{"subject", title},
                    {"low", rounded(b.low)},
                    {"high", rounded(b.high)},
                    {"share", rounded(100 * b.share)},
                    {"text", fmt::format("{:.1f} % between {} and {}", 100 * b.share,
                                         share_text(b.low), share_text(b.high))}});
  }
  return bins;
}

/// One row a round: the median over its blocks, as time.
Json rounds_json(const CellSamples& cell) {
  std::map<int, std::vector<double>> by_round;
  for (const auto& p : cell.points) by_round[p.round].push_back(p.median);
  Json rounds = Json::array();
  for (auto& [round, medians] : by_round) {
    std::sort(medians.begin(), medians.end());
    rounds.push_back(
        {{"round", round}, {"text", format_time(medians[medians.size() / 2] * cell.median_s)}});
  }
  return rounds;
}

Json state_json(const Report& report) {
  const auto state = state_of(report);
  Json lines = Json::array();
  for (const auto& line : state.lines)
    lines.push_back({{"case", line.case_id}, {"label", line.label}, {"cells", line.cells}});
  return {{"columns", state.columns}, {"lines", lines}, {"alike", facts_json(state.alike)}};
}

/// By case id: what a call does, and each subject's samples.
Json samples_json(const Report& report, const store::RunData& run) {
  Json cases = Json::object();
  for (const auto& c : samples_of(run)) {
    Json points = Json::array(), bins = Json::array(), subjects = Json::array();
    for (const auto& cell : c.cells) {
      const auto title = title_of(report, cell.subject);
      for (auto& p : points_json(cell, title)) points.push_back(std::move(p));
      for (auto& b : bins_json(cell, title)) bins.push_back(std::move(b));
      subjects.push_back({{"subject", cell.subject},
                          {"samples", cell.samples},
                          {"blocks", cell.blocks},
                          {"rounds", rounds_json(cell)}});
    }
    cases[c.case_id] = {{"points", points}, {"bins", bins}, {"subjects", subjects}};
  }
  return cases;
}

/// The report's cases but for those that no subject measured, by plan: they are many, and the page
/// has them by reason.
Json without_left_out(Json document, const Report& report) {
  std::set<std::string> skipped;
  for (const Row& row : report.rows) {
    if (row.is_skipped()) skipped.insert(row.case_id);
  }
  Json cases = Json::array();
  for (Json& c : document["cases"]) {
    if (!skipped.contains(c["case"].get<std::string>())) cases.push_back(std::move(c));
  }
  document["cases"] = std::move(cases);
  return document;
}

Json left_out_json(const Report& report) {
  Json groups = Json::array();
  for (const auto& group : left_out_of(report)) {
    Json cases = Json::array();
    for (const auto& c : group.cases) {
      cases.push_back({{"case", c.id}, {"workload", c.workload}});
      if (c.reason != group.reason) cases.back()["reason"] = c.reason;
    }
    groups.push_back({{"words", in_words(group)}, {"reason", group.reason}, {"cases", cases}});
  }
  return groups;
}

/// `text` in HTML: nothing in it is markup.
std::string html_escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// JSON inside a script element: no "<" can end the element, and all of it is ASCII.
std::string script_json(const Json& json) {
  const auto text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

/// Replaces each "{{name}}" of the page's frame, once; what is put in is not looked at again.
std::string fill(std::string_view frame, const std::map<std::string, std::string>& parts) {
  std::string out;
  while (true) {
    const auto open = frame.find("{{");
    const auto close = open == std::string_view::npos ? open : frame.find("}}", open);
    if (close == std::string_view::npos) return out + std::string(frame);
    out += frame.substr(0, open);
    const auto part = parts.find(std::string(frame.substr(open + 2, close - open - 2)));
    if (part != parts.end()) out += part->second;
    frame.remove_prefix(close + 2);
  }
}

}  // namespace

Json page_of(const Report& report, const store::RunData& run) {
  Json charts = Json::array();
  for (const auto& c : charts_of(report)) charts.push_back(chart_json(c));
  return {{"report", without_left_out(to_json(report), report)},
          {"screen", screen_json(screen_of(report))},
          {"charts", charts},
          {"support", support_json(report, run)},
          {"left_out", left_out_json(report)},
          {"state", state_json(report)},
          {"samples", samples_json(report, run)},
          {"sample_charts",
           {{"distribution", distribution_spec(report)}, {"drift", drift_spec(report)}}},
          {"text", to_text(report)}};
}

std::string to_html(const Json& pages) {
  std::string text;
  for (const Json& page : pages) text += page["text"].get<std::string>() + "\n";
  return fill(kPageHtml, {{"css", std::string(kPageCss)},
                          {"text", html_escape(text)},
                          {"data", script_json({{"schema", "mlbench.page/1"}, {"pages", pages}})},
                          {"vega", std::string(kVegaJs)},
                          {"vega-lite", std::string(kVegaLiteJs)},
                          {"js", std::string(kPageJs)}});
}

}  // namespace mlbench::report
