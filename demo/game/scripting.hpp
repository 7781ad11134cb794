// The interpreter inside the game and the few calls that cross into its scripts.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string>
#include <string_view>

#include "world.hpp"

namespace game {

// The interpreter, alive as long as this object.
class Interpreter {
   public:
    // `python` is the executable whose environment is used; `scripts` goes in front of sys.path.
    Interpreter(const std::string& python, const std::string& scripts, const World& world);
    ~Interpreter();
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
};

// The functions of game.py.
class Scripts {
   public:
    Scripts();
    ~Scripts();
    Scripts(const Scripts&) = delete;
    Scripts& operator=(const Scripts&) = delete;

    std::string joined(int player) const;
    std::string message(int player, std::string_view line) const;
    void left(int player) const;

   private:
    PyObject* module_;
};

// Lets other threads run Python while this one waits.
class WithoutGil {
   public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil() { PyEval_RestoreThread(state_); }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

   private:
    PyThreadState* state_;
};

}  // namespace game
