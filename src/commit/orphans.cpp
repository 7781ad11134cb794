#include "commit/orphans.hpp"

#include "code/code.hpp"
#include "code/index.hpp"

namespace rebottle {
namespace {

class Orphans {
   public:
    Orphans(const RemovedNames& names, const std::set<PyFunctionObject*>& skipped) : names_(names), seen_(skipped) {}

    void add(PyObject* object) {
        if (PyType_Check(object)) {
            if (!types_.insert(object).second) return;
            const Ref members = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(object)));
            for_items(members.get(), [this](PyObject*, PyObject* member) { add(member); });
        } else if (PyFunction_Check(object)) {
            for_all_code(as_code(reinterpret_cast<PyFunctionObject*>(object)->func_code), [this](PyCodeObject* code) {
                for (PyFunctionObject* each : CodeIndex::instance().functions(code)) write(each);
            });
        } else if (Py_IS_TYPE(object, &PyProperty_Type) || Py_IS_TYPE(object, &PyStaticMethod_Type) ||
                   Py_IS_TYPE(object, &PyClassMethod_Type)) {
            for (const char* name : {"fget", "fset", "fdel", "__func__"})
                if (const Ref function = attribute_or_null(object, name)) add(function.get());
        }
    }

    Journal take() { return std::move(journal_); }

   private:
    void write(PyFunctionObject* function) {
        const auto names = names_.find(function->func_globals);
        if (names == names_.end() || !seen_.insert(function).second) return;
        const FunctionContent before = FunctionContent::of(function);
        FunctionContent after = before;
        after.builtins = builtins_with(function->func_builtins, names->second);
        journal_.push_back(FunctionWrite{Ref::borrow(reinterpret_cast<PyObject*>(function)), before, after, ""});
    }

    const Ref& builtins_with(PyObject* builtins, const std::map<PyObject*, Ref>& names) {
        Ref& made = made_[{builtins, &names}];
        if (made) return made;
        made = Ref::steal(PyDict_Copy(builtins));
        for (const auto& [name, value] : names) dict_set(made.get(), name, value.get());
        return made;
    }

    const RemovedNames& names_;
    std::set<PyFunctionObject*> seen_;
    std::set<PyObject*> types_;
    std::map<std::pair<PyObject*, const void*>, Ref> made_;
    Journal journal_;
};

}  // namespace

Journal keep_orphans_working(const std::vector<Ref>& removed, const RemovedNames& names,
                             const std::set<PyFunctionObject*>& skipped) {
    Orphans orphans(names, skipped);
    if (names.empty()) return {};
    for (const Ref& object : removed) orphans.add(object.get());
    return orphans.take();
}

}  // namespace rebottle
