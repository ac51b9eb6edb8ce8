#include "run/controls.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::run;

TEST_CASE("the second process of a subject is called again") {
  CHECK(twin_name("torch:cpu") == "torch@again:cpu");
  CHECK(twin_name("mlx@old:gpu") == "mlx@old+again:gpu");
  CHECK(twin_name("torch:cuda:0") == "torch@again:cuda:0");
  const Subject torch{.name = "torch:cpu",
                      .framework = "torch",
                      .device = "cpu",
                      .program = "/bin/true",
                      .missing = {},
                      .environment = {{"A", "1"}}};
  const auto twin = twin_of(torch);
  CHECK(twin.twin_of == "torch:cpu");
  CHECK(twin.environment == torch.environment);
}

TEST_CASE("a control is the largest case that is quick enough, else the smallest there is") {
  const auto family = null_candidates({});
  REQUIRE(family.candidates.size() > 3);
  plan::Estimates estimates;
  CHECK(choose_control(family, estimates, "torch:cpu", 1e-3) == nullptr);
  double call_s = 1e-4;
  for (const auto& c : family.candidates) {
    estimates[c.id]["torch:cpu"] = {.call_s = call_s, .reason = {}};
    call_s *= 4;
  }
  CHECK(choose_control(family, estimates, "torch:cpu", 1e-3) == &family.candidates[1]);
  CHECK(choose_control(family, estimates, "torch:cpu", 1e-5) == &family.candidates[0]);
  CHECK(choose_control(family, estimates, "mlx:cpu", 1e-3) == nullptr);
}

TEST_CASE("no case is measured and a control at once") {
  const auto all = null_candidates({}), without = null_candidates({all.candidates[0].id});
  CHECK(without.candidates.size() == all.candidates.size() - 1);
  for (const auto& n : all.candidates) {
    for (const auto& p : positive_candidates({}).candidates) CHECK(n.id != p.id);
  }
}
