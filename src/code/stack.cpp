#include "code/stack.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace rebottle {
namespace {

constexpr int unit = 2;  // bytes of an instruction

// Numbers of the instructions that matter, from the interpreter's own table.
struct Opcodes {
    int extended_arg, store_attr, delete_attr, store_subscr, delete_subscr, binary_subscr, store_slice, binary_op,
        store_global, delete_global, store_deref, delete_deref;
    int cache = 0;
    int first_in_place = 13;  // NB_INPLACE_ADD
    std::vector<bool> jumps_forward, jumps_backward, ends;

    Opcodes() {
        const Ref module = import_module("opcode");
        const Ref map = attribute(module.get(), "opmap");
        const auto number = [&](const char* name) {
            PyObject* value = dict_get(map.get(), name);
            return value == nullptr ? -1 : static_cast<int>(PyLong_AsLong(value));
        };
        extended_arg = number("EXTENDED_ARG");
        store_attr = number("STORE_ATTR");
        delete_attr = number("DELETE_ATTR");
        store_subscr = number("STORE_SUBSCR");
        delete_subscr = number("DELETE_SUBSCR");
        binary_subscr = number("BINARY_SUBSCR");
        store_slice = number("STORE_SLICE");
        binary_op = number("BINARY_OP");
        store_global = number("STORE_GLOBAL");
        delete_global = number("DELETE_GLOBAL");
        store_deref = number("STORE_DEREF");
        delete_deref = number("DELETE_DEREF");
        jumps_forward.resize(256);
        jumps_backward.resize(256);
        ends.resize(256);
        const Ref jumps = attribute(module.get(), "hasjrel");
        for_items(map.get(), [&](PyObject* name, PyObject* value) {
            const auto code = static_cast<std::size_t>(PyLong_AsLong(value));
            if (code > 255 || check(PySequence_Contains(jumps.get(), value)) == 0) return;
            (view(name).find("BACKWARD") != std::string_view::npos ? jumps_backward : jumps_forward)[code] = true;
        });
        for (const char* name : {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD",
                                 "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "INTERPRETER_EXIT"})
            if (const int code = number(name); code >= 0 && code < 256) ends[static_cast<std::size_t>(code)] = true;
    }
};

const Opcodes& opcodes() {
    static const Opcodes table;
    return table;
}

int in_line_caches(const unsigned char* code, int offset, int size) {
    int count = 0;
    while (offset + unit * (count + 1) < size && code[offset + unit * (count + 1)] == opcodes().cache) ++count;
    return count;
}

// Follows the flow of one code object and notes the depth of the stack before each instruction.
class Depths {
   public:
    explicit Depths(PyCodeObject* code) : code_(code), bytes_(Ref::steal(PyCode_GetCode(code))) {
        size_ = static_cast<int>(PyBytes_GET_SIZE(bytes_.get()));
        instructions_ = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(bytes_.get()));
        depth_.assign(static_cast<std::size_t>(size_ / unit), unknown);
    }

    // False where two ways to an instruction disagree.
    bool follow() {
        reach(0, 0);
        read_handlers();
        while (!waiting_.empty()) {
            const int offset = waiting_.back();
            waiting_.pop_back();
            run_from(offset);
        }
        return sound_;
    }

    int at(int offset) const { return depth_[static_cast<std::size_t>(offset / unit)]; }

   private:
    static constexpr int unknown = -1;

    void reach(int offset, int depth) {
        if (offset < 0 || offset >= size_ || depth < 0 || depth > code_->co_stacksize) {
            sound_ = false;
            return;
        }
        int& known = depth_[static_cast<std::size_t>(offset / unit)];
        if (known == unknown) {
            known = depth;
            waiting_.push_back(offset);
        } else if (known != depth) {
            sound_ = false;
        }
    }

    void run_from(int offset) {
        const int depth = at(offset);
        int argument = 0;
        while (offset < size_ && instructions_[offset] == opcodes().extended_arg) {
            argument = (argument | instructions_[offset + 1]) << 8;
            offset += unit;
        }
        if (offset >= size_) return;
        const int opcode = instructions_[offset];
        argument |= instructions_[offset + 1];
        const int next = offset + unit * (1 + in_line_caches(instructions_, offset, size_));
        const auto index = static_cast<std::size_t>(opcode);
        if (opcodes().jumps_forward[index] || opcodes().jumps_backward[index]) {
            const int effect = PyCompile_OpcodeStackEffectWithJump(opcode, argument, 1);
            reach(opcodes().jumps_backward[index] ? next - unit * argument : next + unit * argument, depth + effect);
        }
        if (!opcodes().ends[index]) reach(next, depth + PyCompile_OpcodeStackEffectWithJump(opcode, argument, 0));
    }

    int read_number(const unsigned char*& at, const unsigned char* end) const {
        int value = 0;
        while (at < end) {
            const int byte = *at++;
            value = (value << 6) | (byte & 63);
            if ((byte & 64) == 0) break;
        }
        return value;
    }

    void read_handlers() {
        PyObject* table = code_->co_exceptiontable;
        const auto* at = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(table));
        const unsigned char* end = at + PyBytes_GET_SIZE(table);
        while (at < end) {
            read_number(at, end);  // start
            read_number(at, end);  // length
            const int target = read_number(at, end);
            const int depth_and_flag = read_number(at, end);
            reach(target * unit, (depth_and_flag >> 1) + (depth_and_flag & 1) + 1);
        }
    }

    PyCodeObject* code_;
    Ref bytes_;
    const unsigned char* instructions_ = nullptr;
    int size_ = 0;
    std::vector<int> depth_;
    std::vector<int> waiting_;
    bool sound_ = true;
};

bool store_kind(int opcode, int argument, StoreKind& kind) {
    const Opcodes& op = opcodes();
    if (opcode == op.store_attr)
        kind = StoreKind::attribute;
    else if (opcode == op.delete_attr)
        kind = StoreKind::delete_attribute;
    else if (opcode == op.store_subscr)
        kind = StoreKind::item;
    else if (opcode == op.delete_subscr)
        kind = StoreKind::delete_item;
    else if (opcode == op.binary_subscr)
        kind = StoreKind::read_item;
    else if (opcode == op.store_slice)
        kind = StoreKind::slice;
    else if (opcode == op.binary_op && argument >= op.first_in_place)
        kind = StoreKind::in_place;
    else if (opcode == op.store_global || opcode == op.delete_global)
        kind = StoreKind::global_name;
    else if (opcode == op.store_deref)
        kind = StoreKind::cell;
    else if (opcode == op.delete_deref)
        kind = StoreKind::delete_cell;
    else
        return false;
    return true;
}

}  // namespace

StoreSites store_sites(PyCodeObject* code) {
    const Ref bytes = Ref::steal(PyCode_GetCode(code));
    const int size = static_cast<int>(PyBytes_GET_SIZE(bytes.get()));
    const auto* instructions = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(bytes.get()));
    StoreSites sites;
    int argument = 0;
    for (int offset = 0; offset < size;) {
        const int opcode = instructions[offset];
        argument |= instructions[offset + 1];
        if (opcode == opcodes().extended_arg) {
            argument <<= 8;
            offset += unit;
            continue;
        }
        StoreKind kind{};
        if (store_kind(opcode, argument, kind)) sites.emplace(offset, StoreSite{kind, 0, argument});
        argument = 0;
        offset += unit * (1 + in_line_caches(instructions, offset, size));
    }
    if (sites.empty()) return sites;
    Depths depths(code);
    if (!depths.follow()) return {};
    for (auto site = sites.begin(); site != sites.end();) {
        site->second.depth = depths.at(site->first);
        site = site->second.depth < 0 ? sites.erase(site) : std::next(site);
    }
    return sites;
}

int stack_depth(PyCodeObject* code, int offset) {
    Depths depths(code);
    return depths.follow() ? depths.at(offset) : -1;
}

namespace {

// What instructions leave on the stack beside or instead of one result, by name.
int results(std::string_view name) {
    if (name.starts_with("STORE_") || name.starts_with("DELETE_")) return 0;
    if (name == "LOAD_ATTR" || name == "LOAD_SUPER_ATTR" || name == "FOR_ITER" || name == "SEND") return 2;
    return name == "WITH_EXCEPT_START" ? 5 : 1;
}

}  // namespace

int operands(PyCodeObject* code, int offset) {
    static PyObject* const names = attribute(import_module("opcode").get(), "opname").release();
    const Ref bytes = Ref::steal(PyCode_GetCode(code));
    const auto* instructions = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(bytes.get()));
    int argument = instructions[offset + 1];
    for (int at = offset - unit, shift = 8; at >= 0 && instructions[at] == opcodes().extended_arg; at -= unit) {
        argument |= instructions[at + 1] << shift;
        shift += 8;
    }
    const int opcode = instructions[offset];
    const int effect = PyCompile_OpcodeStackEffectWithJump(opcode, argument, 0);
    return std::max(1, results(view(PyList_GET_ITEM(names, opcode))) - effect);
}

}  // namespace rebottle
