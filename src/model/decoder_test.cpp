#include "model/family_checks_for_tests.hpp"
#include "model/reference_ops.hpp"

using namespace mlbench;
using namespace mlbench::model;

TEST_CASE("the reference computes what transformers computes, for every family") {
  ReferenceOps ops;
  CHECK(test::families().size() >= 20);
  test::check_families(ops);
}

TEST_CASE("the comparison with transformers finds a wrong rotary base") {
  ReferenceOps ops;
  test::check_that_a_wrong_model_is_found(ops);
}
