// functools.lru_cache wrappers, whose layout is alike in all versions served.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "compat/compat.hpp"

namespace rebottle::compat {
namespace {

struct Link {
    PyObject_HEAD Link* prev;
    Link* next;
    Py_hash_t hash;
    PyObject* key;
    PyObject* result;
};

struct Cache {
    Link root;
    void* wrapper;
    int typed;
    PyObject* cache;
    Py_ssize_t hits;
    PyObject* func;
    Py_ssize_t maxsize;  // -1: none
    Py_ssize_t misses;
    PyObject* kwd_mark;
    PyTypeObject* link_type;
    PyObject* info_type;
    PyObject* dict;
    PyObject* weak_references;
};

Cache* as_cache(PyObject* wrapper) { return reinterpret_cast<Cache*>(wrapper); }

Ref make(PyObject* like, Py_ssize_t size, bool typed) {
    const Ref maxsize = size < 0 ? Ref::borrow(Py_None) : Ref::steal(PyLong_FromSsize_t(size));
    auto* placeholder = reinterpret_cast<PyObject*>(&PyType_Type);
    return call(reinterpret_cast<PyObject*>(Py_TYPE(like)),
                {placeholder, maxsize.get(), typed ? Py_True : Py_False, as_cache(like)->info_type});
}

// The links of a ring point to its root, which has another address now.
void close_ring(Link& root, const Link& former) {
    if (root.next == &former) {
        root.prev = root.next = &root;
    } else {
        root.next->prev = root.prev->next = &root;
    }
}

}  // namespace

bool is_cache(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    return std::string_view(type->tp_name) == "functools._lru_cache_wrapper" && type->tp_basicsize == sizeof(Cache) &&
           type->tp_dictoffset == offsetof(Cache, dict) && type->tp_weaklistoffset == offsetof(Cache, weak_references);
}

PyObject** cached_function(PyObject* wrapper) { return &as_cache(wrapper)->func; }

Ref empty_cache(PyObject* like) { return make(like, as_cache(like)->maxsize, as_cache(like)->typed != 0); }

Ref no_cache(PyObject* like) { return make(like, 0, false); }

void swap_caches(PyObject* a, PyObject* b) {
    Cache& x = *as_cache(a);
    Cache& y = *as_cache(b);
    std::swap(x.root.prev, y.root.prev);
    std::swap(x.root.next, y.root.next);
    std::swap(x.wrapper, y.wrapper);
    std::swap(x.typed, y.typed);
    std::swap(x.cache, y.cache);
    std::swap(x.hits, y.hits);
    std::swap(x.maxsize, y.maxsize);
    std::swap(x.misses, y.misses);
    close_ring(x.root, y.root);
    close_ring(y.root, x.root);
}

}  // namespace rebottle::compat
