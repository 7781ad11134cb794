// What a statement does to objects of others, as it happens.
#pragma once

#include <cstddef>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/python.hpp"
#include "stage/touch.hpp"

namespace rebottle {

// The touches of a statement. What is done again and again to one container becomes one touch. Of a large container
// that operations of any kind change, the content is read once before the first of them and once at the end; what other
// threads do to it meanwhile counts as the statement's. Cost: of each operation the size of a small container; nothing
// for a large one; of an operation that only appends, what it appends.
class TouchLog {
   public:
    void add(Touch touch) { touches_.push_back(std::move(touch)); }
    // Before an operation on a container: its content, or nothing where that isn't needed for what `changed` notes.
    Ref before(PyObject* container);
    // After it.
    void changed(const Ref& container, const Ref& before);
    // A list or deque was longer by what stands from `size` on.
    void grown(const Ref& sequence, Py_ssize_t size);

    // Touches so far; `mark` and `take_from` handle those of one statement.
    std::size_t mark();
    Touches take_from(std::size_t mark);

   private:
    ContentTouch* last_of(PyObject* container);
    void add_content(const Ref& container, Ref before, Ref after);
    void settle_large();

    Touches touches_;
    std::unordered_map<PyObject*, std::size_t> last_;  // container -> its touch since the mark
    std::map<PyObject*, std::pair<Ref, Ref>> large_;   // containers, and their content before
};

// How many items a list or deque has.
Py_ssize_t length_of(PyObject* sequence);

}  // namespace rebottle
