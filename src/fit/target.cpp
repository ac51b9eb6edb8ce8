#include "fit/target.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "fit/catalogue.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace mlbench::fit {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;
constexpr std::int64_t kBufferStep = 16384;
constexpr std::int64_t kNewestMacos = 26;
// What a CUDA context and the driver keep of a card's memory. An assumption.
constexpr std::int64_t kCudaReserve = kGiB / 2;

std::string gib(std::int64_t bytes) {
  return std::to_string(bytes / kGiB) + " GiB";
}

/// Share of memory that macOS 26 lets the GPU use, by GiB installed.
double share_on_macos_26(std::int64_t memory_gib) {
  if (memory_gib <= 8) return 2.0 / 3;
  if (memory_gib <= 24) return 0.74;
  if (memory_gib <= 48) return 0.78;
  if (memory_gib <= 96) return 0.81;
  return 0.84;
}

/// All from memory and macOS: what a Mac that is not at hand would tell.
void derive_limits(Target& t, std::int64_t memory_bytes, std::int64_t macos_major) {
  const std::string rule =
      "derived for macOS " + std::to_string(macos_major) + " from " + gib(memory_bytes);
  if (!t.working_set.bytes)
    t.working_set = {default_working_set_bytes(memory_bytes, macos_major), rule};
  if (!t.largest_buffer.bytes)
    t.largest_buffer = {default_largest_buffer_bytes(memory_bytes, macos_major),
                        rule + ": 0.75 of the default working set"};
}

void leave_room_for_system(Target& t, std::int64_t memory_bytes) {
  const auto reserve = system_reserve_bytes(memory_bytes);
  t.memory = {std::max<std::int64_t>(0, memory_bytes - reserve),
              "installed memory less " + format_bytes(static_cast<double>(reserve)) +
                  " for the system (assumed)"};
}

void take_chip(Target& t, const Chip& chip) {
  t.kind = Target::Kind::apple;
  t.bandwidth_bytes_per_s = chip.bandwidth_bytes_per_s;
  t.bandwidth_source =
      "published for " + chip.name + " with " + std::to_string(chip.gpu_cores) + " GPU cores";
  t.clock_hz = chip.clock_hz;
  t.flop_per_s = chip.float32_flop_per_s();
  t.two_dies = chip.name.ends_with("Ultra");
  t.neural_accelerators = chip.has_neural_accelerators();
  if (chip.clock_assumed)
    t.notes.push_back("The GPU clock of this chip is assumed to be that of a sibling.");
}

Target apple_target(const Chip& chip, std::int64_t memory_gib, std::int64_t macos_major) {
  Target t;
  take_chip(t, chip);
  t.name = chip.name + ", " + std::to_string(chip.gpu_cores) + " GPU cores, " +
           std::to_string(memory_gib) + " GiB";
  t.memory_bytes = memory_gib * kGiB;
  derive_limits(t, *t.memory_bytes, macos_major);
  leave_room_for_system(t, *t.memory_bytes);
  return t;
}

void take_vram(Target& t, std::int64_t bytes) {
  t.kind = Target::Kind::cuda;
  t.memory_bytes = bytes;
  const auto usable = std::max<std::int64_t>(0, bytes - kCudaReserve);
  t.working_set = {usable, "the card's memory less 512 MiB for its driver (assumed)"};
  t.largest_buffer = {usable, "CUDA has no other limit to one buffer than the card's memory"};
}

Target gpu_target(const GpuCard& card) {
  Target t;
  take_vram(t, static_cast<std::int64_t>(card.memory_gib * static_cast<double>(kGiB)));
  t.name = card.name;
  t.bandwidth_bytes_per_s = card.bandwidth_bytes_per_s;
  t.bandwidth_source = "published for " + card.name;
  t.flop_per_s = card.flop_per_s;
  return t;
}

// --- reading "M4 Max 40c 64GB" -----------------------------------------------------------------

struct Words {
  std::string chip;  ///< "M4 Max"
  std::optional<std::int64_t> cores, memory_gib, macos;
};

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text)
    out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return out;
}

/// Letters and digits apart: "40c" is "40", "c"; any other character ends a part.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  char last = 0;
  const auto kind = [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return std::isdigit(u) != 0 ? '9' : std::isalpha(u) != 0 ? 'a' : ' ';
  };
  for (const char c : lower(text)) {
    const char now = kind(c);
    if (now != ' ' && now == last)
      parts.back().push_back(c);
    else if (now != ' ')
      parts.emplace_back(1, c);
    last = now;
  }
  return parts;
}

bool is_one_of(const std::string& word, std::initializer_list<const char*> list) {
  return std::any_of(list.begin(), list.end(), [&](const char* item) { return word == item; });
}

/// A number and the word behind it, or a word with the number behind it ("macos 15").
Status take_number(Words& w, const std::string& number, const std::string& unit,
                   const std::string& text) {
  const auto n = parse_int(number);
  const bool sane = n && *n > 0 && *n <= 100000;
  if (sane && is_one_of(unit, {"c", "core", "cores"}))
    w.cores = *n;
  else if (sane && is_one_of(unit, {"gb", "gib", "g"}))
    w.memory_gib = *n;
  else
    return fail(ErrorKind::usage,
                "--machine \"" + text + "\": \"" + number + (unit.empty() ? "" : " " + unit) +
                    "\" is not understood; say GPU cores as 40c and memory as 64GB");
  return Done{};
}

Result<Words> read_words(const std::string& text) {
  Words w;
  const auto parts = parts_of(text);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto next = i + 1 < parts.size() ? parts[i + 1] : std::string();
    if (parts[i] == "m" && parse_int(next)) {
      w.chip = "M" + next;
      ++i;
    } else if (is_one_of(parts[i], {"pro", "max", "ultra"}) && !w.chip.empty()) {
      w.chip += " ";
      w.chip += static_cast<char>(std::toupper(static_cast<unsigned char>(parts[i][0])));
      w.chip += parts[i].substr(1);
    } else if (is_one_of(parts[i], {"macos", "os"}) && parse_int(next)) {
      w.macos = parse_int(next);
      ++i;
    } else if (is_one_of(parts[i], {"apple", "gpu", "ram", "memory", "mac", "with", "and"})) {
      continue;
    } else if (parse_int(parts[i])) {
      const bool has_unit = !next.empty() && !parse_int(next);
      if (auto ok = take_number(w, parts[i], has_unit ? next : "", text); !ok) return ok.error();
      if (has_unit) ++i;
    } else {
      return fail(ErrorKind::usage, "--machine \"" + text + "\": \"" + parts[i] +
                                        "\" is not understood; give an Apple chip "
                                        "with its GPU cores and memory (\"M4 Max 40c 64GB\"), an "
                                        "NVIDIA card (\"RTX 4090\"), or this");
    }
  }
  return w;
}

std::string listed(const std::vector<std::int64_t>& numbers, const char* unit) {
  std::vector<std::string> words;
  for (const auto n : numbers) words.push_back(std::to_string(n) + unit);
  return join(words, ", ");
}

/// The variant that the words mean; the smallest where they leave it open.
Result<Chip> choose(const std::vector<Chip>& variants, const Words& w,
                    std::vector<std::string>& notes) {
  std::vector<std::int64_t> cores;
  for (const auto& v : variants) cores.push_back(v.gpu_cores);
  for (const auto& v : variants) {
    if (w.cores == v.gpu_cores) return v;
  }
  if (w.cores) {
    return fail(ErrorKind::usage, "--machine: " + w.chip + " is known with " + listed(cores, "c") +
                                      " of GPU, not " + std::to_string(*w.cores) + "c");
  }
  for (const auto& v : variants) {
    const bool sold = w.memory_gib && std::find(v.memory_gib.begin(), v.memory_gib.end(),
                                                *w.memory_gib) != v.memory_gib.end();
    if (!w.memory_gib || sold || &v == &variants.back()) {
      if (variants.size() > 1) {
        notes.push_back(w.chip + " exists with " + listed(cores, "c") + " of GPU; " +
                        std::to_string(v.gpu_cores) + "c is taken, because none was named.");
      }
      return v;
    }
  }
  return variants.front();
}

Result<Target> find_apple(const Words& w) {
  std::vector<Chip> variants;
  for (const auto& c : chips()) {
    if (c.name == w.chip) variants.push_back(c);
  }
  if (variants.empty()) {
    std::vector<std::string> names;
    for (const auto& c : chips()) {
      if (names.empty() || names.back() != c.name) names.push_back(c.name);
    }
    return fail(ErrorKind::usage, "--machine: no chip is known as \"" + w.chip + "\"; known are " +
                                      join(names, ", "));
  }
  std::vector<std::string> notes;
  const auto chip = choose(variants, w, notes);
  if (!chip) return chip.error();
  const auto memory = w.memory_gib.value_or(chip->memory_gib.front());
  if (!w.memory_gib && chip->memory_gib.size() > 1) {
    notes.push_back("It is sold with " + listed(chip->memory_gib, " GiB") +
                    "; the smallest is taken, because none was named.");
  }
  const auto& sizes = chip->memory_gib;
  if (std::find(sizes.begin(), sizes.end(), memory) == sizes.end()) {
    notes.push_back("The " + chip->name + " with " + std::to_string(chip->gpu_cores) +
                    " GPU cores was sold with " + listed(sizes, " GiB") + " and never with " +
                    std::to_string(memory) + " GiB; the answer is for one that had it.");
  }
  Target t = apple_target(*chip, memory, w.macos.value_or(kNewestMacos));
  t.notes.insert(t.notes.end(), notes.begin(), notes.end());
  return t;
}

/// "A100", without the memory that tells boards of one name apart.
std::vector<std::string> card_words(const std::string& text, std::optional<std::int64_t>* memory) {
  std::vector<std::string> words;
  const auto parts = parts_of(text);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool sized = i + 1 < parts.size() && is_one_of(parts[i + 1], {"gb", "gib"});
    if (sized && parse_int(parts[i])) {
      if (memory != nullptr) *memory = parse_int(parts[i]);
      ++i;
    } else if (!is_one_of(parts[i], {"nvidia", "geforce", "tesla", "gpu"})) {
      words.push_back(parts[i]);
    }
  }
  return words;
}

bool begins_with(const std::vector<std::string>& text, const std::vector<std::string>& start) {
  return start.size() <= text.size() && std::equal(start.begin(), start.end(), text.begin());
}

/// Boards whose name is `wanted` but for their memory, smallest first.
std::vector<GpuCard> boards_of(const std::vector<std::string>& wanted) {
  std::vector<GpuCard> boards;
  for (const auto& card : gpu_cards()) {
    if (card_words(card.name, nullptr) == wanted) boards.push_back(card);
  }
  return boards;
}

const GpuCard& nearest_memory(const std::vector<GpuCard>& boards, double memory_gib) {
  return *std::min_element(boards.begin(), boards.end(), [&](const GpuCard& a, const GpuCard& b) {
    return std::abs(a.memory_gib - memory_gib) < std::abs(b.memory_gib - memory_gib);
  });
}

/// Boards that are sold under a name of the list with other memory than there.
bool is_other_board(const GpuCard& card) {
  static const std::array<std::pair<const char*, double>, 6> others = {{{"RTX 3060", 8},
                                                                        {"RTX 3080", 12},
                                                                        {"RTX 4060 Ti", 8},
                                                                        {"RTX 5060 Ti", 8},
                                                                        {"V100", 16},
                                                                        {"B200", 192}}};
  return std::any_of(others.begin(), others.end(), [&](const auto& other) {
    return card.name == other.first && card.memory_gib == other.second;
  });
}

/// `card` has the memory that was asked for, the list's board `known_gib`.
std::optional<std::string> unknown_board(const GpuCard& card, double known_gib) {
  // Some boards go by two numbers: an H200 by 141 GB.
  if (std::abs(card.memory_gib - known_gib) <= 0.03 * known_gib || is_other_board(card))
    return std::nullopt;
  const auto words = [](double gib) { return format_bytes(gib * static_cast<double>(kGiB)); };
  return "The " + card.name + " was sold with " + words(known_gib) + ", and with " +
         words(card.memory_gib) + " none is known; the answer is for one that had it.";
}

Result<Target> find_gpu(const std::string& text) {
  std::optional<std::int64_t> memory;
  const auto wanted = card_words(text, &memory);
  const auto boards = boards_of(wanted);
  if (boards.empty()) {
    std::vector<std::string> names;
    for (const auto& card : gpu_cards()) {
      if (!wanted.empty() && begins_with(card_words(card.name, nullptr), wanted)) {
        names.push_back(card.name);
      }
    }
    if (names.empty()) {
      for (const auto& card : gpu_cards()) names.push_back(card.name);
    }
    return fail(ErrorKind::usage,
                "--machine \"" + text +
                    "\" is not known; give an Apple chip (\"M4 Max 40c 64GB\"), this, or one of " +
                    join(names, ", "));
  }
  GpuCard card = memory ? nearest_memory(boards, static_cast<double>(*memory)) : boards.front();
  const double known_gib = card.memory_gib;
  if (memory) card.memory_gib = static_cast<double>(*memory);
  Target t = gpu_target(card);
  if (const auto note = unknown_board(card, known_gib)) t.notes.push_back(*note);
  if (memory && boards.size() == 1) t.name += ", " + std::to_string(*memory) + " GiB";
  if (!memory && boards.size() > 1) {
    t.notes.push_back(
        "Boards of this name differ in memory; the smallest is taken, because none "
        "was named.");
  }
  return t;
}

/// The card behind a driver's name ("NVIDIA A100-SXM4-80GB"): the longest known name that it begins
/// with. Laptop versions are other chips.
std::optional<GpuCard> card_of_device(const machine::Gpu& gpu) {
  if (!gpu.name || !gpu.memory_bytes) return std::nullopt;
  const auto words = card_words(*gpu.name, nullptr);
  if (std::find(words.begin(), words.end(), "laptop") != words.end()) return std::nullopt;
  std::vector<std::string> best;
  for (const auto& card : gpu_cards()) {
    const auto name = card_words(card.name, nullptr);
    if (begins_with(words, name) && name.size() > best.size()) best = name;
  }
  if (best.empty()) return std::nullopt;
  return nearest_memory(boards_of(best),
                        static_cast<double>(*gpu.memory_bytes) / static_cast<double>(kGiB));
}

// --- this machine ------------------------------------------------------------------------------

const Chip* chip_of(const machine::Machine& m) {
  if (!m.cpu.name || m.gpus.empty() || !m.gpus[0].cores) return nullptr;
  for (const auto& c : chips()) {
    if (*m.cpu.name == "Apple " + c.name && c.gpu_cores == *m.gpus[0].cores) return &c;
  }
  return nullptr;
}

std::int64_t macos_major(const machine::Machine& m) {
  if (!m.os.version) return kNewestMacos;
  return parse_int(split(*m.os.version, '.')[0]).value_or(kNewestMacos);
}

void take_apple_limits(Target& t, const machine::Machine& m) {
  const std::string source =
      "read" + (m.memory.gpu_limits_source ? " from " + *m.memory.gpu_limits_source : "");
  if (m.memory.gpu_working_set_bytes)
    t.working_set = {m.memory.gpu_working_set_bytes, source};
  else if (m.memory.wired_limit_bytes)
    t.working_set = {m.memory.wired_limit_bytes, "read from iogpu.wired_limit_mb"};
  if (m.memory.largest_buffer_bytes) t.largest_buffer = {m.memory.largest_buffer_bytes, source};
  if (m.memory.total_bytes) derive_limits(t, *m.memory.total_bytes, macos_major(m));
}

void take_measured(Target& t, const Measured& measured) {
  if (!t.bandwidth_bytes_per_s && measured.bandwidth_bytes_per_s) {
    t.bandwidth_bytes_per_s = measured.bandwidth_bytes_per_s;
    t.bandwidth_source = "measured in " + measured.source;
    t.bandwidths = measured.bandwidths;
  }
  if (!t.flop_per_s && measured.flop_per_s) t.flop_per_s = measured.flop_per_s;
}

}  // namespace

double bandwidth_over(const Target& target, double bytes) {
  const auto& all = target.bandwidths;
  if (all.empty()) return target.bandwidth_bytes_per_s.value_or(0);
  const auto above = std::find_if(
      all.begin(), all.end(), [&](const BandwidthOver& b) { return b.working_set_bytes >= bytes; });
  if (above == all.end()) return all.back().bytes_per_s;
  if (above == all.begin()) return all.front().bytes_per_s;
  const BandwidthOver &high = *above, &low = *(above - 1);
  const double part = std::log(bytes / low.working_set_bytes) /
                      std::log(high.working_set_bytes / low.working_set_bytes);
  return std::exp((1 - part) * std::log(low.bytes_per_s) + part * std::log(high.bytes_per_s));
}

std::int64_t default_working_set_bytes(std::int64_t memory_bytes, std::int64_t macos_major) {
  const std::int64_t memory_gib = memory_bytes / kGiB;
  const double memory = static_cast<double>(memory_bytes);
  if (memory_gib > 128) return memory_bytes - 48 * kGiB;
  if (macos_major >= 26) return static_cast<std::int64_t>(memory * share_on_macos_26(memory_gib));
  return static_cast<std::int64_t>(memory * (memory_gib <= 32 ? 2.0 / 3 : 0.75));
}

std::int64_t default_largest_buffer_bytes(std::int64_t memory_bytes, std::int64_t macos_major) {
  const auto bytes =
      static_cast<double>(default_working_set_bytes(memory_bytes, macos_major)) * 0.75;
  return static_cast<std::int64_t>(bytes) / kBufferStep * kBufferStep;
}

std::int64_t system_reserve_bytes(std::int64_t memory_bytes) {
  return std::max(2 * kGiB, memory_bytes / 16);
}

Result<Target> find_target(const std::string& text) {
  const auto parts = parts_of(text);
  if (parts.empty())
    return fail(
        ErrorKind::usage,
        "--machine is empty; give a chip (\"M4 Max 40c 64GB\"), a card (\"RTX 4090\"), or this");
  const auto words = read_words(text);
  if (words && !words->chip.empty()) return find_apple(*words);
  const bool names_apple = std::find(parts.begin(), parts.end(), "m") != parts.end();
  if (!words && names_apple) return words.error();
  return find_gpu(text);
}

Target target_of(const machine::Machine& m, const Measured& measured) {
  Target t;
  t.name = machine::headline(m);
  const auto memory = m.memory.usable_bytes();
  t.memory_bytes = memory;
  if (const Chip* chip = chip_of(m))
    take_chip(t, *chip);
  else if (m.cpu.vendor == "Apple")
    t.kind = Target::Kind::apple;
  if (t.kind == Target::Kind::apple) take_apple_limits(t, m);
  const bool has_card = t.kind != Target::Kind::apple && !m.gpus.empty() && m.gpus[0].memory_bytes;
  if (has_card) {
    take_vram(t, *m.gpus[0].memory_bytes);
    if (memory) t.host_memory_bytes = *memory - system_reserve_bytes(*memory);
    if (const auto card = card_of_device(m.gpus[0])) {
      t.bandwidth_bytes_per_s = card->bandwidth_bytes_per_s;
      t.bandwidth_source = "published for " + card->name;
      t.flop_per_s = card->flop_per_s;
    }
  }
  // A card's model lies in the card's memory; everywhere else in the machine's.
  if (memory && !has_card) leave_room_for_system(t, *memory);
  take_measured(t, measured);
  return t;
}

}  // namespace mlbench::fit
