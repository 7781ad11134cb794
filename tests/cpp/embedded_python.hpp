// A test fixture with an interpreter of its own, which must finalize cleanly.
#pragma once

#include <Python.h>
#include <gtest/gtest.h>

namespace rebottle::testing {

class EmbeddedPython : public ::testing::Test {
   protected:
    void SetUp() override { Py_InitializeEx(/*initsigs=*/0); }
    void TearDown() override { EXPECT_EQ(Py_FinalizeEx(), 0); }

    // Runs `text` in `__main__`; an exception fails the test and is printed.
    static void run(const char* text) { ASSERT_EQ(PyRun_SimpleString(text), 0) << text; }

    // The value of an expression over the names of `__main__`.
    static long eval_int(const char* expression) {
        PyObject* names = PyModule_GetDict(PyImport_AddModule("__main__"));
        PyObject* value = PyRun_String(expression, Py_eval_input, names, names);
        const long result = value != nullptr ? PyLong_AsLong(value) : -1;
        Py_XDECREF(value);
        EXPECT_EQ(PyErr_Occurred(), nullptr) << expression;
        PyErr_Clear();
        return result;
    }
};

}  // namespace rebottle::testing
