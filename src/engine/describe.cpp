#include "engine/describe.hpp"

#include <algorithm>

#include "code/tree.hpp"
#include "stage/policy.hpp"

namespace rebottle {
namespace {

using Kind = Edit::Kind;

std::string kind_of_new(const Edit& edit) {
    switch (edit.now.kind) {
        case Statement::Kind::function:
            return "function-added";
        case Statement::Kind::class_:
            return "class-added";
        case Statement::Kind::assignment:
            return "data-added";
        case Statement::Kind::import_:
            return "import";
        default:
            return "statement";
    }
}

std::string kind_of(const Edit& edit) {
    switch (edit.kind) {
        case Kind::body:
            return "function-code";
        case Kind::function:
            return "function-signature";
        case Kind::aside:
            return same_field(edit.old.node.get(), edit.now.node.get(), "bases") ? "class-changed" : "class-bases";
        case Kind::data:
            return "data";
        case Kind::gone:
            return "gone";
        default:
            return kind_of_new(edit);
    }
}

class Description {
   public:
    Description(const ModulePlan& module, const Request& request, Report& report)
        : module_(module), request_(request), report_(report), dict_(namespace_of(module.module.get())) {}

    void edits(const std::vector<Edit>& all, const Marks& marks) {
        for (const Edit& edit : all) {
            if (edit.kind == Kind::members) {
                Marks inner = marks_of(edit.members, new_dict().get());
                inner.all = inner.all || marks.all;
                edits(edit.members, inner);
            } else if (edit.kind == Kind::data && stays(edit, marks)) {
                report_.kept.push_back({place(edit), "the policy keeps edited data", module_.now.path, edit.line()});
            } else if (edit.kind != Kind::lines) {
                change(edit);
            }
        }
    }

    PyObject* dict() const { return dict_; }

   private:
    std::string place(const Edit& edit) const { return module_.name + (edit.where.empty() ? "" : "." + edit.where); }

    void change(const Edit& edit) {
        report_.changes.push_back({kind_of(edit), place(edit), module_.now.path, edit.line()});
        if (edit.kind == Kind::run || edit.kind == Kind::aside || edit.kind == Kind::function)
            report_.unknown.push_back(place(edit) + ": it has to be run");
    }

    bool stays(const Edit& edit, const Marks& marks) const {
        if (policy_for(request_, module_.name, edit.where) != Policy::keep) return false;
        const std::string prefix =
            edit.where.substr(0, edit.where.rfind('.') == std::string::npos ? 0 : edit.where.rfind('.') + 1);
        return std::all_of(edit.now.binds.begin(), edit.now.binds.end(), [&](const std::string& name) {
            const Ref live = live_value(dict_, prefix + name);
            return live && is_data(live.get()) && !always_follows(name) && !marks.names_data(name);
        });
    }

    const ModulePlan& module_;
    const Request& request_;
    Report& report_;
    PyObject* dict_;
};

}  // namespace

void describe(const Plan& plan, const Request& request, Report& report) {
    for (const ModulePlan& module : plan.modules) {
        Description description(module, request, report);
        description.edits(module.edits, marks_of(module.edits, description.dict()));
    }
    report.ok = report.refusals.empty();
}

}  // namespace rebottle
