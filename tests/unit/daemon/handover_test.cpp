#include "daemon/handover.h"

#include <gtest/gtest.h>

#include <barrier>
#include <memory>
#include <thread>

namespace cvfs {
namespace {

class Handover : public testing::Test {
 protected:
  std::unique_ptr<ViewState> memory_ = std::make_unique<ViewState>();
  ViewState& view_ = *memory_;
};

TEST_F(Handover, AFreshViewBelongsToItsFirstBuild) {
  EXPECT_EQ(current_generation(view_), 0U);
  EXPECT_TRUE(accept_state(view_, 0));
  EXPECT_FALSE(is_offered(view_));
}

TEST_F(Handover, AnOfferIsAcceptedOnceAndForAll) {
  offer_state(view_);
  EXPECT_TRUE(is_offered(view_));
  EXPECT_EQ(current_generation(view_), 0U);
  EXPECT_TRUE(accept_state(view_, 1));
  EXPECT_TRUE(accept_state(view_, 1));
  EXPECT_FALSE(is_offered(view_));
  EXPECT_EQ(current_generation(view_), 1U);
  EXPECT_FALSE(withdraw_offer(view_, 0));
}

TEST_F(Handover, WhatWasWithdrawnCannotBeAccepted) {
  offer_state(view_);
  EXPECT_TRUE(withdraw_offer(view_, 0));
  EXPECT_TRUE(withdraw_offer(view_, 0));
  EXPECT_FALSE(accept_state(view_, 1));
  EXPECT_EQ(current_generation(view_), 0U);
}

TEST_F(Handover, NobodyTakesAStateThatIsNotOffered) {
  EXPECT_FALSE(accept_state(view_, 1));
  EXPECT_EQ(current_generation(view_), 0U);
}

TEST_F(Handover, OfTwoWhoDecideAtOnceExactlyOneWins) {
  for (int round = 0; round < 500; ++round) {
    const Generation owner = current_generation(view_);
    offer_state(view_);
    std::barrier both(2);
    bool accepted = false;
    std::thread next([&] {
      both.arrive_and_wait();
      accepted = accept_state(view_, owner + 1);
    });
    both.arrive_and_wait();
    const bool withdrawn = withdraw_offer(view_, owner);
    next.join();
    ASSERT_NE(accepted, withdrawn);
    ASSERT_FALSE(is_offered(view_));
  }
}

}  // namespace
}  // namespace cvfs
