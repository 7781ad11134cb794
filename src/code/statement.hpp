// Statements of a module or a class body, as an update sees them: what kind, what they bind, where they stand.
#pragma once

#include <string>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

struct Statement {
    enum class Kind {
        function,
        class_,
        assignment,  // also annotated and augmented ones
        import_,
        type_alias,
        docstring,
        constant,  // an expression statement without effect
        guard,     // if __name__ == "__main__"
        block,     // anything else
    };

    Kind kind = Kind::block;
    Ref node;
    std::string name;                // of a function, class or type alias
    std::vector<std::string> binds;  // in a class as they are stored
    int line = 0;                    // 1-based first line in the file, decorators included
    int offset = 0;                  // what to add to the lines of the node to get those of the file

    explicit operator bool() const { return static_cast<bool>(node); }
    bool is_definition() const { return kind == Kind::function || kind == Kind::class_; }
    bool binds_name(const std::string& which) const;
    // Whether it is `name = lambda …`: the function of that name.
    bool binds_lambda() const;
    // The name of a definition, also of such a lambda; empty for others.
    std::string defined_name() const;
    // Whether running it binds its names, whatever else it does; definitions that decorators add to a former one of
    // their name (setters, overloads) don't.
    bool binds_anew() const;
    // Whether running it once more does nothing but bind its names.
    bool only_binds() const;
};

// The statements of a list of nodes. `first` tells whether the first of them begins its module, class or function.
std::vector<Statement> statements_of(PyObject* nodes, int offset, bool first);

// Those of a class body.
std::vector<Statement> members_of(PyObject* class_node, int offset);
std::vector<Statement> members_of(const Statement& class_statement);

// A statement of the former version and what became of it; one of the two may be missing.
struct StatementPair {
    Statement old;
    Statement now;
    bool same = false;  // both compile alike
};

// Pairs the statements of two versions of one scope: equal ones, definitions of one name, assignments to the same
// names. Returned in the order of the new version; what is gone comes last. `context` is where compiling them takes
// place.
std::vector<StatementPair> pair_statements(std::vector<Statement> olds, std::vector<Statement> news, int flags);

// Whether two statements are the same but for the bodies of functions in them.
bool same_statement_shell(const Statement& a, const Statement& b, int flags);

// How two versions of one function differ outside of its body.
struct FunctionShell {
    bool parameters = false;
    bool defaults = false;
    bool annotations = false;
    bool decorators = false;
    bool type_parameters = false;
    bool docstring = false;
    bool decorated = false;  // either version

    // Whether the new definition has to be evaluated, not just compiled.
    bool evaluate() const {
        return defaults || annotations || decorators || type_parameters || (decorated && (parameters || docstring));
    }
};
FunctionShell compare_shells(PyObject* old, PyObject* now);

bool has_annotations(PyObject* function);
// The nodes of a function's default values, by parameter name.
std::vector<std::pair<std::string, Ref>> default_nodes(PyObject* function);

}  // namespace rebottle
