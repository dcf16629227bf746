// forebay job ls | show | wait | cancel
#include <algorithm>

#include "cli/jobs.h"
#include "cli/members.h"
#include "cli/progress.h"

namespace forebay::cli {

namespace {

/// The failures that the server names, a line each; and how many more there are.
std::string failure_lines(const Json& job) {
  std::string out;
  uint64_t more = number_in(job, "objects_failed");
  const Json* list = job.find("failures");
  if (list != nullptr && list->as_array() != nullptr) {
    for (const Json& one : *list->as_array()) {
      out += "  " + text_in(one, "key") + ": " + text_in(one, "reason") + '\n';
      if (more > 0) --more;
    }
  }
  if (more > 0) out += "  and " + std::to_string(more) + " more\n";
  return out;
}

}  // namespace

bool removes(const Json& job) { return text_in(job, "work") == "removal"; }

std::string job_path(const Json& job) {
  std::string prefix = text_in(job, "prefix");
  return text_in(job, "bucket") + (prefix.empty() ? "" : "/" + prefix);
}

std::string job_numbers(const Json& job) {
  bool all = flag_in(job, "all_known");
  if (all && number_in(job, "objects_known") + number_in(job, "objects_failed") == 0) {
    bool whole = text_in(job, "prefix").empty();
    return std::string("nothing found ") + (whole ? "in " : "under ") + job_path(job);
  }
  std::string out = std::to_string(number_in(job, "objects")) + " of " +
                    counted(number_in(job, "objects_known"), "object") + ", " +
                    human_bytes(number_in(job, "bytes")) + " of " +
                    human_bytes(number_in(job, "bytes_known"));
  if (!all) out += " known so far";
  if (uint64_t failed = number_in(job, "objects_failed"); failed > 0) {
    out += ", " + std::to_string(failed) + " failed";
  }
  return out;
}

Result<> job_end(const Json& job) {
  std::string state = text_in(job, "state"), id = text_in(job, "id");
  auto over = [](std::string text) {
    return fail(Code::conflict, std::move(text), std::string(kJobOver));
  };
  if (state == "failed") return over("job " + id + " failed: " + text_in(job, "error"));
  if (state != "done") return over("job " + id + " is " + state);
  uint64_t failed = number_in(job, "objects_failed");
  if (failed == 0) return ok;
  std::string lines = failure_lines(job);
  lines.pop_back();
  std::string what = removes(job) ? " could not remove " : " could not fetch ";
  return over("job " + id + what + counted(failed, "object") + ":\n" + lines);
}

Task<> run_job_list(Shell& shell, JobList command, Context ctx) {
  std::vector<Json> jobs = co_await co_await shell.admin().jobs(ctx);
  if (command.json) co_return shell.print(Json(Json::Array(jobs)).dump());
  for (const Json& job : jobs) {
    std::string state = text_in(job, "state");
    state.resize(std::max<size_t>(state.size(), 9), ' ');
    std::string work = text_in(job, "work");
    work.resize(std::max<size_t>(work.size(), 8), ' ');
    co_await shell.print(text_in(job, "id") + "  " + state + "  " + work + "  " + job_path(job) +
                         "  " + job_numbers(job));
  }
  co_return ok;
}

Task<> run_job_show(Shell& shell, JobShow command, Context ctx) {
  Json job = co_await co_await shell.admin().job(std::move(command.id), ctx);
  if (command.json) co_return shell.print(job.dump());
  std::string out =
      text_in(job, "work") + " of " + job_path(job) + ": " + text_in(job, "state") + '\n';
  if (std::string error = text_in(job, "error"); !error.empty()) out += "error: " + error + '\n';
  if (std::string why = text_in(job, "trouble"); !why.empty()) out += "waits: " + why + '\n';
  out += job_numbers(job) + '\n';
  if (uint64_t found = number_in(job, "objects_found"); found > 0) {
    out += counted(found, "object") + " of these had been here before\n";
  }
  if (text_in(job, "state") == "running" && !removes(job)) {
    out += human_bytes(number_in(job, "bytes_per_second")) + "/s";
    if (job.find("seconds_left") != nullptr) {
      out += ", " + clock_text(static_cast<double>(number_in(job, "seconds_left"))) + " left";
    }
    out += '\n';
  }
  for (const char* date : {"created", "started", "ended"}) {
    if (std::string when = text_in(job, date); !when.empty()) {
      out += std::string(date) + ": " + when + '\n';
    }
  }
  std::string failures = failure_lines(job);
  if (!failures.empty()) out += "failed:\n" + failures;
  co_return shell.streams.out(out);
}

Task<> run_job_wait(Shell& shell, JobWait command, Context ctx) {
  Json job = co_await co_await shell.admin().job(std::move(command.id), ctx);
  co_return co_await follow_job(shell, std::move(job), {.wait = true, .json = command.json}, "",
                                ctx);
}

Task<> run_job_cancel(Shell& shell, JobCancel command, Context ctx) {
  std::string id = command.id;
  Json job = co_await co_await shell.admin().cancel_job(std::move(command.id), ctx);
  std::string_view done =
      removes(job) ? "what it has removed is gone" : "what it has fetched stays";
  co_return shell.print("cancelled job " + id + "; " + std::string(done));
}

}  // namespace forebay::cli
