// What a C++ host does with the engine: updates from any thread, requests at its safe point, hold, and what goes wrong.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <rebottle/rebottle.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "embedded_python.hpp"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using rebottle::Engine;
using rebottle::Report;
using rebottle::Request;
using rebottle::Result;

constexpr auto patience = 20s;

// Lets other threads run Python.
class WithoutGil {
   public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil() { PyEval_RestoreThread(state_); }

   private:
    PyThreadState* state_;
};

class Host : public rebottle::testing::EmbeddedPython {
   protected:
    void SetUp() override {
        EmbeddedPython::SetUp();
        std::string form = (fs::temp_directory_path() / "rebottle-engine-XXXXXX").string();
        ASSERT_NE(::mkdtemp(form.data()), nullptr);
        folder_ = form;
        run(("import sys; sys.path.insert(0, '" + form + "'); sys.dont_write_bytecode = True").c_str());
        const auto created = Engine::create();
        ASSERT_TRUE(created) << created.error().message;
        engine_ = created.value();
        write("speed = 1\ndef fire():\n    return 1\n");
        run("import player\nfire = player.fire\n");
    }
    void TearDown() override {
        EmbeddedPython::TearDown();
        fs::remove_all(folder_);
    }

    void write(const std::string& text) { std::ofstream(folder_ / "player.py") << text; }
    void edit() { write("speed = 1\ndef fire():\n    return 22\n"); }

    std::shared_ptr<Engine> engine_;
    fs::path folder_;
};

std::string problem(const Result<Report>& result) {
    return result ? "" : result.error().type + ": " + result.error().message;
}

std::string rule(const Result<Report>& result) {
    return result || result.error().refusals.empty() ? "" : result.error().refusals[0].rule;
}

TEST_F(Host, Reloads) {
    edit();
    const auto report = engine_->reload({"player"});
    ASSERT_TRUE(report) << problem(report);
    EXPECT_EQ(report->modules, std::vector<std::string>{"player"});
    ASSERT_EQ(report->changes.size(), 1U);
    EXPECT_EQ(report->changes[0].where, "player.fire");
    EXPECT_EQ(eval_int("fire()"), 22);
}

TEST_F(Host, ReloadsWhatChanged) {
    edit();
    const auto report = engine_->reload();
    ASSERT_TRUE(report) << problem(report);
    EXPECT_EQ(eval_int("fire()"), 22);
    engine_->track({"nothing.*"});
    write("def fire():\n    return 333\n");
    EXPECT_TRUE(engine_->reload()->changes.empty());
    EXPECT_EQ(eval_int("fire()"), 22);
}

TEST_F(Host, TakesSourceTextFromTheHost) {
    const auto report =
        engine_->reload({.modules = {"player"}, .sources = {{"player", "def fire():\n    return 4444\n"}}});
    ASSERT_TRUE(report) << problem(report);
    EXPECT_EQ(eval_int("fire()"), 4444);
}

TEST_F(Host, Plans) {
    edit();
    const auto plan = engine_->plan({"player"});
    ASSERT_TRUE(plan) << problem(plan);
    EXPECT_EQ(plan->changes.size(), 1U);
    EXPECT_EQ(eval_int("fire()"), 1);
}

TEST_F(Host, Hotfixes) {
    const auto report = engine_->hotfix("import player\ndef fire():\n    return 55\nplayer.fire = fire\n", "fix.py");
    ASSERT_TRUE(report) << problem(report);
    EXPECT_EQ(report->kind, "hotfix");
    EXPECT_EQ(report->name, "fix.py");
    EXPECT_EQ(eval_int("fire()"), 55);
}

TEST_F(Host, TellsASyntaxErrorAndGoesOn) {
    write("def fire(:\n");
    const auto broken = engine_->reload({"player"});
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().type, "SourceError");
    EXPECT_NE(broken.error().message.find("player.py, line 1"), std::string::npos) << broken.error().message;
    EXPECT_EQ(eval_int("fire()"), 1);
    edit();
    EXPECT_TRUE(engine_->reload({"player"}));
    EXPECT_EQ(eval_int("fire()"), 22);
}

TEST_F(Host, TellsOtherErrors) {
    EXPECT_EQ(engine_->reload({"nobody"}).error().type, "UnknownModuleError");
    write("def fire():\n    return 1\nraise ValueError('no')\n");
    const auto raised = engine_->reload({"player"});
    ASSERT_FALSE(raised);
    EXPECT_EQ(raised.error().type, "ExecutionError");
    EXPECT_NE(raised.error().message.find("ValueError: no"), std::string::npos) << raised.error().message;
    EXPECT_EQ(PyErr_Occurred(), nullptr);
}

TEST_F(Host, KeepsAnExceptionThatIsUnderWay) {
    edit();
    PyErr_SetString(PyExc_KeyError, "the host's");
    EXPECT_TRUE(engine_->reload({"player"}));
    EXPECT_NE(PyErr_ExceptionMatches(PyExc_KeyError), 0);
    PyErr_Clear();
}

TEST_F(Host, RollsBack) {
    edit();
    const auto id = engine_->reload({"player"})->id;
    EXPECT_TRUE(engine_->in_force(id));
    const auto undone = engine_->rollback();
    ASSERT_TRUE(undone) << problem(undone);
    EXPECT_EQ(undone->kind, "rollback");
    EXPECT_EQ(eval_int("fire()"), 1);
    EXPECT_FALSE(engine_->in_force(id));
    EXPECT_EQ(engine_->history().size(), 2U);
    EXPECT_EQ(rule(engine_->rollback(id)), "rollback-gone");
}

TEST_F(Host, WorksFromAThreadWithoutTheGil) {
    edit();
    const WithoutGil others_may_run;
    std::thread([this] { EXPECT_TRUE(engine_->reload({"player"})); }).join();
    EXPECT_EQ(engine_->history().size(), 1U);
    EXPECT_TRUE(engine_->stale().empty());
}

TEST_F(Host, AppliesRequestsAtItsSafePoint) {
    edit();
    std::promise<void> asked;
    std::thread::id answered_by;
    bool good = false;
    std::thread other([&] {
        engine_->request({.modules = {"player"}, .done = [&](const Result<Report>& result) {
                              good = result.has_value();
                              answered_by = std::this_thread::get_id();
                          }});
        asked.set_value();
    });
    ASSERT_EQ(asked.get_future().wait_for(patience), std::future_status::ready);  // although this thread has the GIL
    other.join();
    EXPECT_EQ(eval_int("fire()"), 1);
    EXPECT_EQ(engine_->poll(500us), 1U);
    EXPECT_TRUE(good);
    EXPECT_EQ(answered_by, std::this_thread::get_id());
    EXPECT_EQ(eval_int("fire()"), 22);
    EXPECT_EQ(engine_->poll(500us), 0U);
}

TEST_F(Host, TakesNoMoreThanTheBudgetAllows) {
    int answers = 0;
    for (int i = 0; i < 3; ++i) engine_->request({.modules = {"nobody"}, .done = [&](const auto&) { ++answers; }});
    EXPECT_EQ(engine_->poll(0us), 1U);
    EXPECT_EQ(answers, 1);
    EXPECT_EQ(engine_->poll(1h), 2U);
    EXPECT_EQ(answers, 3);
}

TEST_F(Host, WhatDoneThrowsReachesTheHost) {
    engine_->request({.modules = {}, .done = [](const auto&) { throw std::runtime_error("done"); }});
    engine_->request({.modules = {}});
    EXPECT_THROW(engine_->poll(1h), std::runtime_error);
    EXPECT_EQ(engine_->poll(1h), 1U);
}

TEST_F(Host, HoldsUpdatesOff) {
    edit();
    std::future<bool> update;
    {
        const auto hold = engine_->hold();
        ASSERT_TRUE(hold);
        EXPECT_EQ(rule(engine_->reload({"player"})), "held");
        engine_->request({.modules = {"player"}});
        EXPECT_EQ(engine_->poll(1h), 0U);
        update = std::async(std::launch::async, [this] { return engine_->reload({"player"}).has_value(); });
        const WithoutGil others_may_run;
        EXPECT_EQ(update.wait_for(100ms), std::future_status::timeout);
    }
    {
        const WithoutGil others_may_run;
        ASSERT_EQ(update.wait_for(patience), std::future_status::ready);
        EXPECT_TRUE(update.get());
    }
    EXPECT_EQ(eval_int("fire()"), 22);
}

TEST_F(Host, TellsListeners) {
    std::vector<std::string> kinds;
    engine_->on_update([](const Report&) { throw std::runtime_error("a listener's own trouble"); });
    engine_->on_update([&](const Report& report) { kinds.push_back(report.kind); });
    run("import sys\nunraisable = []\nsys.unraisablehook = lambda error: unraisable.append(str(error.exc_value))\n");
    edit();
    EXPECT_TRUE(engine_->reload({"player"}));
    EXPECT_TRUE(engine_->rollback());
    EXPECT_EQ(kinds, (std::vector<std::string>{"reload", "rollback"}));
    EXPECT_EQ(eval_int("len([text for text in unraisable if \"a listener's own trouble\" in text])"), 2);
}

TEST_F(Host, IsTheEngineThatScriptsImport) {
    edit();
    run("import rebottle\nassert rebottle._watch\nassert rebottle.reload(['player']).ok\n");
    EXPECT_EQ(eval_int("fire()"), 22);
    ASSERT_EQ(engine_->history().size(), 1U);
    EXPECT_TRUE(engine_->rollback());
    EXPECT_EQ(eval_int("len(rebottle.history())"), 2);
    EXPECT_EQ(Engine::create().value(), engine_);
}

TEST_F(Host, RefusesWhatWouldBeASecondEngine) {
    run("import sys\ndel sys.modules['rebottle._native']\n"
        "try:\n    import rebottle\nexcept ImportError as error:\n    assert 'second-engine' in str(error), error\n"
        "else:\n    raise AssertionError\n");
}

Engine* called_by_script = nullptr;
std::string answer_to_script;

PyObject* update_from_script(PyObject*, PyObject*) {
    answer_to_script = rule(called_by_script->reload({"player"}));
    called_by_script->request({.modules = {"player"}});
    return PyLong_FromSize_t(called_by_script->poll(1h));
}

TEST_F(Host, RefusesAnUpdateInsideOfAnUpdate) {
    static PyMethodDef function = {"update", &update_from_script, METH_NOARGS, nullptr};
    called_by_script = engine_.get();
    PyObject* callable = PyCFunction_New(&function, nullptr);
    ASSERT_EQ(PySys_SetObject("update", callable), 0);
    Py_DECREF(callable);
    write("import sys\nspeed = 1\npolled = sys.update()\ndef fire():\n    return 22\n");
    const auto report = engine_->reload({"player"});
    ASSERT_TRUE(report) << problem(report);
    EXPECT_EQ(answer_to_script, "nested-update");
    EXPECT_EQ(eval_int("player.polled"), 0);
    EXPECT_EQ(engine_->poll(1h), 1U);
}

TEST(Result, IsAskedForWhatItHas) {
    const Result<int> made = 3;
    const Result<int> refused = rebottle::Error{.type = "RefusedError", .message = "no", .refusals = {}};
    EXPECT_EQ(made.value(), 3);
    EXPECT_EQ(refused.error().message, "no");
    EXPECT_THROW((void)refused.value(), std::bad_variant_access);
    EXPECT_THROW((void)made.error(), std::bad_variant_access);
}

TEST(HostWithoutInterpreter, IsRefused) {
    const auto created = Engine::create();
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().refusals[0].rule, "interpreter-gone");
}

TEST(HostWithoutInterpreter, WhatOutlivesItIsRefused) {
    Py_InitializeEx(0);
    const auto engine = Engine::create().value();
    auto hold = engine->hold();
    ASSERT_TRUE(hold);
    bool answered = false;
    engine->request({.modules = {"player"}, .done = [&](const auto& result) { answered = !result; }});
    EXPECT_EQ(Py_FinalizeEx(), 0);
    EXPECT_EQ(rule(engine->reload({"player"})), "interpreter-gone");
    EXPECT_EQ(rule(engine->rollback()), "interpreter-gone");
    EXPECT_FALSE(engine->hold());
    EXPECT_TRUE(engine->history().empty());
    EXPECT_EQ(engine->poll(1h), 1U);
    EXPECT_TRUE(answered);
}

TEST(HostWithoutInterpreter, ASecondInterpreterIsRefused) {
    Py_InitializeEx(0);
    const auto engine = Engine::create().value();
    EXPECT_EQ(Py_FinalizeEx(), 0);
    Py_InitializeEx(0);
    EXPECT_EQ(Engine::create().error().refusals[0].rule, "interpreter-again");
    EXPECT_EQ(rule(engine->reload()), "interpreter-gone");
    EXPECT_EQ(PyRun_SimpleString("def f(): return 1\nassert f() == 1\nimport json\n"), 0);
    EXPECT_EQ(Py_FinalizeEx(), 0);
}

TEST(HostWithoutInterpreter, ASubInterpreterIsRefused) {
    Py_InitializeEx(0);
    const auto engine = Engine::create().value();
    PyThreadState* main = PyThreadState_Get();
    PyThreadState* sub = Py_NewInterpreter();
    ASSERT_NE(sub, nullptr);
    EXPECT_EQ(Engine::create().error().refusals[0].rule, "sub-interpreter");
    EXPECT_EQ(rule(engine->reload()), "sub-interpreter");
    Py_EndInterpreter(sub);
    PyThreadState_Swap(main);
    EXPECT_TRUE(engine->reload());
    EXPECT_EQ(Py_FinalizeEx(), 0);
}

}  // namespace
