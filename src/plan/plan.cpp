#include "plan/plan.hpp"

#include <algorithm>
#include <iterator>

#include "code/import_names.hpp"
#include "code/tree.hpp"
#include "plan/reconstruct.hpp"

namespace rebottle {
namespace {

using Kind = Statement::Kind;

// Compares two versions of one scope and lists the edits.
class Comparison {
   public:
    Comparison(const ModulePlan& plan, Force force)
        : plan_(plan), dict_(namespace_of(plan.module.get())), force_(force) {}

    std::vector<Edit> scope(const std::vector<Located>& olds, const std::vector<Located>& news,
                            const std::string& path) {
        std::vector<Statement> before;
        std::vector<Statement> after;
        for (const Located& each : olds) before.push_back(each.statement);
        for (const Located& each : news) after.push_back(each.statement);
        std::vector<Edit> edits;
        std::vector<Edit> gone;
        for (StatementPair& pair : pair_statements(before, after, plan_.flags)) {
            Edit edit;
            edit.old_root = root_of(olds, pair.old);
            edit.now_root = root_of(news, pair.now);
            edit.where = name_in(path, pair.now ? pair.now : pair.old);
            edit.old = std::move(pair.old);
            edit.now = std::move(pair.now);
            if (Edit names = names_gone(edit); !names.old.binds.empty()) gone.push_back(std::move(names));
            if (classify(edit, pair.same, path)) edits.push_back(std::move(edit));
        }
        std::move(gone.begin(), gone.end(), std::back_inserter(edits));
        return edits;
    }

   private:
    // What only the old one of two statements binds.
    static Edit names_gone(const Edit& edit) {
        Edit found;
        found.kind = Edit::Kind::gone;
        if (!edit.old || !edit.now) return found;
        found.where = edit.where;
        found.old = edit.old;
        found.old_root = edit.old_root;
        std::erase_if(found.old.binds, [&](const std::string& name) { return edit.now.binds_name(name); });
        return found;
    }

    static Ref root_of(const std::vector<Located>& all, const Statement& statement) {
        for (const Located& each : all)
            if (each.statement.node.get() == statement.node.get()) return each.root;
        return {};
    }

    static std::string name_in(const std::string& path, const Statement& statement) {
        const std::string& name =
            !statement.name.empty() || statement.binds.empty() ? statement.name : statement.binds[0];
        return path.empty() || name.empty() ? path + name : path + "." + name;
    }

    // Sets the kind; false where nothing is to be done.
    bool classify(Edit& edit, bool same, const std::string&) {
        if (!edit.now) {
            edit.kind = Edit::Kind::gone;
            return !edit.old.binds.empty();
        }
        if (same) return classify_same(edit);
        const Kind kind = edit.now.kind;
        if (kind == Kind::constant) return false;
        if (edit.old && kind == edit.old.kind) {
            if (kind == Kind::function) return classify_function(edit);
            if (kind == Kind::class_) return classify_class(edit);
            if (kind == Kind::assignment &&
                is_node(edit.now.node.get(), "AugAssign") == is_node(edit.old.node.get(), "AugAssign")) {
                edit.kind = Edit::Kind::data;
                return true;
            }
            if ((kind == Kind::block || kind == Kind::guard) && edit.old_root && edit.now_root && same_blocks(edit)) {
                edit.kind = Edit::Kind::body;
                return true;
            }
        }
        edit.kind = Edit::Kind::run;
        if (kind == Kind::guard) edit.kind = Edit::Kind::body;
        return kind != Kind::guard || static_cast<bool>(edit.old);
    }

    // Equal but for positions: code objects follow where lines within them moved.
    bool classify_same(Edit& edit) {
        if (force_ == Force::classes && edit.now.kind == Kind::class_ && live_class(dict_, edit.where))
            return classify_class(edit);
        if (plan_.other_future && annotates(edit)) return true;
        edit.kind = force_ == Force::none ? Edit::Kind::lines : Edit::Kind::body;
        return edit.now.kind != Kind::assignment || mentioned_lambda(edit.now.node.get());
    }

    // Annotations mean something else under another `from __future__` line: they are evaluated again.
    bool annotates(Edit& edit) {
        if (edit.now.kind == Kind::class_) return classify_class(edit);
        if (edit.now.kind == Kind::function && has_annotations(edit.now.node.get())) {
            edit.kind = Edit::Kind::function;
        } else if (is_node(edit.now.node.get(), "AnnAssign")) {
            edit.kind = Edit::Kind::data;
        } else {
            return false;
        }
        return true;
    }

    static bool mentioned_lambda(PyObject* node) {
        bool found = is_node(node, "Lambda") || is_node(node, "GeneratorExp");
        for_children(node, [&](PyObject* child) { found = found || mentioned_lambda(child); });
        return found;
    }

    bool same_blocks(const Edit& edit) const {
        return node_type(edit.old.node.get()) == node_type(edit.now.node.get()) &&
               same_statement_shell(edit.old, edit.now, plan_.flags);
    }

    bool classify_function(Edit& edit) {
        const FunctionShell shell = compare_shells(edit.old.node.get(), edit.now.node.get());
        edit.kind = shell.evaluate() ? Edit::Kind::function : Edit::Kind::body;
        return true;
    }

    bool classify_class(Edit& edit) {
        const Ref live = live_class(dict_, edit.where);
        if (!live) {
            edit.kind = Edit::Kind::run;
            return true;
        }
        edit.members = compare_members(edit);
        const bool only_bodies = has_only_bodies(edit.members);
        const bool same_header = is_same_header(edit);
        if (force_ != Force::classes && same_header &&
            ((only_bodies && (is_plain(live.get(), edit) || same_order(edit))) ||
             (is_plain(live.get(), edit) && !slots_changed(edit)))) {
            edit.kind = Edit::Kind::members;
        } else {
            edit.kind = Edit::Kind::aside;
        }
        return true;
    }

    std::vector<Edit> compare_members(const Edit& edit) {
        return scope(located(edit.old, edit.old_root), located(edit.now, edit.now_root), edit.where);
    }

    static std::vector<Located> located(const Statement& statement, const Ref& root) {
        std::vector<Located> found;
        for (Statement& member : members_of(statement)) found.push_back({std::move(member), root});
        return found;
    }

    static bool has_only_bodies(const std::vector<Edit>& edits) {
        return std::all_of(edits.begin(), edits.end(), [](const Edit& edit) {
            return edit.kind == Edit::Kind::body || edit.kind == Edit::Kind::lines ||
                   (edit.kind == Edit::Kind::members && has_only_bodies(edit.members));
        });
    }

    // Fields and members of an enumeration have an order.
    static bool same_order(const Edit& edit) {
        const auto order = [](const Statement& statement) {
            std::vector<std::string> names;
            for (const Statement& member : members_of(statement))
                if (member.kind == Kind::assignment)
                    names.insert(names.end(), member.binds.begin(), member.binds.end());
            return names;
        };
        return order(edit.old) == order(edit.now);
    }

    static bool is_same_header(const Edit& edit) {
        for (const char* field : {"bases", "keywords", "decorator_list", "type_params"})
            if (!same_field(edit.old.node.get(), edit.now.node.get(), field)) return false;
        return true;
    }

    static bool is_plain(PyObject* live, const Edit& edit) {
        static PyObject* const abc = attribute(import_module("abc").get(), "ABCMeta").release();
        if (PyList_GET_SIZE(attribute(edit.now.node.get(), "decorator_list").get()) > 0) return false;
        PyObject* dict = reinterpret_cast<PyTypeObject*>(live)->tp_dict;
        if (dict != nullptr && PyDict_GetItemString(dict, "_field_defaults") != nullptr) return false;  // a NamedTuple
        return Py_IS_TYPE(live, &PyType_Type) || Py_IS_TYPE(live, reinterpret_cast<PyTypeObject*>(abc));
    }

    static bool slots_changed(const Edit& edit) {
        return std::any_of(edit.members.begin(), edit.members.end(), [](const Edit& member) {
            return (member.now.binds_name("__slots__") || member.old.binds_name("__slots__")) &&
                   member.kind != Edit::Kind::lines;
        });
    }

    const ModulePlan& plan_;
    PyObject* dict_;
    Force force_;
};

}  // namespace

Ref live_value(PyObject* module_dict, const std::string& path) {
    Ref dict = Ref::borrow(module_dict);
    std::size_t from = 0;
    std::string around;
    for (;;) {
        const std::size_t dot = path.find('.', from);
        const std::string name = path.substr(from, dot == std::string::npos ? dot : dot - from);
        PyObject* value = dict_get(dict.get(), stored_name(name, around));
        around = name;
        if (value == nullptr) return {};
        if (dot == std::string::npos) return Ref::borrow(value);
        if (!PyType_Check(value)) return {};
        dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(value)));
        from = dot + 1;
    }
}

// C code makes classes, too, that have the name of the module that imports them: functools.partial.
static bool is_of_class_statement(PyObject* type) {
    const bool on_heap = (reinterpret_cast<PyTypeObject*>(type)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    return on_heap && reinterpret_cast<PyHeapTypeObject*>(type)->_ht_tpname == nullptr;
}

Ref live_class(PyObject* module_dict, const std::string& path) {
    Ref value = live_value(module_dict, path);
    if (!value || !PyType_Check(value.get())) return {};
    if (!is_of_class_statement(value.get())) return {};
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(value.get())));
    PyObject* module = dict_get(dict.get(), "__module__");
    PyObject* name = dict_get(module_dict, "__name__");
    const Ref qualified = Ref::steal(PyType_GetQualName(reinterpret_cast<PyTypeObject*>(value.get())));
    const bool same_module = module != nullptr && name != nullptr && PyUnicode_Check(module) && PyUnicode_Check(name) &&
                             PyUnicode_Compare(module, name) == 0;
    return same_module && to_text(qualified.get()) == path ? value : Ref();
}

std::vector<Edit> compare_scopes(const ModulePlan& plan, const std::vector<Located>& olds,
                                 const std::vector<Located>& news, Force force) {
    return Comparison(plan, force).scope(olds, news, "");
}

}  // namespace rebottle
