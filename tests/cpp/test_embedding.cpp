// The embedded interpreter starts, runs code and finalizes cleanly.
#include <gtest/gtest.h>

#include "embedded_python.hpp"

namespace {

using Embedding = rebottle::testing::EmbeddedPython;

TEST_F(Embedding, RunsCode) {
    run("x = sum(range(10))");
    EXPECT_EQ(eval_int("x"), 45);
}

}  // namespace
