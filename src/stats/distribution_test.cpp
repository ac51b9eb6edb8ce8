#include "stats/quantile.hpp"
#include "stats/student_t.hpp"
#include "stats/wilson.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace mlbench::stats;

// Reference values: SciPy 1.17.1 (scipy.stats.t.ppf and .cdf, scipy.special.betainc,
// scipy.stats.binomtest(...).proportion_ci(method="wilson"), scipy.stats.binom.sf), NumPy 2
// (numpy.quantile).

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool near(double actual, double expected, double relative) {
  return std::abs(actual - expected) <= relative * std::abs(expected);
}

}  // namespace

TEST_CASE("quantiles agree with NumPy and refuse what has none") {
  const std::vector<double> x = {3.1, 1.2, 5.5, 2.2, 4.8, 9.1};
  CHECK(*quantile(x, 0) == 1.2);
  CHECK(near(*quantile(x, 0.1), 1.7, 1e-15));
  CHECK(near(*quantile(x, 0.25), 2.425, 1e-15));
  CHECK(near(*median(x), 3.95, 1e-15));
  CHECK(near(*quantile(x, 0.9), 7.3, 1e-15));
  CHECK(*quantile(x, 1) == 9.1);
  CHECK(*median(std::vector{7.0}) == 7.0);
  CHECK(*median(std::vector{3.0, 1.0, 2.0}) == 2.0);
  CHECK_FALSE(median({}).has_value());
  CHECK_FALSE(median(std::vector{1.0, kNaN}).has_value());
  CHECK_FALSE(median(std::vector{1.0, kInf}).has_value());
  CHECK_FALSE(quantile(x, 1.1).has_value());
  CHECK_FALSE(quantile(x, kNaN).has_value());
}

TEST_CASE("Student's t quantiles agree with SciPy") {
  struct Row {
    double p, df, t;
  };
  for (const Row& r : std::vector<Row>{
           {0.6, 1.0, 0.32491969623290634},        {0.75, 1.0, 1.0000000000000002},
           {0.95, 1.0, 6.313751514675037},         {0.975, 1.0, 12.706204736174694},
           {0.995, 1.0, 63.656741162871526},       {0.9995, 1.0, 636.6192487687897},
           {0.6, 2.0, 0.2886751345948128},         {0.75, 2.0, 0.8164965809277261},
           {0.95, 2.0, 2.9199855803537242},        {0.975, 2.0, 4.302652729749462},
           {0.995, 2.0, 9.924843200918287},        {0.9995, 2.0, 31.599054576445365},
           {0.6, 3.0, 0.2766706623326898},         {0.75, 3.0, 0.7648923284043444},
           {0.95, 3.0, 2.3533634348018233},        {0.975, 3.0, 3.1824463052837078},
           {0.995, 3.0, 5.840909309733355},        {0.9995, 3.0, 12.923978636687961},
           {0.6, 5.0, 0.2671808657041451},         {0.75, 5.0, 0.7266868438004226},
           {0.95, 5.0, 2.0150483733330233},        {0.975, 5.0, 2.5705818356363146},
           {0.995, 5.0, 4.032142983555228},        {0.9995, 5.0, 6.868826625881276},
           {0.6, 9.0, 0.260955336473911},          {0.75, 9.0, 0.7027221467513264},
           {0.95, 9.0, 1.833112932656237},         {0.975, 9.0, 2.262157162798205},
           {0.995, 9.0, 3.249835541592126},        {0.9995, 9.0, 4.780912585931217},
           {0.6, 19.0, 0.25692281979615467},       {0.75, 19.0, 0.6876214602039602},
           {0.95, 19.0, 1.7291328115213682},       {0.975, 19.0, 2.0930240544083087},
           {0.995, 19.0, 2.8609346064649794},      {0.9995, 19.0, 3.883405852592131},
           {0.6, 29.0, 0.25568363457125604},       {0.75, 29.0, 0.6830438608216131},
           {0.95, 29.0, 1.6991270265334972},       {0.975, 29.0, 2.045229642132703},
           {0.995, 29.0, 2.756385903670605},       {0.9995, 29.0, 3.6594050194663748},
           {0.6, 100.0, 0.25402218245822766},      {0.75, 100.0, 0.6769510430114717},
           {0.95, 100.0, 1.6602343260853392},      {0.975, 100.0, 1.9839715185235518},
           {0.995, 100.0, 2.6258905214380173},     {0.9995, 100.0, 3.390491311164263},
           {0.6, 1000.0, 0.25341451583949876},     {0.75, 1000.0, 0.6747351646070093},
           {0.95, 1000.0, 1.6463788172854643},     {0.975, 1000.0, 1.9623390808264083},
           {0.995, 1000.0, 2.580754698065951},     {0.9995, 1000.0, 3.300282648423944},
           {0.6, 1000000.0, 0.25334717053784184},  {0.75, 1000000.0, 0.6744899955310875},
           {0.95, 1000000.0, 1.6448551507220404},  {0.975, 1000000.0, 1.959966356814107},
           {0.995, 1000000.0, 2.5758342201053344}, {0.9995, 1000000.0, 3.2905364612487222},
       }) {
    CAPTURE(r.p);
    CAPTURE(r.df);
    CHECK(near(student_t_quantile(r.p, r.df), r.t, r.df > 1000 ? 1e-9 : 1e-12));
    CHECK(near(student_t_quantile(1 - r.p, r.df), -r.t, 1e-9));
  }
  CHECK(near(student_t_quantile(0.975, kInf), 1.959963984540054, 1e-14));
  CHECK(near(student_t_quantile(1e-20, kInf), -9.262340089798409, 1e-14));
  CHECK(near(student_t_quantile(1e-300, 1), -3.183098861837907e+299, 1e-11));
  CHECK(near(student_t_quantile(1e-12, 3), -10331.108244292487, 1e-12));
  CHECK(student_t_quantile(0.5, 4) == 0);
}

TEST_CASE("Student's t probabilities agree with SciPy") {
  struct Row {
    double t, df, p;
  };
  for (const Row& r : std::vector<Row>{
           {-3.0, 1.0, 0.10241638234956672},
           {0.5, 1.0, 0.6475836176504333},
           {1.0, 2.0, 0.7886751345948129},
           {2.0, 2.5, 0.9213042521210171},
           {-2.5705818356363146, 5.0, 0.025000000000000026},
           {12.0, 5.0, 0.9999645525374142},
           {1.0, 9.0, 0.8282818019310432},
           {-40.0, 9.0, 9.491499224669911e-12},
           {0.001, 29.0, 0.5003955185108189},
           {5.0, 100.0, 0.9999987749132933},
           {-1.0, 1000.0, 0.15877620904233627},
           {2.0, 0.5, 0.7772425549084343},
       }) {
    CAPTURE(r.t);
    CAPTURE(r.df);
    CHECK(near(student_t_cdf(r.t, r.df), r.p, 1e-12));
  }
  CHECK(near(student_t_two_sided(40, 9), 2 * 9.491499224669911e-12, 1e-12));
}

TEST_CASE("the quantile inverts the distribution function, near the centre and far out") {
  for (const double df : {1.0, 2.0, 5.0, 19.0, 300.0}) {
    for (const double p : {1e-200, 1e-30, 1e-6, 0.01, 0.2, 0.25, 0.3, 0.499999, 0.6, 0.75, 0.9}) {
      CAPTURE(df);
      CAPTURE(p);
      CHECK(near(student_t_cdf(student_t_quantile(p, df), df), p, 1e-10));
    }
  }
}

TEST_CASE("the incomplete beta function agrees with SciPy") {
  struct Row {
    double a, b, x, value;
  };
  for (const Row& r : std::vector<Row>{
           {0.5, 0.5, 0.25, 0.33333333333333337},
           {2.5, 0.5, 0.9, 0.48958974456442755},
           {8.0, 53.0, 0.05, 0.009789148709941464},
           {1.0, 1.0, 0.3, 0.3},
           {10.0, 0.1, 0.999, 0.3403333397791746},
           {50.0, 60.0, 0.45, 0.4642352914306031},
           {500.0, 0.5, 0.99, 0.0015273578790529906},
           {3.0, 7.0, 1e-08, 8.399999622000002e-23},
       }) {
    CAPTURE(r.a);
    CAPTURE(r.b);
    CHECK(near(incomplete_beta(r.a, r.b, r.x), r.value, 1e-12));
    CHECK(near(1 - incomplete_beta(r.b, r.a, 1 - r.x), r.value, 1e-12 / std::min(1.0, r.value)));
  }
}

TEST_CASE("arguments outside the domain give NaN, never a number") {
  CHECK(std::isnan(student_t_quantile(0, 5)));
  CHECK(std::isnan(student_t_quantile(1, 5)));
  CHECK(std::isnan(student_t_quantile(0.5, 0)));
  CHECK(std::isnan(student_t_quantile(kNaN, 5)));
  CHECK(std::isnan(student_t_quantile(0.9, kNaN)));
  CHECK(std::isnan(student_t_cdf(kNaN, 5)));
  CHECK(std::isnan(student_t_cdf(1, -1)));
  CHECK(std::isnan(student_t_two_sided(-1, 5)));
  CHECK(std::isnan(incomplete_beta(0, 1, 0.5)));
  CHECK(std::isnan(incomplete_beta(1, 1, 1.5)));
  CHECK(student_t_cdf(kInf, 5) == 1);
  CHECK(student_t_cdf(-kInf, 5) == 0);
}

TEST_CASE("Wilson intervals agree with SciPy") {
  struct Row {
    int k, n;
    double confidence, low, high;
  };
  for (const Row& r : std::vector<Row>{
           {0, 10, 0.95, 0.0, 0.27753279986288926},
           {0, 10, 0.99, 0.0, 0.39885409330490806},
           {3, 94, 0.95, 0.010912627468307713, 0.08967314608122354},
           {3, 94, 0.99, 0.00810042472803641, 0.11745141690711461},
           {8, 60, 0.95, 0.0691410948058697, 0.24165159676499615},
           {8, 60, 0.99, 0.05653378538664952, 0.2831515410054428},
           {60, 60, 0.95, 0.9398281478579101, 1.0},
           {60, 60, 0.99, 0.9004291003744196, 1.0},
           {1, 2, 0.95, 0.09453120573423074, 0.9054687942657693},
           {1, 2, 0.99, 0.06171307677810184, 0.9382869232218982},
       }) {
    CAPTURE(r.k);
    const auto i = wilson_interval(r.k, r.n, r.confidence);
    CHECK(i->rate == static_cast<double>(r.k) / r.n);
    CHECK(std::abs(i->low - r.low) < 1e-14);
    CHECK(std::abs(i->high - r.high) < 1e-14);
  }
  CHECK_FALSE(wilson_interval(0, 0).has_value());
  CHECK_FALSE(wilson_interval(3, 2).has_value());
  CHECK_FALSE(wilson_interval(-1, 2).has_value());
  CHECK_FALSE(wilson_interval(1, 2, 1.0).has_value());
}

TEST_CASE("the alarm threshold keeps its promised rate of false alarms") {
  CHECK(near(binomial_upper_tail(8, 60, 0.05), 0.009789148709941464, 1e-12));
  CHECK(near(binomial_upper_tail(5, 20, 0.05), 0.0025739403346522792, 1e-12));
  CHECK(binomial_upper_tail(0, 20, 0.05) == 1);
  CHECK(binomial_upper_tail(21, 20, 0.05) == 0);
  CHECK(alarm_threshold(20) == 5);
  CHECK(alarm_threshold(40) == 7);
  CHECK(alarm_threshold(60) == 8);
  CHECK(alarm_threshold(100) == 12);
  CHECK(alarm_threshold(0) == 1);  // nothing compared: no count reaches it
}
