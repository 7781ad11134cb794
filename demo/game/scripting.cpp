#include "scripting.hpp"

#include <stdexcept>

namespace game {

namespace {

const World* the_world = nullptr;  // module functions of C have no other way to it

PyObject* nearest(PyObject*, PyObject* argument) {
    const long number = PyLong_AsLong(argument);
    if (number == -1 && PyErr_Occurred()) return nullptr;
    return PyLong_FromLong(the_world->nearest(static_cast<int>(number)));
}

PyMethodDef world_functions[] = {
    {"nearest", nearest, METH_O, "The number of the player who stands nearest to this one."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef world_module = {
    PyModuleDef_HEAD_INIT, "world", nullptr, 0, world_functions, nullptr, nullptr, nullptr, nullptr,
};

PyObject* make_world_module() { return PyModuleDef_Init(&world_module); }

PyObject* checked(PyObject* result) {
    if (result != nullptr) return result;
    PyErr_Print();
    throw std::runtime_error("a script has failed");
}

void checked(PyStatus status) {
    if (PyStatus_Exception(status)) throw std::runtime_error(status.err_msg);
}

std::string text_of(PyObject* reply) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(reply, &size);
    std::string copy = text != nullptr ? std::string(text, static_cast<std::size_t>(size)) : std::string();
    Py_DECREF(reply);
    return copy;
}

}  // namespace

Interpreter::Interpreter(const std::string& python, const std::string& scripts, const World& world) {
    the_world = &world;
    PyImport_AppendInittab("world", make_world_module);

    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.write_bytecode = 0;
    config.install_signal_handlers = 0;
    checked(PyConfig_SetBytesString(&config, &config.executable, python.c_str()));
    checked(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);

    PyObject* path = PySys_GetObject("path");
    PyObject* entry = checked(PyUnicode_FromString(scripts.c_str()));
    PyList_Insert(path, 0, entry);
    Py_DECREF(entry);
}

Interpreter::~Interpreter() { Py_FinalizeEx(); }

Scripts::Scripts() : module_(checked(PyImport_ImportModule("game"))) {}

Scripts::~Scripts() { Py_DECREF(module_); }

std::string Scripts::joined(int player) const {
    return text_of(checked(PyObject_CallMethod(module_, "joined", "i", player)));
}

std::string Scripts::message(int player, std::string_view line) const {
    const auto size = static_cast<Py_ssize_t>(line.size());
    return text_of(checked(PyObject_CallMethod(module_, "message", "is#", player, line.data(), size)));
}

void Scripts::left(int player) const { Py_DECREF(checked(PyObject_CallMethod(module_, "left", "i", player))); }

}  // namespace game
