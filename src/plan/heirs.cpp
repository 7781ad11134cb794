#include "plan/heirs.hpp"

#include <algorithm>

#include "code/tree.hpp"
#include "plan/reconstruct.hpp"

namespace rebottle {
namespace {

// What class creation leaves in a class that it gave fields, and whether methods are fields, too.
struct Mark {
    const char* name;
    bool methods;
};
constexpr Mark marks[] = {
    {"__dataclass_fields__", false}, {"__attrs_attrs__", false}, {"__total__", false}, {"__protocol_attrs__", true}};

bool has_own(PyObject* type, const char* name) {
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type)));
    return dict_get(dict.get(), name) != nullptr;
}

bool changes_fields(const Edit& edit, const Mark& mark) {
    if (edit.old.kind != Statement::Kind::class_) return false;
    for (const char* field : {"bases", "keywords", "decorator_list"})
        if (!same_field(edit.old.node.get(), edit.now.node.get(), field)) return true;
    return std::any_of(edit.members.begin(), edit.members.end(), [&](const Edit& member) {
        if (member.kind == Edit::Kind::lines || member.kind == Edit::Kind::body) return false;
        return mark.methods || member.old.kind == Statement::Kind::assignment ||
               member.now.kind == Statement::Kind::assignment;
    });
}

// Typed dicts aren't derived from each other: they only remember what they were made from.
bool was_made_from(PyObject* type, PyObject* base) {
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type)));
    PyObject* bases = dict_get(dict.get(), "__orig_bases__");
    bool found = false;
    if (bases != nullptr && PyTuple_Check(bases))
        for_sequence(bases, [&](PyObject* each) {
            const Ref origin = attribute_or_null(each, "__origin__");
            found = found || each == base || origin.get() == base;
        });
    return found;
}

std::vector<Ref> derived_from(PyObject* base, const Mark& mark) {
    static PyObject* const method = attribute(reinterpret_cast<PyObject*>(&PyType_Type), "__subclasses__").release();
    const bool typed_dict = std::string_view(mark.name) == "__total__";
    const Ref all = call(method, {typed_dict ? reinterpret_cast<PyObject*>(&PyDict_Type) : base});
    std::vector<Ref> found;
    for_sequence(all.get(), [&](PyObject* each) {
        if (!typed_dict || was_made_from(each, base)) found.push_back(Ref::borrow(each));
    });
    return found;
}

class Heirs {
   public:
    explicit Heirs(Plan& plan) : plan_(plan) {}

    void run() {
        for (std::size_t i = 0; i < plan_.modules.size(); ++i)
            look_for_changed(plan_.modules[i], plan_.modules[i].edits);
        for (const auto& [type, mark] : changed_) add_derived(type.get(), *mark);
    }

   private:
    // Classes between the changed one and an heir are made again as well: the heir looks for fields in all its bases.
    bool add_derived(PyObject* type, const Mark& mark) {
        bool any = false;
        for (const Ref& each : derived_from(type, mark)) {
            const bool has_heirs = add_derived(each.get(), mark);
            if (!has_heirs && !has_own(each.get(), mark.name)) continue;
            add(each.get());
            any = true;
        }
        return any;
    }

    void look_for_changed(const ModulePlan& module, const std::vector<Edit>& edits) {
        for (const Edit& edit : edits) {
            if (edit.kind == Edit::Kind::members) look_for_changed(module, edit.members);
            if (edit.kind != Edit::Kind::aside) continue;
            const Ref live = live_class(namespace_of(module.module.get()), edit.where);
            for (const Mark& mark : marks)
                if (live && has_own(live.get(), mark.name) && changes_fields(edit, mark))
                    changed_.emplace_back(live, &mark);
        }
    }

    void add(PyObject* heir) {
        const Ref module = attribute_or_null(heir, "__module__");
        const Ref name = Ref::steal(PyType_GetQualName(reinterpret_cast<PyTypeObject*>(heir)));
        if (!module || !PyUnicode_Check(module.get())) return;
        const std::string where = to_text(name.get());
        ModulePlan* plan = plan_of(to_text(module.get()));
        if (plan == nullptr || live_class(namespace_of(plan->module.get()), where).get() != heir) return;
        const bool edited = std::any_of(plan->edits.begin(), plan->edits.end(), [&](const Edit& each) {
            return each.where == where && each.kind != Edit::Kind::lines;
        });
        if (edited) return;
        const Ref self = Ref::borrow(heir);
        const std::vector<Located> olds = class_statements(plan->record->version, where);
        const std::vector<Located> news = class_statements(plan->now, where);
        if (olds.size() != 1 || news.size() != 1) return;
        for (Edit& edit : compare_scopes(*plan, olds, news, Force::classes)) insert(plan->edits, std::move(edit));
    }

    static void insert(std::vector<Edit>& edits, Edit added) {
        std::erase_if(edits, [&](const Edit& each) { return each.where == added.where; });
        const auto after = std::find_if(edits.begin(), edits.end(),
                                        [&](const Edit& each) { return !each.now || each.line() > added.line(); });
        edits.insert(after, std::move(added));
    }

    // The plan of a module, which joins the update where it isn't part of it.
    ModulePlan* plan_of(const std::string& name) {
        for (ModulePlan& each : plan_.modules)
            if (each.name == name) return &each;
        if (!loaded_module(name)) return nullptr;
        ModuleRecord& record = Modules::instance().record(name);
        if (!record.user || !record.version.has_statements()) return nullptr;
        plan_.modules.push_back(compare(record, record.version, Request()));
        return &plan_.modules.back();
    }

    Plan& plan_;
    std::vector<std::pair<Ref, const Mark*>> changed_;
};

}  // namespace

void add_heirs(Plan& plan) { Heirs(plan).run(); }

}  // namespace rebottle
