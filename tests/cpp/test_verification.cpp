// A fault in the commit is found by the engine itself, and the update is undone.
#include <gtest/gtest.h>

#include <cstring>
#include <rebottle/rebottle.hpp>
#include <string>

#include "embedded_python.hpp"

namespace {

using rebottle::Engine;
using rebottle::Report;
using rebottle::Result;

setattrofunc real_setattro = nullptr;

// Claims to have set the attribute `added` of a class, and hasn't.
int lose(PyObject* type, PyObject* name, PyObject* value) {
    if (PyUnicode_CompareWithASCIIString(name, "added") == 0) return 0;
    return real_setattro(type, name, value);
}

class LostWrites {
   public:
    LostWrites() {
        real_setattro = PyType_Type.tp_setattro;
        PyType_Type.tp_setattro = &lose;
    }
    ~LostWrites() { PyType_Type.tp_setattro = real_setattro; }
};

class Verification : public rebottle::testing::EmbeddedPython {
   protected:
    void SetUp() override {
        EmbeddedPython::SetUp();
        const auto created = Engine::create();
        ASSERT_TRUE(created) << created.error().message;
        engine_ = created.value();
        run("import sys, types\n"
            "m = types.ModuleType('m')\n"
            "sys.modules['m'] = m\n"
            "exec(compile('def f():\\n return 1\\nclass C:\\n def old(self):\\n  return 1\\n', 'm', 'exec'), "
            "m.__dict__)\n");
    }

    Result<Report> update() {
        return engine_->reload({.modules = {"m"},
                                .sources = {{"m",
                                             "def f():\n return 2\nclass C:\n def old(self):\n  return 2\n"
                                             " def added(self):\n  return 3\n"}}});
    }

    std::shared_ptr<Engine> engine_;
};

TEST_F(Verification, FindsAWriteThatWasLost) {
    {
        const LostWrites lost;
        const auto failed = update();
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().type, "VerificationError");
    }
    EXPECT_EQ(eval_int("m.f() + m.C().old() * 10 + hasattr(m.C, 'added') * 100"), 11);
    EXPECT_TRUE(engine_->history().empty());
    const auto report = update();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(eval_int("m.f() + m.C().old() * 10 + m.C().added() * 100"), 322);
}

TEST_F(Verification, FindsALostWriteOfARollback) {
    const auto report = update();
    ASSERT_TRUE(report) << report.error().message;
    {
        const LostWrites lost;
        const auto failed = engine_->rollback();
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().type, "VerificationError");
    }
    EXPECT_EQ(eval_int("m.f() + m.C().old() * 10 + m.C().added() * 100"), 322);
    EXPECT_TRUE(engine_->rollback());
    EXPECT_EQ(eval_int("m.f() + m.C().old() * 10 + hasattr(m.C, 'added') * 100"), 11);
}

}  // namespace
