// forebay status
#include "cli/shell.h"

namespace forebay::cli {

namespace {

std::string text_in(const Json& job, std::string_view name) {
  return job.string_or(name, "").value_or("");
}

/// One line a job: its state, and what there is to tell of its way and of its last error.
std::string job_line(const Json& job) {
  std::string line = "  " + text_in(job, "name") + ": " + text_in(job, "state");
  uint64_t done = job.unsigned_or("done", 0).value_or(0);
  uint64_t total = job.unsigned_or("total", 0).value_or(0);
  if (done > 0 || total > 0) {
    line += ", " + std::to_string(done);
    if (total > 0) line += " of " + std::to_string(total);
    line += ' ' + text_in(job, "unit");
  }
  if (std::string error = text_in(job, "last_error"); !error.empty()) line += ", " + error;
  return line + '\n';
}

}  // namespace

Task<> run_status(Shell& shell, ShowStatus command, Context ctx) {
  Json status = co_await co_await shell.admin().status(ctx);
  if (command.json) co_return shell.print(status.dump());
  const Json::Object* members = status.as_object();
  if (members == nullptr) co_return shell.streams.out(render_fields(status));
  Json shown;
  std::string jobs;
  for (const auto& [name, value] : *members) {
    const Json::Array* list = name == "jobs" ? value.as_array() : nullptr;
    if (list == nullptr) shown.set(name, value);
    for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
      jobs += (i == 0 ? "jobs:\n" : "") + job_line((*list)[i]);
    }
  }
  co_return shell.streams.out(render_fields(shown) + jobs);
}

}  // namespace forebay::cli
