#include "commit/made_again.hpp"

#include <algorithm>

namespace rebottle {
namespace {

// Without running any code of the program.
bool is_same_value(PyObject* a, PyObject* b) {
    const bool plain = Py_IS_TYPE(a, Py_TYPE(b)) && (PyLong_CheckExact(a) || PyUnicode_CheckExact(a));
    return a == b || (plain && check(PyObject_RichCompareBool(a, b, Py_EQ)) == 1);
}

bool same_defaults(PyFunctionObject* a, PyFunctionObject* b) {
    PyObject* mine = a->func_defaults;
    PyObject* other = b->func_defaults;
    if (mine == nullptr || other == nullptr || PyTuple_GET_SIZE(mine) != PyTuple_GET_SIZE(other)) return mine == other;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mine); ++i)
        if (!is_same_value(PyTuple_GET_ITEM(mine, i), PyTuple_GET_ITEM(other, i))) return false;
    return true;
}

}  // namespace

std::map<PyFunctionObject*, PyFunctionObject*> pair_by_defaults(std::vector<PyFunctionObject*> live,
                                                                const std::vector<PyFunctionObject*>& made) {
    std::map<PyFunctionObject*, PyFunctionObject*> pairs;
    for (PyFunctionObject* each : made) {
        auto former =
            std::find_if(live.begin(), live.end(), [each](PyFunctionObject* one) { return same_defaults(one, each); });
        if (former == live.end()) former = live.begin();
        pairs.emplace(*former, each);
        live.erase(former);
    }
    return pairs;
}

}  // namespace rebottle
