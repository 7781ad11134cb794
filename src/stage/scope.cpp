#include "stage/scope.hpp"

#include <algorithm>

#include "code/import_names.hpp"
#include "code/tree.hpp"
#include "compat/compat.hpp"

namespace rebottle {
namespace {

Ref list_of(const std::vector<Ref>& items) {
    Ref list = Ref::steal(PyList_New(0));
    for (const Ref& item : items) check(PyList_Append(list.get(), item.get()));
    return list;
}

Ref module_of(const Ref& body) {
    static PyObject* const type = attribute(import_module("ast").get(), "Module").release();
    return call(type, {body.get(), Ref::steal(PyList_New(0)).get()});
}

// The class statement without bases, keywords and decorators, and with another body.
Ref header_alone(PyObject* class_statement, const Ref& body) {
    Ref header = copy_node(class_statement);
    for (const char* field : {"bases", "keywords", "decorator_list"})
        check(PyObject_SetAttrString(header.get(), field, Ref::steal(PyList_New(0)).get()));
    check(PyObject_SetAttrString(header.get(), "body", body.get()));
    return header;
}

// Cells for the free variables of a class body: type parameters of the live class.
Ref closure_for(PyCodeObject* body, PyObject* type) {
    const std::vector<std::string> names = free_variables(body);
    if (names.empty()) return {};
    Ref closure = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(names.size())));
    const Ref parameters = attribute_or_null(type, "__type_params__");
    for (std::size_t i = 0; i < names.size(); ++i) {
        Ref value;
        if (names[i] == ".type_params") value = parameters;
        if (parameters && PyTuple_Check(parameters.get()))
            for_sequence(parameters.get(), [&](PyObject* parameter) {
                if (attribute_text(parameter, "__name__") == names[i]) value = Ref::borrow(parameter);
            });
        PyTuple_SET_ITEM(closure.get(), static_cast<Py_ssize_t>(i), Ref::steal(PyCell_New(value.get())).release());
    }
    return closure;
}

}  // namespace

Scope::Scope(const ModulePlan& plan, StagedModule& staged)
    : plan_(plan),
      staged_(staged),
      names_(staged.ns),
      before_(staged.before),
      former_(Ref::steal(PyDict_Copy(staged.live))),
      former_globals_(former_) {}

Scope::Scope(const Scope& outer, const Statement& statement, Ref live_class)
    : plan_(outer.plan_),
      staged_(outer.staged_),
      headers_(outer.headers_),
      path_(outer.where(statement.name)),
      type_(std::move(live_class)),
      former_globals_(outer.former_globals_) {
    headers_.push_back(statement.node);
    const Ref dict = Ref::steal(PyType_GetDict(type_.as<PyTypeObject>()));
    names_ = Ref::steal(PyDict_Copy(dict.get()));
    before_ = Ref::steal(PyDict_Copy(dict.get()));
    former_ = Ref::steal(PyDict_Copy(dict.get()));
    if (PyObject* annotations = dict_get(names_.get(), "__annotations__");
        annotations != nullptr && PyDict_Check(annotations))
        dict_set(names_.get(), "__annotations__", Ref::steal(PyDict_Copy(annotations)).get());
}

PyCodeObject* Scope::class_body(PyObject* root) const {
    PyCodeObject* found = nullptr;
    for_all_code(as_code(root), [&](PyCodeObject* code) {
        if (!is_function_code(code) && found == nullptr && qualname(code) == path_) found = code;
    });
    if (found == nullptr) raise(PyExc_SystemError, "rebottle: no code for the body of class " + path_);
    return found;
}

Ref Scope::compiled(const std::vector<Ref>& nodes, int offset) const {
    Ref body = list_of(nodes);
    for (auto header = headers_.rbegin(); header != headers_.rend(); ++header)
        body = list_of({header_alone(header->get(), body)});
    Ref root = compile(with_imports(module_of(body).get(), plan_.now, plan_.flags).get(), plan_.now.path, plan_.flags);
    shift_lines(as_code(root.get()), offset);
    return root;
}

void Scope::execute(const Ref& root, PyObject* globals, PyObject* names) const {
    if (!is_class()) {
        run_code(root.get(), globals, names);
        return;
    }
    PyCodeObject* code = class_body(root.get());
    const Ref closure = closure_for(code, type_.get());
    Ref::steal(
        PyEval_EvalCodeEx(as_object(code), globals, names, nullptr, 0, nullptr, 0, nullptr, 0, nullptr, closure.get()));
    if (PyObject* cell = dict_get(names, "__classcell__"); cell != nullptr && PyCell_Check(cell))
        check(PyCell_Set(cell, type_.get()));
    if (PyObject* cell = dict_get(names, "__classdictcell__"); cell != nullptr && PyCell_Check(cell))
        check(PyCell_Set(cell, Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type_.get()))).get()));
    for (const char* name : compat::implicit_class_names()) {
        const Ref key = interned(name);
        if (PyObject* value = dict_get(before_.get(), key.get())) {
            dict_set(names, key.get(), value);
        } else if (dict_get(names, key.get()) != nullptr) {
            check(PyDict_DelItem(names, key.get()));
        }
    }
}

Ref Scope::run(const std::vector<Ref>& nodes, int offset) {
    Ref root = compiled(nodes, offset);
    execute(root, staged_.ns.get(), names_.get());
    return root;
}

Scope::Value Scope::value_of(const Ref& expression, int offset, When when) {
    constexpr const char* name = "__rebottle_value__";
    const Ref assignment =
        Ref::borrow(PyList_GET_ITEM(attribute(parse(std::string(name) + " = 0", "<value>", 0).get(), "body").get(), 0));
    check(PyObject_SetAttrString(assignment.get(), "value", expression.get()));
    Value value;
    value.root = compiled({assignment}, offset);
    const bool former = when == When::former;
    PyObject* names = former ? former_.get() : names_.get();
    execute(value.root, former ? former_globals_.get() : staged_.ns.get(), names);
    value.object = Ref::borrow(dict_get(names, name));
    check(PyDict_DelItemString(names, name));
    return value;
}

Ref Scope::result_of(const std::vector<Ref>& nodes, const std::string& name, When when) {
    const Ref names = when == When::former ? Ref::steal(PyDict_Copy(former_.get())) : with_originals(names_.get());
    PyObject* globals = !is_class() ? names.get() : when == When::former ? former_globals_.get() : staged_.ns.get();
    execute(compiled(nodes, 0), globals, names.get());
    return Ref::borrow(dict_get(names.get(), name));
}

Ref Scope::with_originals(PyObject* names) const {
    Ref copy = Ref::steal(PyDict_Copy(names));
    for_items(names, [&](PyObject* name, PyObject* value) {
        const auto twin = staged_.twins.find(value);
        if (twin != staged_.twins.end()) dict_set(copy.get(), name, twin->second.get());
    });
    return copy;
}

std::string Scope::key(const std::string& name) const {
    return is_class() ? stored_name(name, attribute_text(headers_.back().get(), "name")) : name;
}

bool Scope::binds(const std::string& name) const {
    bool found = false;
    const Ref body = attribute(headers_.back().get(), "body");
    for_sequence(body.get(), [&](PyObject* statement) {
        const std::vector<std::string> names = bound_names(statement);
        found = found || std::any_of(names.begin(), names.end(), [&](const auto& each) { return key(each) == name; });
    });
    return found;
}

Ref Scope::evaluate(PyObject* expression, int offset) {
    static PyObject* const type = attribute(import_module("ast").get(), "Expression").release();
    const Ref root = compile_expression(call(type, {expression}).get(), plan_.now.path, plan_.flags);
    shift_lines(as_code(root.get()), offset);
    return run_code(root.get(), staged_.ns.get(), names_.get());
}

}  // namespace rebottle
