#pragma once

#include <string>
#include <string_view>

namespace mlbench::fake {

/// What MLBENCH_FAKE asks for: `step[@case glob]:manner[,...]`, for example
/// "block:crash" or "verify@gemm/*:wrong". Steps: hello, describe, prepare, warm, block, verify,
/// release, run. Manners:
///   crash     a segmentation fault            exit      _exit(3)
///   kill      SIGKILL to itself               hang      sleeps for ever and ignores SIGTERM
///   rubbish   a line that is not JSON         half      half a line, then _exit
///   huge      a line of 17 MiB                print     prints on stdout, then goes on as usual
///   oom       throws std::bad_alloc           throw     throws another exception
///   wrong     a wrong output (verify)         nan       a NaN among the outputs (verify)
///   float16   rounds the output to float16 on the way (verify)
///   partial   leaves the second half of the output unwritten (verify)
///   late      a wrong output once timed calls were made (verify)
///   axis      swaps the output's last two dimensions (verify)
///   fallback  says that an operation ran on the CPU (prepare)
///   inputs    computes from the inputs of another seed (verify)
///   async     (run) computes on threads of its own and does not wait for them
///   skip      (run) makes one call, however many were asked for
///   dtype     says the output is float64      version   greets with another protocol version
///   (hello) refuse    answers `unsupported`           slow      spins ten times as long (warm,
///   block)
///
///   second (block): takes twice the time where another process of it held MLBENCH_FAKE_LOCK first.
///
///   lazy (block): leaves out half of the calls where they are no multiple of 20, as the second
///   process of a positive control is asked for; a framework that caches might do so.
/// Acts out `step` for `case_id` where it is asked for and can be done in place; crash, exit, kill,
/// hang and half do not return.
void act_out(std::string_view step, std::string_view case_id);

/// Whether `step` is to be done in `manner` for `case_id`.
[[nodiscard]] bool asked_for(std::string_view step, std::string_view manner,
                             std::string_view case_id);

/// Whether another living process of this worker took the file MLBENCH_FAKE_LOCK before this one
/// did; false where the variable is not set.
[[nodiscard]] bool is_second();

/// Keeps a copy of the protocol's stdout, to break the protocol with. Call before worker_main().
void keep_stdout();

}  // namespace mlbench::fake
