#include "base/context.h"

#include "base/check.h"

namespace forebay {

CancelToken::~CancelToken() { check(first_ == nullptr, "a cancel token dies with listeners"); }

void CancelToken::add(CancelListener& listener) {
  check(listener.back_ == nullptr, "a listener is linked twice");
  listener.next_ = first_;
  listener.back_ = &first_;
  if (first_ != nullptr) first_->back_ = &listener.next_;
  first_ = &listener;
}

void CancelToken::remove(CancelListener& listener) {
  if (listener.back_ == nullptr) return;
  *listener.back_ = listener.next_;
  if (listener.next_ != nullptr) listener.next_->back_ = listener.back_;
  listener.next_ = nullptr;
  listener.back_ = nullptr;
}

void CancelToken::cancel() {
  cancelled_ = true;
  while (first_ != nullptr) {
    CancelListener& listener = *first_;
    remove(listener);
    listener.on_cancel();
  }
}

}  // namespace forebay
