#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

namespace forebay::cli {

namespace {

// What is known of all commands, gathered on a walk over them.
struct Gathered {
  std::string ways;                  ///< case patterns: " bucket"|"bucket create"|…
  std::string words;                 ///< case branches: what may follow each command
  std::set<std::string> with_value;  ///< options that take one
};

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

std::string branch(const std::string& path, const std::vector<std::string>& commands,
                   const std::vector<std::string>& options) {
  return "    '" + path + "') commands='" + joined(commands, " ") + "' options='" +
         joined(options, " ") + "' ;;\n";
}

// `path`: the words up to here; `above`: the options that may stand anywhere.
void gather(const CLI::App& app, const std::string& path, std::vector<std::string> above,
            Gathered& out) {
  std::vector<std::string> commands;
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(one->get_name());
    out.ways += (out.ways.empty() ? "'" : "|'") + path + ' ' + one->get_name() + "'";
  }
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) {
      if (option->get_items_expected_max() > 0) out.with_value.insert("--" + name);
      bool known = std::ranges::find(above, "--" + name) != above.end();
      if (!known) above.push_back("--" + name);
    }
  }
  out.words += branch(path, commands, above);
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (path.empty() && one->get_name() == "serve") continue;
    std::string below = path.empty() ? one->get_name() : path + ' ' + one->get_name();
    gather(*one, below, above, out);
  }
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::vector<std::string>& serve_options) {
  Gathered all;
  gather(app, "", {}, all);
  all.words += branch("serve", {}, serve_options);
  all.with_value.insert(serve_options.begin(), serve_options.end());
  all.with_value.erase("--help");
  std::vector<std::string> with_value(all.with_value.begin(), all.with_value.end());
  return R"(# How bash completes forebay: . <(forebay completion)
_forebay() {
  local path='' commands='' options='' word here="${COMP_WORDS[COMP_CWORD]}"
  # "help bucket create" is completed as "bucket create" is.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [ "$path" = help ] && path=''
    case "$path $word" in
      )" +
         all.ways + R"() path="${path:+$path }$word" ;;
    esac
  done
  [ "$path" = help ] && path=''
  case "${COMP_WORDS[COMP_CWORD-1]}" in
    )" + joined(with_value, "|") +
         R"() COMPREPLY=(); return ;;
  esac
  case "$path" in
)" + all.words +
         R"(  esac
  case "$here" in -*) commands="$options" ;; esac
  mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$here")
}
complete -o default -F _forebay forebay
)";
}

}  // namespace forebay::cli
