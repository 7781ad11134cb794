#include "code/literal.hpp"

#include "code/tree.hpp"

namespace rebottle {
namespace {

bool is_number(PyObject* object) {
    return PyLong_CheckExact(object) || PyFloat_CheckExact(object) || PyComplex_CheckExact(object);
}

// A list of the values; nothing where one of them isn't a literal.
Ref list_value(PyObject* nodes) {
    Ref values = Ref::steal(PyList_New(0));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(nodes); ++i) {
        const Ref value = literal_value(PyList_GET_ITEM(nodes, i));
        if (!value) return {};
        check(PyList_Append(values.get(), value.get()));
    }
    return values;
}

// What can't be hashed is no literal key.
Ref or_nothing(PyObject* made) {
    if (made == nullptr) dismiss();
    return Ref::steal_or_null(made);
}

Ref dict_value(PyObject* node) {
    const Ref keys = list_value(attribute(node, "keys").get());
    const Ref values = list_value(attribute(node, "values").get());
    if (!keys || !values) return {};
    Ref made = new_dict();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys.get()); ++i)
        if (PyDict_SetItem(made.get(), PyList_GET_ITEM(keys.get(), i), PyList_GET_ITEM(values.get(), i)) < 0) {
            dismiss();
            return {};
        }
    return made;
}

Ref signed_value(PyObject* node) {
    const Ref sign = attribute(node, "op");
    const Ref value = literal_value(attribute(node, "operand").get());
    if (!value || !is_number(value.get())) return {};
    if (is_node(sign.get(), "UAdd")) return Ref::steal(PyNumber_Positive(value.get()));
    return is_node(sign.get(), "USub") ? Ref::steal(PyNumber_Negative(value.get())) : Ref();
}

// A complex number: `1 + 2j`.
Ref complex_value(PyObject* node) {
    const Ref sign = attribute(node, "op");
    const Ref left = literal_value(attribute(node, "left").get());
    const Ref right = literal_value(attribute(node, "right").get());
    if (!left || !right || !is_number(left.get()) || PyComplex_CheckExact(left.get()) ||
        !PyComplex_CheckExact(right.get()))
        return {};
    if (is_node(sign.get(), "Add")) return Ref::steal(PyNumber_Add(left.get(), right.get()));
    return is_node(sign.get(), "Sub") ? Ref::steal(PyNumber_Subtract(left.get(), right.get())) : Ref();
}

bool is_empty_set(PyObject* node) {
    const Ref callee = attribute(node, "func");
    return is_node(callee.get(), "Name") && attribute_text(callee.get(), "id") == "set" &&
           PyList_GET_SIZE(attribute(node, "args").get()) == 0 &&
           PyList_GET_SIZE(attribute(node, "keywords").get()) == 0;
}

Ref collection_value(PyObject* node) {
    Ref values = list_value(attribute(node, "elts").get());
    if (!values || is_node(node, "List")) return values;
    return is_node(node, "Tuple") ? Ref::steal(PyList_AsTuple(values.get())) : or_nothing(PySet_New(values.get()));
}

}  // namespace

Ref literal_value(PyObject* node) {
    if (is_node(node, "Constant")) return attribute(node, "value");
    if (is_node(node, "Tuple") || is_node(node, "List") || is_node(node, "Set")) return collection_value(node);
    if (is_node(node, "Dict")) return dict_value(node);
    if (is_node(node, "UnaryOp")) return signed_value(node);
    if (is_node(node, "BinOp")) return complex_value(node);
    if (is_node(node, "Call") && is_empty_set(node)) return Ref::steal(PySet_New(nullptr));
    return {};
}

}  // namespace rebottle
