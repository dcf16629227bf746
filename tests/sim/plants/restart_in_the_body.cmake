# A reader whose version is gone goes on with the current one.
include(${CMAKE_CURRENT_LIST_DIR}/plant.cmake)
plant([[
  if (source_ == nullptr) {
    unit::Opened opened = co_await co_await open_unit(nullptr, ctx);
    source_ = std::move(opened.source);
  }
]] [[
  if (source_ == nullptr) {
    Result<unit::Opened> opened = co_await open_unit(nullptr, ctx);
    if (!opened && opened.error().code() == Code::conflict) {
      const unit::Version& old = *head_->version;
      origin::GetOptions options{.range = ByteRange{at_, end_ - at_}};
      auto now = co_await co_await old.origin->get(old.key, std::move(options), ctx);
      opened = unit::Opened{unit::Served::bypass, std::move(now.body.source)};
      unit_end_ = end_;
    }
    source_ = std::move((co_await std::move(opened)).source);
  }
]])
