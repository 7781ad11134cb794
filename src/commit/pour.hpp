// New content, same object: how a live object takes over what a staged one of its kind has.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "code/code.hpp"
#include "code/tree.hpp"
#include "commit/resolve.hpp"
#include "commit/write.hpp"
#include "stage/outcome.hpp"

namespace rebottle {

// Collects function writes: one for each function, however many reasons there are to write it.
class Pour {
   public:
    Pour(Outcome& outcome, Resolved& result) : outcome_(outcome), result_(result) {}

    // A live function takes new code; `source` is what evaluating the definition gave, or NULL.
    void function(PyFunctionObject* function, PyCodeObject* now, PyFunctionObject* source, const Swap& swap);
    // Functions made earlier by code nested in `old_code` take the new inner code, with their own cells.
    void nested(PyCodeObject* old_code, PyCodeObject* now, const Swap& swap);
    // A live function takes everything that a staged one has.
    enum class Names { follow, stay };
    void whole_function(PyFunctionObject* live, PyFunctionObject* staged, const std::string& where,
                        Names names = Names::follow);
    // A live function passes its calls on to another object.
    void forward(PyFunctionObject* live, PyObject* target, const std::string& where);
    // A name holds `binding.before` and was given `after`: makes the former take over what it can. Returns what the
    // name is to hold.
    Ref adopt(const Binding& binding, const Ref& after);
    // A live function gets an attribute, or loses it where there is no value.
    void set_attribute(PyFunctionObject* function, const Ref& name, const Ref& value);
    // References to a live object are rewritten to what stands for it now: its identity can't be kept.
    void become(PyObject* live, const Ref& now);
    // The functools.lru_cache wrappers on the way from a value to a changed function are emptied.
    void empty_caches(PyObject* from);

   private:
    void set_later_attributes(PyFunctionObject* source, FunctionContent& after) const;
    FunctionContent& content(PyFunctionObject* function, const std::string& where);
    bool is_staged(PyObject* object) const { return outcome_.created.contains(object); }
    Ref mapped(PyObject* object) const;
    // The defaults of a function, or its keyword defaults, with what staged objects stand for.
    Ref mapped_items(const Ref& defaults) const;

    Ref adopt_function(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged);
    bool serves_another(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged);
    Ref adopt_wrapper(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged);
    Ref adopt_property(const Binding& binding, PyObject* live, PyObject* staged);
    Ref adopt_method_holder(const Binding& binding, PyObject* live, PyObject* staged);
    Ref adopt_cache(const Binding& binding, PyObject* live, PyObject* staged);
    Ref adopt_instance(const Binding& binding, PyObject* live, PyObject* staged);
    void decorate_plain(const Binding& binding, PyFunctionObject* live, PyFunctionObject* staged);
    // Writes what the live object's attributes lack of the staged one's; false where they have none.
    bool take_attributes(const Binding& binding, PyObject* live, PyObject* staged);
    Ref rebind(const Binding& binding, const Ref& after);
    void list_kind_changed(const Binding& binding);

    // (call_form.cpp)
    void change_call_form(const Binding& binding, PyObject* live, PyObject* staged);

    // (forward.cpp)
    static Ref without_first(PyObject* target);
    void pass_on(const Binding& binding, PyObject* live, PyObject* now);
    void forward_class(PyObject* live, PyObject* target, const std::string& where);
    void rebind_importers(const Binding& binding, PyObject* live, PyObject* now);
    static bool same_name(PyObject* key, const Binding& binding);
    bool is_bound(PyObject* owner, PyObject* name) const;
    void empty(const Ref& cache, Ref content);

    Outcome& outcome_;
    Resolved& result_;
    std::map<PyObject*, std::size_t> written_;
    std::set<PyObject*> emptied_;
};

// The closure for new code: own cells by name, then those of `source`, then what can be supplied; nothing where a
// variable can't be.
struct Closure {
    bool complete = true;
    std::string missing;
    Ref cells;
};
Closure closure_for(PyFunctionObject* function, PyCodeObject* now, PyFunctionObject* source, const Swap& swap);

// The definitions within the two versions of what is swapped.
struct Definitions {
    explicit Definitions(const Swap& swap) : old(swap.old.node.get()), now(swap.now.node.get()) {}
    FunctionNodes old;
    FunctionNodes now;
};

// The defaults that a live inner function has after an edit of its definition.
struct Defaults {
    bool known = true;
    Ref positional;
    Ref keyword;
};
Defaults nested_defaults(PyFunctionObject* function, PyCodeObject* now, const Swap& swap, Definitions& definitions);

// Calls body for an object and for what it wraps, in turn.
void for_reachable(PyObject* from, const std::function<void(PyObject*)>& body);
// The attributes of a function: those of `staged` are added, in place of the former ones.
Ref merged_attributes(PyObject* live, PyObject* staged);

// Whether `from` leads to `target` through closures, __wrapped__, __func__, fget, func and the like.
bool reaches(PyObject* from, PyObject* target);
// The functools.lru_cache wrappers on the way from a bound value to a function.
void collect_caches(PyObject* from, std::vector<Ref>& caches);

}  // namespace rebottle
