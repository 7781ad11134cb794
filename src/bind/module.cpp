// The wall to Python: the extension module `rebottle._native`.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyModuleDef_Slot slots[] = {{Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, {0, nullptr}};
static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "rebottle._native", nullptr, 0, nullptr, slots, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native() { return PyModuleDef_Init(&definition); }
