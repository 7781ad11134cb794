#include "plan/instructions.hpp"

#include <algorithm>

namespace rebottle {
namespace {

constexpr const char* end = "end";

bool is_left_out(std::string_view name) {
    return name == "RESUME" || name == "NOP" || name == "PUSH_NULL" || name == "CACHE" || name == "EXTENDED_ARG" ||
           name == "SETUP_ANNOTATIONS" || name == "MAKE_CELL";
}

bool is_jump(std::string_view name) {
    return name.find("JUMP") != std::string_view::npos || name == "FOR_ITER" || name == "SEND";
}

std::string text_of(std::string_view name, PyObject* value) {
    std::string text(name);
    if (is_jump(name) || value == Py_None) return text;
    if (PyCode_Check(value)) return text + " code " + std::string(view(as_code(value)->co_name));
    return text + " " + Py_TYPE(value)->tp_name + " " + to_text(Ref::steal(PyObject_Repr(value)).get());
}

// What the compiler stores in a class body by itself: no statement says it, or only positions and the bodies of methods
// decide it.
bool is_implicit(std::string_view instruction) {
    constexpr std::string_view store = "STORE_NAME str '";
    if (!instruction.starts_with(store)) return false;
    const std::string_view name = instruction.substr(store.size(), instruction.size() - store.size() - 1);
    return name == "__firstlineno__" || name == "__static_attributes__" || name == "__module__" ||
           name == "__qualname__" || name == "__classcell__" || name == "__classdictcell__";
}

}  // namespace

Instructions::Instructions(PyCodeObject* code) {
    static PyObject* const decode = attribute(import_module("dis").get(), "get_instructions").release();
    const Ref list = Ref::steal(PySequence_List(call(decode, {as_object(code)}).get()));
    for_sequence(list.get(), [&](PyObject* instruction) {
        const std::string name = attribute_text(instruction, "opname");
        if (is_left_out(name)) return;
        const Ref value = attribute(instruction, "argval");
        if (name == "RETURN_CONST" || name == "RETURN_VALUE") {
            if (name == "RETURN_VALUE" && !all_.empty()) {
                all_.pop_back();
                constants_.pop_back();
            }
            all_.emplace_back(end);
        } else {
            all_.push_back(text_of(name, value.get()));
        }
        constants_.push_back(name == "LOAD_CONST" ? value : Ref());
        if (name == "STORE_NAME" || name == "STORE_GLOBAL") stored_.insert(to_text(value.get()));
        if (is_implicit(all_.back())) {
            all_.resize(all_.size() - 2);
            constants_.resize(all_.size());
        }
    });
    taken_.resize(all_.size(), false);
}

bool Instructions::take_part(std::size_t first, std::size_t last, const Instructions& statement) {
    const auto size = static_cast<std::ptrdiff_t>(last - first);
    const auto begin = statement.all_.begin() + static_cast<std::ptrdiff_t>(first);
    for (auto at = all_.begin(); all_.end() - at >= size; ++at) {
        at = std::search(at, all_.end(), begin, begin + size);
        if (at == all_.end()) return false;
        const auto place = taken_.begin() + (at - all_.begin());
        if (std::find(place, place + size, true) != place + size) continue;
        std::fill(place, place + size, true);
        return true;
    }
    return false;
}

bool Instructions::take(const Instructions& statement) {
    const std::vector<bool> before = taken_;
    std::size_t first = 0;
    for (std::size_t i = 0; i <= statement.all_.size(); ++i) {
        if (i < statement.all_.size() && statement.all_[i] != end) continue;
        if (i > first && !take_part(first, i, statement)) {
            taken_ = before;
            return false;
        }
        first = i + 1;
    }
    return true;
}

Ref Instructions::take_constant(const std::string& name) {
    const std::string store = text_of("STORE_NAME", to_str(name).get());
    for (std::size_t i = 1; i < all_.size(); ++i)
        if (all_[i] == store && !taken_[i] && constants_[i - 1]) {
            taken_[i - 1] = taken_[i] = true;
            return constants_[i - 1];
        }
    return {};
}

}  // namespace rebottle
