#include "cli/local.h"

#include <vector>

#include "io/body.h"

namespace forebay::cli {

namespace {

// The root folder and the path below it: so links may lead anywhere a relative one can.
Result<std::shared_ptr<io::Directory>> open_root(Context ctx) {
  return ctx.loop->open_directory("/", false);
}

std::string below_root(const std::string& path) { return path.substr(1); }

}  // namespace

std::string absolute(const Environment& environment, std::string_view path) {
  std::string whole(path);
  if (!path.starts_with('/')) whole = environment.directory + '/' + whole;
  std::vector<std::string_view> parts;
  std::string_view rest = whole;
  while (!rest.empty()) {
    size_t slash = rest.find('/');
    std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string out;
  for (std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

Task<LocalFile> open_file(std::string path, Context ctx) {
  Result<LocalFile> opened = co_await io::run_blocking(ctx, [&]() -> Result<LocalFile> {
    auto root = open_root(ctx);
    if (!root) return std::move(root.error());
    auto file = (*root)->open(below_root(path), io::OpenMode::read);
    if (!file) return std::move(file.error());
    Result<io::FileStat> stat = (*file)->stat();
    if (!stat) return std::move(stat.error());
    if (stat->kind != io::FileStat::Kind::file) {
      return fail(Code::invalid, "not a plain file");
    }
    return LocalFile{std::move(*file), stat->size};
  });
  // The system's error names the file as it is, if it names it.
  if (!opened && !opened.error().text().contains(path)) co_return opened.error_in(path);
  if (!opened) co_return std::move(opened.error());
  co_return std::move(*opened);
}

Task<std::string> read_file(std::string path, Context ctx) {
  LocalFile local = co_await co_await open_file(path, ctx);
  io::Body body = io::Body::of(io::FileSlice{local.file, 0, local.size});
  co_return co_await io::read_all(std::move(body), 1 << 20, ctx);
}

Task<io::FileStat::Kind> kind_of(std::string path, Context ctx) {
  if (path == "/") co_return io::FileStat::Kind::directory;
  co_return co_await io::run_blocking(ctx, [&]() -> Result<io::FileStat::Kind> {
    auto root = open_root(ctx);
    if (!root) return std::move(root.error());
    Result<io::FileStat> stat = (*root)->stat(below_root(path));
    if (!stat) return stat.error_in(path);
    return stat->kind;
  });
}

Task<std::unique_ptr<NewFile>> NewFile::create(std::string path, Context ctx) {
  std::unique_ptr<NewFile> made(new NewFile());
  size_t slash = path.rfind('/');
  std::string folder = slash == 0 ? "/" : path.substr(0, slash);
  made->name_ = path.substr(slash + 1);
  uint64_t number = ctx.loop->random();
  made->draft_ = "." + made->name_.substr(0, 200) + ".forebay-" + std::to_string(number);
  Result<> opened = co_await io::run_blocking(ctx, [&]() -> Result<> {
    auto directory = ctx.loop->open_directory(folder, false);
    if (!directory) return directory.error_in(folder);
    auto file = (*directory)->open(made->draft_, io::OpenMode::create_new);
    if (!file) return file.error_in(path);
    made->folder_ = std::move(*directory);
    made->file_ = std::move(*file);
    return ok;
  });
  if (!opened) co_return std::move(opened.error());
  co_return std::move(made);
}

NewFile::~NewFile() {
  if (file_ != nullptr && !draft_.empty()) (void)folder_->remove(draft_);
}

Task<> NewFile::write(ByteView bytes, Context ctx) {
  co_await co_await io::run_blocking(ctx, [&] { return file_->write_at(size_, bytes); });
  size_ += bytes.size();
  co_return ok;
}

Task<> NewFile::keep(Context ctx) {
  co_await co_await io::run_blocking(ctx, [&] { return folder_->rename(draft_, name_, false); });
  draft_.clear();
  co_return ok;
}

}  // namespace forebay::cli
