#include "stage/stage.hpp"

#include <algorithm>
#include <set>

#include "code/index.hpp"
#include "code/tree.hpp"
#include "stage/policy.hpp"
#include "stage/scope.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

std::string change_kind(const Edit& edit) {
    const bool is_new = !edit.old;
    switch (edit.now.kind) {
        case Statement::Kind::function:
            if (is_new) return "function-added";
            return edit.kind == Kind::body ? "function-code" : "function-signature";
        case Statement::Kind::class_:
            return is_new ? "class-added" : "class-changed";
        case Statement::Kind::assignment:
            return is_new ? "data-added" : "data-replaced";
        case Statement::Kind::import_:
            return "import";
        case Statement::Kind::type_alias:
            return "type-alias";
        case Statement::Kind::docstring:
            return "docstring";
        default:
            return edit.kind == Kind::body ? "function-code" : "statement";
    }
}

// The live functions of a definition of the former source, by its compiled code.
std::vector<PyFunctionObject*> live_functions(PyCodeObject* old_code, const std::string& file, PyObject* globals) {
    CodeIndex& index = CodeIndex::instance();
    std::vector<PyFunctionObject*> found;
    for (PyCodeObject* code : index.codes(file, std::string(qualname(old_code))))
        if (same_code(code, old_code))
            for (PyFunctionObject* function : index.functions(code))
                if (function->func_globals == globals) found.push_back(function);
    return found;
}

// Stages one module of a plan.
class ModuleStage {
   public:
    ModuleStage(ModulePlan& plan, const Request& request, Outcome& outcome)
        : plan_(plan), request_(request), outcome_(outcome), live_(namespace_of(plan.module.get())) {}

    void run(StagedModule& staged) {
        Scope scope(plan_, staged);
        old_values_ = Ref::steal(PyDict_Copy(live_));
        marks_ = marks_of(plan_.edits, live_);
        for (Edit& edit : plan_.edits) step(scope, edit);
        bind_differences(scope, plan_.edits);
    }

    // Where nothing has to be run.
    void without_running() {
        for (Edit& edit : plan_.edits) bodies(edit);
    }

   private:
    // Errors of the user's code get the place where they happened.
    void step(Scope& scope, Edit& edit) {
        try {
            apply(scope, edit);
        } catch (const PythonError& error) {
            throw ExecutionError{plan_.name, edit.where, plan_.now.path, edit.line(), error};
        }
    }

    void apply(Scope& scope, Edit& edit) {
        switch (edit.kind) {
            case Kind::lines:
            case Kind::body:
                bodies(edit);
                break;
            case Kind::function:
                evaluate_function(scope, edit);
                break;
            case Kind::members:
                change_members(scope, edit);
                break;
            case Kind::aside:
                run_aside(scope, edit);
                break;
            case Kind::data:
                change_data(scope, edit);
                break;
            case Kind::run:
                run_statement(scope, edit);
                break;
            case Kind::again:
                run_again(scope, edit);
                break;
            case Kind::gone:
                remove(scope, edit);
                break;
        }
    }

    Swap swap_for(const Edit& edit, PyCodeObject* old_code, PyCodeObject* now_code) const {
        Swap swap;
        swap.module = plan_.name;
        swap.where = std::string(qualname(now_code));
        swap.file = plan_.record->version.path;
        swap.dict = live_;
        swap.old_code = Ref::borrow(as_object(old_code));
        swap.now_code = Ref::borrow(as_object(now_code));
        swap.old = edit.old;
        swap.now = edit.now;
        swap.kind = edit.kind == Kind::lines ? "" : change_kind(edit);
        swap.line = now_code->co_firstlineno;
        return swap;
    }

    // Code of functions follows without running anything.
    void bodies(Edit& edit) {
        if (!edit.old || !edit.now) return;
        if (edit.kind == Kind::members) {
            for (Edit& member : edit.members) bodies(member);
            class_lines(edit);
            return;
        }
        if (edit.now.kind == Statement::Kind::function && edit.old.kind == Statement::Kind::function) {
            PyCodeObject* old_code = find_code(as_code(edit.old_root.get()), edit.where, edit.old.line);
            PyCodeObject* now_code = find_code(as_code(edit.now_root.get()), edit.where, edit.now.line);
            if (old_code != nullptr && now_code != nullptr) outcome_.swaps.push_back(swap_for(edit, old_code, now_code));
            return;
        }
        outermost_pairs(edit, as_code(edit.old_root.get()), as_code(edit.now_root.get()));
    }

    // All functions in a block, a class or an assignment; the chunk's code is compared as a whole.
    void outermost_pairs(const Edit& edit, PyCodeObject* old_root, PyCodeObject* now_root) {
        CodePairs pairs;
        std::vector<PyCodeObject*> unmatched;
        pair_nested(old_root, now_root, pairs, unmatched);
        std::set<PyCodeObject*> inner;
        for (const auto& [old_code, now_code] : pairs)
            for_nested(now_code, [&](PyCodeObject* nested) {
                for_all_code(nested, [&](PyCodeObject* each) { inner.insert(each); });
            });
        for (const auto& [old_code, now_code] : pairs) {
            if (inner.contains(now_code)) continue;
            Swap swap = swap_for(edit, old_code, now_code);
            if (same_code(old_code, now_code)) swap.kind.clear();
            outcome_.swaps.push_back(std::move(swap));
        }
    }

    // A class moved, or one of its functions changed: what inspect reads follows.
    void class_lines(const Edit& edit) {
        const Ref live = live_class(live_, edit.where);
        if (!live) return;
        const Ref dict = Ref::steal(PyType_GetDict(live.as<PyTypeObject>()));
        PyCodeObject* body = nullptr;
        for_all_code(as_code(edit.now_root.get()), [&](PyCodeObject* code) {
            if (!is_function_code(code) && qualname(code) == edit.where) body = code;
        });
        if (body == nullptr) return;
        member_follows(live, dict.get(), "__firstlineno__", to_int(edit.now.line));
        if (Ref attributes = static_attributes(body)) member_follows(live, dict.get(), "__static_attributes__", attributes);
    }

    void member_follows(const Ref& live, PyObject* dict, const char* name, Ref value) {
        PyObject* before = dict_get(dict, name);
        if (before == nullptr || equal(before, value.get())) return;
        Binding binding;
        binding.owner = live;
        binding.name = interned(name);
        binding.before = Ref::borrow(before);
        binding.after = std::move(value);
        binding.module = plan_.name;
        outcome_.bindings.push_back(std::move(binding));
    }

    // The constant that a class body stores as __static_attributes__ (3.13): the last tuple of names among its constants.
    static Ref static_attributes(PyCodeObject* body) {
        Ref found;
        bool stored = false;
        for_sequence(body->co_names, [&](PyObject* name) { stored = stored || view(name) == "__static_attributes__"; });
        if (!stored) return {};
        for_sequence(body->co_consts, [&](PyObject* constant) {
            if (PyTuple_Check(constant)) found = Ref::borrow(constant);
        });
        return found;
    }

    // --- functions that have to be evaluated

    // Replaces unchanged default values by names bound to the live ones.
    void keep_defaults(Scope& scope, PyObject* old, PyObject* copy, PyFunctionObject* live) {
        static PyObject* const name_type = attribute(import_module("ast").get(), "Name").release();
        static PyObject* const load = call(attribute(import_module("ast").get(), "Load").get()).release();
        static PyObject* const locate = attribute(import_module("ast").get(), "copy_location").release();
        const auto former = default_nodes(old);
        for (const auto& [parameter, node] : default_nodes(copy)) {
            const auto same = std::find_if(former.begin(), former.end(), [&](const auto& each) {
                return each.first == parameter && same_tree(each.second.get(), node.get());
            });
            const Ref value = same == former.end() ? Ref() : live_default(live, parameter);
            if (!value) continue;
            const std::string placeholder = "__rebottle_default_" + parameter + "__";
            dict_set(scope.names(), placeholder, value.get());
            placeholders_.push_back(placeholder);
            const Ref name = call(name_type, {to_str(placeholder).get(), load});
            replace_default(copy, node.get(), call(locate, {name.get(), node.get()}).get());
        }
    }

    static Ref live_default(PyFunctionObject* live, const std::string& parameter) {
        auto* code = as_code(live->func_code);
        if (live->func_kwdefaults != nullptr)
            if (PyObject* value = dict_get(live->func_kwdefaults, parameter)) return Ref::borrow(value);
        if (live->func_defaults == nullptr || !PyTuple_Check(live->func_defaults)) return {};
        const Py_ssize_t first = code->co_argcount - PyTuple_GET_SIZE(live->func_defaults);
        for (Py_ssize_t i = std::max<Py_ssize_t>(first, 0); i < code->co_argcount; ++i)
            if (view(PyTuple_GET_ITEM(code->co_localsplusnames, i)) == parameter)
                return Ref::borrow(PyTuple_GET_ITEM(live->func_defaults, i - first));
        return {};
    }

    static void replace_default(PyObject* function, PyObject* node, PyObject* replacement) {
        const Ref arguments = attribute(function, "args");
        for (const char* field : {"defaults", "kw_defaults"}) {
            const Ref list = attribute(arguments.get(), field);
            for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i)
                if (PyList_GET_ITEM(list.get(), i) == node) check(PyList_SetItem(list.get(), i, Py_NewRef(replacement)));
        }
    }

    void evaluate_function(Scope& scope, Edit& edit) {
        static PyObject* const deepcopy = attribute(import_module("copy").get(), "deepcopy").release();
        PyCodeObject* old_code = find_code(as_code(edit.old_root.get()), edit.where, edit.old.line);
        if (old_code == nullptr) raise(PyExc_SystemError, "rebottle: no code for the former " + edit.where);
        const Ref copy = call(deepcopy, {edit.now.node.get()});
        const auto functions = live_functions(old_code, plan_.record->version.path, live_);
        if (!functions.empty()) keep_defaults(scope, edit.old.node.get(), copy.get(), functions.front());
        const Ref root = scope.run({copy}, edit.now.offset);
        for (const std::string& placeholder : placeholders_)
            check(PyDict_DelItem(scope.names(), interned(placeholder).get()));
        placeholders_.clear();
        PyCodeObject* now_code = find_code(as_code(root.get()), edit.where, edit.now.line);
        if (now_code == nullptr) raise(PyExc_SystemError, "rebottle: no code for the new " + edit.where);
        outcome_.held.push_back(root);
        outcome_.swaps.push_back(swap_for(edit, old_code, now_code));
        evaluated_[edit.where] = !same_field(edit.old.node.get(), edit.now.node.get(), "decorator_list");
    }

    // --- classes

    // Definitions of one name that build on each other (a property and its setter) are evaluated together.
    static void evaluate_together(std::vector<Edit>& members) {
        std::set<std::string> names;
        for (const Edit& edit : members)
            if (edit.now && edit.now.kind == Statement::Kind::function && (edit.kind == Kind::function || edit.kind == Kind::run))
                names.insert(edit.now.name);
        for (Edit& edit : members) {
            if (!edit.now || edit.now.kind != Statement::Kind::function || !names.contains(edit.now.name)) continue;
            const auto several = std::count_if(members.begin(), members.end(), [&](const Edit& other) {
                return other.now && other.now.kind == Statement::Kind::function && other.now.name == edit.now.name;
            });
            if (several > 1 && edit.old && (edit.kind == Kind::body || edit.kind == Kind::lines)) edit.kind = Kind::function;
        }
    }

    void change_members(Scope& outer, Edit& edit) {
        Ref live = live_class(live_, edit.where);
        if (!live) raise(PyExc_SystemError, "rebottle: class " + edit.where + " is gone");
        evaluate_together(edit.members);
        class_lines(edit);
        Scope scope(outer, edit.now, live);
        const Marks outer_marks = std::exchange(marks_, marks_of(edit.members, scope.before()));
        marks_.all = marks_.all || outer_marks.all;
        for (Edit& member : edit.members) step(scope, member);
        bind_differences(scope, edit.members);
        marks_ = outer_marks;
    }

    void run_aside(Scope& scope, Edit& edit) {
        const Ref live = live_class(live_, edit.where);
        const Ref root = scope.run({edit.now.node}, edit.now.offset);
        outcome_.held.push_back(root);
        PyObject* made = dict_get(scope.names(), edit.now.name);
        member_swaps(edit, as_code(root.get()));
        if (made == nullptr || !PyType_Check(made) || !live) return;
        ClassMerge merge;
        merge.live = live;
        merge.staged = Ref::borrow(made);
        merge.module = plan_.name;
        merge.where = edit.where;
        merge.line = edit.now.line;
        for (const Edit& member : edit.members)
            for (const std::string& name : member.old.binds) merge.old_names.push_back(name);
        keep_class_data(edit, merge);
        outcome_.merges.push_back(std::move(merge));
    }

    // Methods of a class that was run aside: their code is that of the run.
    void member_swaps(const Edit& edit, PyCodeObject* root) {
        for (const Edit& member : edit.members) {
            if (!member.old || !member.now) continue;
            if (member.now.kind == Statement::Kind::class_ && member.old.kind == Statement::Kind::class_) member_swaps(member, root);
            if (member.now.kind != Statement::Kind::function || member.old.kind != Statement::Kind::function) continue;
            PyCodeObject* old_code = find_code(as_code(member.old_root.get()), member.where, member.old.line);
            PyCodeObject* now_code = find_code(root, member.where, member.now.line);
            if (old_code == nullptr || now_code == nullptr) continue;
            Swap swap = swap_for(member, old_code, now_code);
            swap.kind = same_code(old_code, now_code) ? "" : "function-code";
            outcome_.swaps.push_back(std::move(swap));
        }
    }

    // Data of a class run aside stays unless its statement was edited and the policy replaces it.
    void keep_class_data(const Edit& edit, ClassMerge& merge) {
        const Ref dict = Ref::steal(PyType_GetDict(merge.live.as<PyTypeObject>()));
        const bool fields_follow = dict_get(dict.get(), "__dataclass_fields__") != nullptr ||
                                   dict_get(dict.get(), "_field_defaults") != nullptr ||
                                   std::string_view(Py_TYPE(merge.live.get())->tp_name).find("Enum") != std::string_view::npos;
        const Marks marks = marks_of(edit.members, dict.get());
        for (const Edit& member : edit.members) {
            if (!member.now || member.now.kind != Statement::Kind::assignment || !member.old) continue;
            if (fields_follow && (is_node(member.now.node.get(), "AnnAssign") || dict_get(dict.get(), "_member_map_") != nullptr)) continue;
            for (const std::string& name : member.now.binds) {
                PyObject* live = dict_get(dict.get(), name);
                if (live == nullptr || !is_data(live) || always_follows(name) || marks_.all || marks.names_data(name)) continue;
                const bool edited = member.kind != Kind::lines;
                if (edited && policy_for(request_, plan_.name, member.where) != Policy::keep) continue;
                merge.kept_names.push_back(name);
                if (edited) keep(member, name, "the policy keeps edited data");
            }
        }
    }

    // --- data

    void keep(const Edit& edit, const std::string& name, const std::string& why) {
        const std::size_t dot = edit.where.rfind('.');
        const std::string place = dot == std::string::npos ? name : edit.where.substr(0, dot + 1) + name;
        outcome_.kept.push_back({plan_.name + "." + place, why, plan_.now.path, edit.line()});
    }

    static Ref value_node(const Statement& statement) {
        const Ref value = attribute(statement.node.get(), "value");
        return value.get() == Py_None ? Ref() : value;
    }

    // Whether the policy has a say: the names hold data now, and the source still binds data to them.
    bool is_policy_data(Scope& scope, const Edit& edit) {
        const Ref value = value_node(edit.now);
        if (!value || is_node(value.get(), "Lambda")) return false;
        for (const std::string& name : edit.now.binds) {
            PyObject* live = dict_get(scope.before(), name);
            if (live == nullptr || !is_data(live) || always_follows(name)) return false;
        }
        if (edit.now.binds.empty()) return false;
        if (is_node(value.get(), "Name") || is_node(value.get(), "Attribute"))
            return is_data(scope.evaluate(value.get(), edit.now.offset).get());
        return true;
    }

    Policy policy_of(const Edit& edit) const {
        for (const std::string& name : edit.now.binds)
            if (marks_.names_data(name)) return Policy::replace;
        return policy_for(request_, plan_.name, edit.where);
    }

    void change_data(Scope& scope, Edit& edit) {
        if (!is_policy_data(scope, edit)) {
            run_statement(scope, edit);
            return;
        }
        const Policy policy = policy_of(edit);
        if (policy == Policy::replace) {
            run_statement(scope, edit);
            return;
        }
        follow_annotation(scope, edit);
        if (policy == Policy::keep) {
            for (const std::string& name : edit.now.binds) keep(edit, name, "the policy keeps edited data");
            return;
        }
        merge_data(scope, edit);
    }

    // `x: int = 1` whose value stays: the annotation alone is run.
    void follow_annotation(Scope& scope, const Edit& edit) {
        static PyObject* const copy = attribute(import_module("copy").get(), "copy").release();
        if (!is_node(edit.now.node.get(), "AnnAssign") || !is_node(edit.old.node.get(), "AnnAssign") ||
            same_field(edit.old.node.get(), edit.now.node.get(), "annotation"))
            return;
        const Ref alone = call(copy, {edit.now.node.get()});
        check(PyObject_SetAttrString(alone.get(), "value", Py_None));
        scope.run({alone}, edit.now.offset);
    }

    void merge_data(Scope& scope, Edit& edit) {
        const Ref before = value_node(edit.old);
        const Ref after = value_node(edit.now);
        const bool known = edit.now.binds.size() == 1 && before && after && is_pure(before.get()) && is_pure(after.get());
        if (!known) {
            for (const std::string& name : edit.now.binds)
                keep(edit, name, "its value was computed or changed at run time, the live value stays");
            return;
        }
        const std::string& name = edit.now.binds.front();
        Ref old_value = old_value_of(scope, edit, before);
        const Ref now_value = scope.evaluate(after.get(), edit.now.offset);
        PyObject* live = dict_get(scope.before(), name);
        if (!old_value) {
            keep(edit, name, "its former value can't be told, the live value stays");
            return;
        }
        const Merged merged = merge(old_value.get(), now_value.get(), live, plan_.name + "." + edit.where, outcome_);
        if (!merged.changed) return;
        if (merged.value.get() != live) dict_set(scope.names(), name, merged.value.get());
        outcome_.changes.push_back({"data-merged", plan_.name + "." + edit.where, plan_.now.path, edit.line()});
    }

    // What the former source would give, or nothing.
    Ref old_value_of(Scope& scope, const Edit& edit, const Ref& expression) {
        static PyObject* const type = attribute(import_module("ast").get(), "Expression").release();
        try {
            const Ref code = compile_expression(call(type, {expression.get()}).get(), plan_.now.path, plan_.flags);
            const Ref names = scope.is_class() ? Ref::steal(PyDict_Copy(scope.before())) : old_values_;
            Ref value = Ref::steal(PyEval_EvalCode(code.get(), old_values_.get(), names.get()));
            if (!scope.is_class()) dict_set(old_values_.get(), edit.now.binds.front(), value.get());
            return value;
        } catch (const PythonError& error) {
            if (!error.is(PyExc_Exception)) throw;
            return {};
        }
    }

    // --- other statements

    void run_statement(Scope& scope, Edit& edit) {
        const Ref root = scope.run({edit.now.node}, edit.now.offset);
        outcome_.held.push_back(root);
        if (edit.old && edit.old_root) outermost_pairs(edit, as_code(edit.old_root.get()), as_code(root.get()));
        if (edit.now.binds.empty() && edit.now.kind != Statement::Kind::import_)
            outcome_.changes.push_back({"statement", plan_.name, plan_.now.path, edit.line()});
    }

    void run_again(Scope& scope, Edit& edit) {
        for (const std::string& name : edit.now.binds)
            if (PyObject* live = dict_get(scope.before(), name); live != nullptr && (!is_data(live) || always_follows(name))) return;
        run_statement(scope, edit);
    }

    void remove(Scope& scope, Edit& edit) {
        for (const std::string& name : edit.old.binds) {
            PyObject* live = dict_get(scope.names(), name);
            if (live == nullptr || PyModule_Check(live) || is_bound_again(scope, name)) continue;
            const bool function = PyFunction_Check(live) || PyObject_TypeCheck(live, &PyClassMethod_Type) || PyObject_TypeCheck(live, &PyStaticMethod_Type);
            if (request_.prune || (marks_.delete_functions && function) || is_inherited(scope, name) || is_supplied(scope, name)) {
                check(PyDict_DelItem(scope.names(), interned(name).get()));
            } else if (edit.old.kind != Statement::Kind::import_) {
                outcome_.kept.push_back({plan_.name + "." + scope.where(name), "gone from the source, the name stays (prune=True removes it)", plan_.now.path, 0});
            }
        }
    }

    // Whether another statement of the new source binds the name.
    bool is_bound_again(Scope& scope, const std::string& name) const {
        if (scope.is_class()) return class_binds(scope, name);
        for (const Chunk& chunk : plan_.now.split.chunks) {
            const std::string text(chunk.in(plan_.now.text));
            if (text.find(name) == std::string::npos) continue;
            const Ref tree = parse(text, plan_.now.path, plan_.flags);
            for (const Statement& statement : statements_of(attribute(tree.get(), "body").get(), 0, false))
                if (statement.binds_name(name)) return true;
        }
        return false;
    }

    bool class_binds(const Scope& scope, const std::string& name) const {
        const std::vector<Edit>* edits = &plan_.edits;
        const std::string path = scope.path() + ".";
        for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
            const std::string prefix = path.substr(0, dot);
            const auto found = std::find_if(edits->begin(), edits->end(), [&](const Edit& edit) { return edit.now && edit.where == prefix; });
            if (found == edits->end()) return false;
            edits = &found->members;
        }
        return std::any_of(edits->begin(), edits->end(), [&](const Edit& edit) { return edit.now && edit.now.binds_name(name); });
    }

    static bool is_inherited(const Scope& scope, const std::string& name) {
        if (!scope.is_class()) return false;
        PyObject* order = reinterpret_cast<PyTypeObject*>(scope.type())->tp_mro;
        for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(order); ++i) {
            const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(order, i))));
            if (dict_get(dict.get(), name) != nullptr) return true;
        }
        return false;
    }

    static bool is_supplied(const Scope& scope, const std::string&) {
        return !scope.is_class() && dict_get(scope.names(), "__getattr__") != nullptr;
    }

    // --- what the statements left in a namespace

    void bind_differences(Scope& scope, const std::vector<Edit>& edits) {
        const Ref owner = scope.is_class() ? Ref::borrow(scope.type()) : plan_.module;
        const Ref live = scope.is_class() ? Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(scope.type()))) : Ref::borrow(live_);
        const auto add = [&](PyObject* key, PyObject* after) {
            Binding binding;
            binding.owner = owner;
            binding.name = Ref::borrow(key);
            binding.before = Ref::borrow(dict_get(live.get(), key));
            binding.after = Ref::borrow(after);
            binding.module = plan_.name;
            binding.where = scope.where(to_text(key));
            describe(binding, edits);
            outcome_.bindings.push_back(std::move(binding));
        };
        for_items(scope.names(), [&](PyObject* key, PyObject* value) {
            if (PyUnicode_Check(key) && dict_get(scope.before(), key) != value) add(key, value);
        });
        for_items(scope.before(), [&](PyObject* key, PyObject*) {
            if (dict_get(scope.names(), key) == nullptr) add(key, nullptr);
        });
    }

    void describe(Binding& binding, const std::vector<Edit>& edits) const {
        const std::string name = to_text(binding.name.get());
        for (const Edit& edit : edits) {
            if (edit.now && edit.now.binds_name(name)) {
                binding.line = edit.now.line;
                binding.kind = change_kind(edit);
                binding.importers = edit.old && edit.now.kind != Statement::Kind::import_;
            } else if (edit.kind == Kind::gone && edit.old.binds_name(name)) {
                binding.kind = "removed";
            }
        }
        if (const auto known = evaluated_.find(binding.where); known != evaluated_.end()) binding.decorators_changed = known->second;
    }

    ModulePlan& plan_;
    const Request& request_;
    Outcome& outcome_;
    PyObject* live_;
    Ref old_values_;
    Marks marks_;
    std::vector<std::string> placeholders_;
    std::map<std::string, bool> evaluated_;  // where -> its decorators changed
};

// Remembers the functions made while it lives.
class Recording {
   public:
    Recording() { CodeIndex::instance().start_recording(); }
    ~Recording() {
        if (CodeIndex::instance().recording()) stop();
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    std::vector<Ref> stop() { return CodeIndex::instance().stop_recording(); }
};

bool runs_something(const std::vector<Edit>& edits) {
    return std::any_of(edits.begin(), edits.end(), [](const Edit& edit) {
        if (edit.kind == Kind::members) return runs_something(edit.members);
        return edit.kind != Kind::lines && edit.kind != Kind::body;
    });
}

// The new code of functions that only change their bodies: what twins run.
std::map<PyCodeObject*, Ref> new_code_of(const ModulePlan& plan) {
    std::map<PyCodeObject*, Ref> found;
    CodeIndex& index = CodeIndex::instance();
    for (const Edit& edit : plan.edits) {
        if (edit.kind != Kind::body || edit.now.kind != Statement::Kind::function) continue;
        PyCodeObject* old_code = find_code(as_code(edit.old_root.get()), edit.where, edit.old.line);
        PyCodeObject* now_code = find_code(as_code(edit.now_root.get()), edit.where, edit.now.line);
        if (old_code == nullptr || now_code == nullptr) continue;
        for (PyCodeObject* code : index.codes(plan.record->version.path, edit.where))
            if (same_code(code, old_code)) found.emplace(code, Ref::borrow(as_object(now_code)));
    }
    return found;
}

}  // namespace

Outcome stage(Plan& plan, const Request& request, World& world) {
    Outcome outcome;
    Recording recording;
    std::vector<std::unique_ptr<ModuleStage>> stages;
    for (ModulePlan& module : plan.modules) {
        stages.push_back(std::make_unique<ModuleStage>(module, request, outcome));
        ModuleStage& one = *stages.back();
        if (!runs_something(module.edits)) {
            one.without_running();
            continue;
        }
        StagedModule& staged = world.add(module.name, module.module, new_code_of(module), nullptr);
        staged.run = [&one, &staged] { one.run(staged); };
    }
    for (const auto& staged : world.modules()) World::reach(*staged);
    outcome.created = recording.stop();
    for (const auto& staged : world.modules()) {
        outcome.live_globals.emplace(staged->ns.get(), Ref::borrow(staged->live));
        for (const auto& [twin, original] : staged->twins) outcome.bottles.emplace(twin, original);
    }
    return outcome;
}

}  // namespace rebottle
