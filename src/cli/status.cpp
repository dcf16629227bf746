// forebay status
#include <algorithm>
#include <string_view>

#include "cli/jobs.h"
#include "cli/members.h"

namespace forebay::cli {

namespace {

/// A disk of the cache: how full it is, and what keeps it from being what was asked for.
std::string disk_lines(const Json& disk) {
  std::string line = "  " + text_in(disk, "path") + ": ";
  if (std::string trouble = text_in(disk, "trouble"); !trouble.empty()) {
    line +=
        "out of service: " + trouble +
        "\n    reads go to the origins meanwhile, and what native buckets have here is not there; ";
    return line + (flag_in(disk, "returns")
                       ? "it is used again by itself as soon as it can be opened\n"
                       : "mend the disk, then restart the daemon\n");
  }
  uint64_t limit = number_in(disk, "limit"), asked = number_in(disk, "cache_size");
  line += human_bytes(number_in(disk, "used")) + " of " + human_bytes(limit) + " used, " +
          counted(number_in(disk, "units"), "unit") + '\n';
  if (uint64_t native = number_in(disk, "native"); native > 0) {
    line += "    " + human_bytes(native) + " of it are objects of native buckets\n";
  }
  if (uint64_t lost = number_in(disk, "native_lost"); lost > 0) {
    line += "    objects of native buckets have lost bytes here: " + counted(lost, "unit") + '\n';
  }
  if (asked > limit + number_in(disk, "index")) {
    line += "    cache-size asks for " + human_bytes(asked) + "; this is what there is\n";
  }
  if (uint64_t sharers = number_in(disk, "sharers"); sharers > 1) {
    line += "    shares its file system with " + counted(sharers - 1, "other disk") + '\n';
  }
  if (text_in(disk, "bound_by") == "inodes") line += "    inodes run out before bytes\n";
  if (uint64_t lost = number_in(disk, "lost"); lost > 0) {
    line += "    was gone " + counted(lost, "time") +
            " since the start and is back; what it lost of the cache is fetched again when it is "
            "read\n";
  }
  return line;
}

/// What was asked of the S3 address, and how it ended.
std::string requests_line(const Json& requests) {
  return "requests: " + std::to_string(number_in(requests, "total")) + " since the start, " +
         counted(number_in(requests, "client_errors"), "client error") + ", " +
         counted(number_in(requests, "server_errors"), "server error") + "; " +
         std::to_string(number_in(requests, "in_flight")) + " under way\n";
}

std::string connections_line(const Json& connections) {
  return "connections: " + std::to_string(number_in(connections, "open")) + " of at most " +
         std::to_string(number_in(connections, "limit")) + '\n';
}

std::string draining_line(const Json& draining) {
  return draining.as_bool().value_or(false)
             ? "draining: the daemon was told to end and does so after the requests under way, in "
               "20 s at most\n"
             : "";
}

std::string bucket_line(const Json& bucket) {
  return "  " + text_in(bucket, "name") + ": " + text_in(bucket, "trouble") + '\n';
}

/// One line a job: its state, and what there is to tell of its way and of its last error.
std::string job_line(const Json& job) {
  std::string state = text_in(job, "state");
  uint64_t done = number_in(job, "done"), total = number_in(job, "total");
  // A duty looks for its work by itself, and runs also while there is none.
  if (state == "running" && done == 0 && total == 0) state = "on duty";
  std::string line = "  " + text_in(job, "name") + ": " + state;
  if (done > 0 || total > 0) {
    line += ", " + std::to_string(done);
    if (total > 0) line += " of " + std::to_string(total);
    line += ' ' + text_in(job, "unit");
  }
  if (std::string error = text_in(job, "last_error"); !error.empty()) line += ", " + error;
  return line + '\n';
}

/// Of what prefetch has begun and has not ended.
std::string order_line(const Json& job) {
  return "  " + text_in(job, "id") + ": " + text_in(job, "state") + ", " + text_in(job, "work") +
         " of " + job_path(job) + ", " + job_numbers(job) + '\n';
}

/// What is told of a member in words of its own.
struct Line {
  std::string_view member;
  std::string (*text)(const Json&);
};
constexpr Line kLines[] = {
    {"draining", draining_line}, {"requests", requests_line}, {"connections", connections_line}};

/// What is told of a list in the status, and how.
struct Section {
  std::string_view member;
  std::string_view title;
  std::string (*lines)(const Json&);
};
constexpr Section kSections[] = {{"disks", "disks", disk_lines},
                                 {"buckets_out", "buckets out of service", bucket_line},
                                 {"batch", "jobs over objects", order_line},
                                 {"jobs", "background jobs", job_line}};

}  // namespace

Task<> run_status(Shell& shell, ShowStatus command, Context ctx) {
  Json status = co_await co_await shell.admin().status(ctx);
  if (command.json) co_return shell.print(status.dump());
  const Json::Object* members = status.as_object();
  if (members == nullptr) co_return shell.streams.out(render_fields(status));
  std::string fields, lists;
  for (const auto& [name, value] : *members) {
    auto line = std::ranges::find(kLines, name, &Line::member);
    if (line != std::end(kLines)) {
      fields += line->text(value);
      continue;
    }
    const Json::Array* list = value.as_array();
    auto section = std::ranges::find(kSections, name, &Section::member);
    if (list == nullptr || section == std::end(kSections)) {
      fields += render_fields(Json().set(name, value));
      continue;
    }
    if (!list->empty()) lists += std::string(section->title) + ":\n";
    for (const Json& one : *list) lists += section->lines(one);
  }
  co_return shell.streams.out(fields + lists);
}

}  // namespace forebay::cli
