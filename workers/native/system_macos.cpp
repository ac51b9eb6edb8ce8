#include "native/system.hpp"

#include <pthread.h>
#include <pthread/qos.h>
#include <sys/sysctl.h>

#include <algorithm>

namespace mlbench::native {
namespace {

/// A sysctl that is a 4 or 8 byte integer.
std::optional<std::int64_t> sysctl_int(const char* name) {
  std::int64_t value = 0;
  std::size_t size = sizeof value;
  if (sysctlbyname(name, &value, &size, nullptr, 0) != 0) return std::nullopt;
  return size == 4 ? static_cast<std::int32_t>(value) : value;
}

}  // namespace

int usable_cores() {
  const auto performance = sysctl_int("hw.perflevel0.physicalcpu");
  const auto all = sysctl_int("hw.physicalcpu");
  return static_cast<int>(std::max<std::int64_t>(1, performance ? *performance : all.value_or(1)));
}

std::optional<std::int64_t> last_level_cache_bytes() {
  // The system-level cache behind these is not told.
  const auto l3 = sysctl_int("hw.l3cachesize"), l2 = sysctl_int("hw.perflevel0.l2cachesize");
  if (l3 && *l3 > 0) return l3;
  return l2 ? l2 : sysctl_int("hw.l2cachesize");
}

std::optional<std::string> cpu_name() {
  char text[256] = {};
  std::size_t size = sizeof text - 1;
  if (sysctlbyname("machdep.cpu.brand_string", text, &size, nullptr, 0) != 0) return std::nullopt;
  return std::string(text);
}

bool cpu_has_float16_arithmetic() {
  return sysctl_int("hw.optional.arm.FEAT_FP16").value_or(0) != 0;
}

void prefer_fast_cores() {
  pthread_set_qos_class_self_np(QOS_CLASS_USER_INTERACTIVE, 0);
}

}  // namespace mlbench::native
