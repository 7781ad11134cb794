#include "stage/hotfix.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "code/code.hpp"
#include "code/index.hpp"
#include "source/modules.hpp"
#include "stage/followers.hpp"
#include "stage/nursery.hpp"
#include "stage/recorder.hpp"

namespace rebottle {
namespace {

std::string file_name(const std::string& name) {
    static int count = 0;
    ++count;
    if (name.empty()) return "<hotfix " + std::to_string(count) + ">";
    return name.find('/') != std::string::npos ? name : "<hotfix " + name + ">";
}

// Forgets the text of snippets of long ago of which no function is left.
void forget_lines(PyObject* cache, std::vector<std::string>& files) {
    constexpr std::size_t kept = 32;
    if (files.size() <= kept) return;
    std::erase_if(files, [&](const std::string& file) {
        if (!CodeIndex::instance().codes_in(file).empty()) return false;
        const Ref key = to_str(file);
        if (dict_get(cache, key.get()) != nullptr) check(PyDict_DelItem(cache, key.get()));
        return true;
    });
}

// Tracebacks and inspect show the text.
void remember_lines(const std::string& file, const std::string& text) {
    static std::vector<std::string> files;
    const Ref cache = attribute(import_module("linecache").get(), "cache");
    forget_lines(cache.get(), files);
    files.push_back(file);
    const Ref lines = call_method(to_str(text).get(), "splitlines", {Py_True});
    const Ref size = to_int(static_cast<long>(text.size()));
    dict_set(cache.get(), file,
             Ref::steal(PyTuple_Pack(4, size.get(), Py_None, lines.get(), to_str(file).get())).get());
}

Ref compile_snippet(const std::string& text, const std::string& file) {
    try {
        if (text.find('\0') != std::string::npos) raise(PyExc_SyntaxError, "source code cannot contain null bytes");
        return compile(to_str(text).get(), file, 0);
    } catch (const PythonError& error) {
        if (error.is(PyExc_KeyboardInterrupt)) throw;
        throw SourceError("hotfix", file, "it doesn't compile", error);
    }
}

// The module to which a class belongs, by name, and the class's path in it.
std::string module_of(PyObject* owner, std::string& path) {
    if (PyModule_Check(owner)) {
        path.clear();
        PyObject* name = dict_get(PyModule_GetDict(owner), "__name__");
        return name != nullptr && PyUnicode_Check(name) ? to_text(name) : "";
    }
    const Ref dict = Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(owner)));
    PyObject* module = dict_get(dict.get(), "__module__");
    path = to_text(Ref::steal(PyType_GetQualName(reinterpret_cast<PyTypeObject*>(owner))).get());
    return module != nullptr && PyUnicode_Check(module) ? to_text(module) : "";
}

// Names of modules and classes that the snippet set, each once, with the value that they had before.
std::vector<Binding> rebound(const Touches& touches, Snippet& snippet) {
    std::vector<Binding> bindings;
    std::set<std::pair<PyObject*, std::string>> seen;
    const auto add = [&](const Ref& owner, const Ref& name, const Ref& before) {
        if (!PyType_Check(owner.get()) && !PyModule_Check(owner.get())) return;
        if (!PyUnicode_Check(name.get()) || !seen.emplace(owner.get(), to_text(name.get())).second) return;
        std::string path;
        Binding binding;
        binding.module = module_of(owner.get(), path);
        binding.where = path.empty() ? to_text(name.get()) : path + "." + to_text(name.get());
        binding.owner = owner;
        binding.name = name;
        binding.before = before;
        binding.after = own_attribute(owner.get(), name.get());
        binding.kind = "hotfix";
        binding.decorators_changed = true;
        if (binding.before.get() == binding.after.get()) return;
        if (std::find(snippet.modules.begin(), snippet.modules.end(), binding.module) == snippet.modules.end())
            snippet.modules.push_back(binding.module);
        bindings.push_back(std::move(binding));
    };
    std::map<PyObject*, Ref> modules;  // by dict: a snippet may write to vars(module)
    for_items(PyImport_GetModuleDict(), [&](PyObject*, PyObject* module) {
        if (PyModule_Check(module)) modules.emplace(PyModule_GetDict(module), Ref::borrow(module));
    });
    for (const Touch& touch : touches) {
        if (const auto* attribute_touch = std::get_if<AttributeTouch>(&touch)) {
            add(attribute_touch->owner, attribute_touch->name, attribute_touch->before);
        } else if (const auto* item = std::get_if<ItemTouch>(&touch)) {
            if (const auto module = modules.find(item->owner.get()); module != modules.end())
                add(module->second, item->key, item->before);
        }
    }
    return bindings;
}

}  // namespace

void run_snippet(const std::string& text, const std::string& name, Snippet& snippet) {
    const std::string file = file_name(name);
    const Ref code = compile_snippet(text, file);
    remember_lines(file, text);
    snippet.names = new_dict();
    dict_set(snippet.names.get(), "__name__", to_str(name.empty() ? "hotfix" : name).get());
    dict_set(snippet.names.get(), "__file__", to_str(file).get());
    dict_set(snippet.names.get(), "__builtins__", import_module("builtins").get());
    const Nursery nursery;
    Recorder recorder;
    recorder.ignore(snippet.names.get());
    Recording recording;
    try {
        run_code(code.get(), snippet.names.get(), snippet.names.get());
    } catch (const PythonError& error) {
        throw ExecutionError{"hotfix", name, file, 0, error};
    }
    snippet.outcome.touches = recorder.take();
    snippet.outcome.created = Created(recording.stop());
    snippet.outcome.born = nursery.born(snippet.outcome.touches);
    snippet.young = nursery.objects();
    snippet.outcome.bindings = rebound(snippet.outcome.touches, snippet);
    add_takers(snippet.outcome);
}

}  // namespace rebottle
