#include "cli/app.hpp"
#include "run/process.hpp"

#include <signal.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

void stop(int /*signal*/) {
  mlbench::run::request_stop();
}

}  // namespace

int main(int argc, char** argv) try {
  signal(SIGPIPE, SIG_IGN);  // a worker that died must not take us along
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  const std::vector<std::string> args(argv, argv + argc);
  const int code = mlbench::cli::run(args, std::cout, std::cerr);
  std::cout.flush();
  return std::cout.good() ? code : 4;
} catch (const std::exception& e) {
  std::cerr << "mlbench: internal error: " << e.what() << '\n';
  return 1;
}
