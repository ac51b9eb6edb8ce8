#include "plan/config_yaml.hpp"

#include "core/text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

namespace mlbench::plan {
namespace {

constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxKeys = 1000;  // in one map; each is compared with all before it

int line_of(const YAML::Mark& mark) {
  return mark.is_null() ? 0 : mark.line + 1;
}

constexpr const char* kNoAliases =
    "aliases (*) and anchors (&) are not supported; put a text that begins so in quotes";

/// Thrown by the builder to leave yaml-cpp's parser; parse_yaml() turns it into an error.
struct Refusal {
  int line;
  std::string why;
};

/// Builds the tree from yaml-cpp's events instead of its nodes, because only here can a document be
/// refused before it costs memory or stack.
class TreeBuilder final : public YAML::EventHandler {
 public:
  [[nodiscard]] YamlNode take() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_extras(mark, "", anchor);
    add(node(mark, YamlNode::Kind::null));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refusal{line_of(mark), kNoAliases};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_extras(mark, tag, anchor);
    YamlNode scalar = node(mark, YamlNode::Kind::scalar);
    scalar.scalar = value;
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map that is still being read, and the key that waits for its value.
  struct Open {
    YamlNode node;
    std::optional<YamlNode> key = std::nullopt;
  };

  static YamlNode node(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode made;
    made.kind = kind;
    made.line = line_of(mark);
    return made;
  }

  static void refuse_extras(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refusal{line_of(mark), kNoAliases};
    // yaml-cpp's own tags: "?" for a plain and "!" for a quoted scalar.
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refusal{line_of(mark), "tags (!) are not supported"};
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    refuse_extras(mark, tag, anchor);
    if (open_.size() == kMaxDepth)
      throw Refusal{line_of(mark), "nested deeper than any configuration is"};
    open_.push_back({node(mark, kind)});
  }

  void close() {
    YamlNode closed = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(closed));
  }

  void add(YamlNode added) {
    if (open_.empty()) {
      root_ = std::move(added);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::map && !parent.key) {
      check_key(parent.node, added);
      parent.key = std::move(added);
      return;
    }
    if (parent.key) {
      added.key = std::move(parent.key->scalar);
      added.key_line = parent.key->line;
      parent.key.reset();
    }
    parent.node.items.push_back(std::move(added));
  }

  static void check_key(const YamlNode& map, const YamlNode& key) {
    if (key.kind != YamlNode::Kind::scalar) throw Refusal{key.line, "a key must be a name"};
    if (map.items.size() == kMaxKeys) {
      throw Refusal{key.line, "more keys than any configuration has"};
    }
    for (const YamlNode& other : map.items) {
      if (other.key != key.scalar) continue;
      throw Refusal{key.line, "key " + in_quotes(key.scalar) + " was already given in line " +
                                  std::to_string(other.key_line)};
    }
  }

  YamlNode root_;
  std::vector<Open> open_;
};

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

/// What the bytes of any configuration must be; also keeps yaml-cpp from guessing UTF-16 and 32.
Status check_bytes(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxConfigBytes) {
    return yaml_error(file_name, 0, "larger than 256 KiB, which no configuration is");
  }
  int line = 0;
  for (const std::string_view part : split(text, '\n')) {
    ++line;
    const auto indent = part.substr(0, std::min(part.find_first_not_of(" \t"), part.size()));
    const bool blank = trim(part).empty() || trim(part).front() == '#';
    if (!blank && indent.find('\t') != std::string_view::npos) {
      return yaml_error(file_name, line, "indented with a tab; YAML allows spaces only");
    }
    const auto text_only = [](char c) { return c != '\t' && c != '\r' && is_control(c); };
    if (std::any_of(part.begin(), part.end(), text_only) || part.starts_with("\xff\xfe") ||
        part.starts_with("\xfe\xff")) {
      return yaml_error(file_name, line, "holds bytes that are not UTF-8 text");
    }
  }
  return Done{};
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string shown(text.substr(0, kLongest));
  std::replace_if(shown.begin(), shown.end(), is_control, '?');
  return '"' + shown + (text.size() > kLongest ? "...\"" : "\"");
}

Error yaml_error(std::string_view file_name, int line, std::string_view message) {
  std::string where(file_name);
  if (line > 0) where += ":" + std::to_string(line);
  return fail(ErrorKind::usage, std::string(message)).in(where);
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name) {
  if (auto valid = check_bytes(text, file_name); !valid) return valid.error();
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder tree, more;
    if (!parser.HandleNextDocument(tree)) {
      return yaml_error(file_name, 0, "empty: a configuration needs at least one setting");
    }
    if (parser.HandleNextDocument(more)) {
      return yaml_error(file_name, std::move(more).take().line, "a second document starts here");
    }
    return std::move(tree).take();
  } catch (const Refusal& refusal) {
    return yaml_error(file_name, refusal.line, refusal.why);
  } catch (const YAML::Exception& e) {
    // An alias without its anchor fails before the builder sees it.
    const bool alias = e.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR;
    return yaml_error(file_name, line_of(e.mark), alias ? kNoAliases : "not valid YAML: " + e.msg);
  } catch (const std::exception& e) {  // yaml-cpp throws std::exceptions on some broken texts
    return yaml_error(file_name, 0, std::string("not valid YAML: ") + e.what());
  }
}

}  // namespace mlbench::plan
