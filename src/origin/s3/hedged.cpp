// A question that is asked a second time where its answer is late. Both are asked after the caller
// came, so either answer is as true as the other, and whichever comes first is believed.
#include "origin/s3/request.h"

namespace forebay::origin {

struct S3Wire::Entrant {
  Asked asked = {};
  Time began = {};
  Time ended = {};
  CancelToken cancel = {};
  std::optional<Result<http::ClientResponse>> answer = {};

  Duration took() const { return ended - began; }
  bool failed_with(Code code) const { return answer && !*answer && answer->error().code() == code; }
};

struct S3Wire::Race {
  S3Call& call;
  Hedge::Question question;
  Pace& pace;
  io::Group group;
  Entrant first = {}, second = {};
  uint32_t running = 0;
  const Entrant* winner = nullptr;  ///< whose answer was good, and came first
  io::Event decided = {};           ///< there is a winner, or there will be none

  bool won() const { return winner == &second; }
};

void S3Wire::enter(Race& race, Entrant& entrant, Context ctx) const {
  ++race.running;
  entrant.began = ctx.loop->now();
  race.group.spawn(run(race, entrant, ctx.under(entrant.cancel)));
}

Task<> S3Wire::run(Race& race, Entrant& entrant, Context ctx) const {
  entrant.answer = co_await ask(race.call, race.pace, entrant.asked, ctx);
  entrant.ended = ctx.loop->now();
  --race.running;
  if (entrant.asked.fate == Fate::good && race.winner == nullptr) race.winner = &entrant;
  if (race.winner != nullptr || race.running == 0) race.decided.set();
  co_return ok;
}

bool S3Wire::enter_second(Race& race, Context ctx) const {
  if (!race.pace.bears_more(ctx.loop->now())) return false;
  if (!options_.hedge(*ctx.loop).may_ask_again()) return false;
  auto place = race.pace.try_enter();
  if (!place) return false;
  race.second.asked.place = std::move(*place);
  race.second.asked.spare = true;
  enter(race, race.second, ctx);
  return true;
}

void S3Wire::learn(const Race& race, bool late, bool twice, Context ctx) const {
  Hedge& hedge = options_.hedge(*ctx.loop);
  const Hedge::Question question = race.question;
  // What was given up when it was late would have taken longer still.
  bool given_up =
      late && (race.first.failed_with(Code::cancelled) || race.first.failed_with(Code::timeout));
  if (race.first.asked.fate == Fate::good || given_up) {
    hedge.answered(question, race.first.took());
  }
  if (race.won()) hedge.answered(question, race.second.took());
  if (!late || options_.meter == nullptr) return;
  auto outcome = [&] {
    bool unsent = race.second.failed_with(Code::busy) &&
                  race.second.answer->error().detail() == http::kNoSpare;
    if (!twice || unsent) return Hedged::withheld;
    if (race.won()) return Hedged::won;
    return race.winner != nullptr ? Hedged::lost : Hedged::failed;
  };
  options_.meter->hedged(outcome());
}

Task<http::ClientResponse> S3Wire::ask_hedged(S3Call& call, Hedging after, Pace& pace, Asked& asked,
                                              Context ctx) const {
  Hedge& hedge = options_.hedge(*ctx.loop);
  const Time began = ctx.loop->now();
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): what is none is not hedged
  const Hedge::Question question = *call.question;
  std::optional<Duration> patience = hedge.asked(question, after);
  if (!patience) {
    Result<http::ClientResponse> answer = co_await ask(call, pace, asked, ctx);
    if (asked.fate == Fate::good) hedge.answered(question, ctx.loop->now() - began);
    co_return answer;
  }
  Race race{.call = call, .question = question, .pace = pace, .group = io::Group(ctx)};
  race.first.asked = std::move(asked);
  enter(race, race.first, ctx);
  auto given_up = [&] { return ctx.cancel != nullptr && ctx.cancel->cancelled(); };
  (void)co_await race.decided.wait(ctx.until(began + *patience));
  bool late = !race.decided.is_set() && !given_up() && ctx.loop->now() < ctx.deadline;
  bool twice = late && enter_second(race, ctx);
  if (late) (void)co_await race.decided.wait(ctx);
  // The caller's deadline is theirs too, and they say so by themselves.
  if (race.decided.is_set() || given_up()) {
    race.first.cancel.cancel();
    race.second.cancel.cancel();
  }
  (void)co_await race.group.join();
  learn(race, late, twice, ctx);
  Entrant& taken = race.won() ? race.second : race.first;
  asked = std::move(taken.asked);
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): it has ended, the group is joined
  co_return std::move(*taken.answer);
}

}  // namespace forebay::origin
