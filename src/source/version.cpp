#include "source/version.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace rebottle {
namespace {

constexpr int no_file = -1;  // among the errnos

[[noreturn]] void raise_os_error(int error, const std::string& path) {
    const Ref name = to_str(path);
    if (error == no_file) {
        const Ref arguments =
            Ref::steal(Py_BuildValue("(isO)", EINVAL, "It's a pipe or a device, not a file", name.get()));
        PyErr_SetObject(PyExc_OSError, arguments.get());
    } else {
        errno = error;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, name.get());
    }
    throw PythonError();
}

// Opening a pipe doesn't wait for its writer.
struct File {
    explicit File(const std::string& path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~File() {
        if (descriptor >= 0) ::close(descriptor);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int descriptor;
};

// Reads to the end; returns an errno. What needn't have an end isn't read.
int read_all(int descriptor, std::string& content) {
    struct stat info {};
    if (::fstat(descriptor, &info) != 0) return errno;
    if (S_ISDIR(info.st_mode)) return EISDIR;
    if (!S_ISREG(info.st_mode)) return no_file;
    content.resize(static_cast<std::size_t>(info.st_size) + 1);
    std::size_t size = 0;
    for (;;) {
        if (size == content.size()) content.resize(content.size() * 2);
        const ssize_t got = ::read(descriptor, content.data() + size, content.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    content.resize(size);
    return 0;
}

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_utf8_without_cookie(const std::string& bytes) {
    if (bytes.starts_with(byte_order_mark)) return false;
    std::size_t line_end = bytes.find('\n');
    if (line_end != std::string::npos) line_end = bytes.find('\n', line_end + 1);
    const std::string_view head(bytes.data(), std::min(line_end, bytes.size()));
    return head.find("coding") == std::string_view::npos;
}

std::string with_plain_line_ends(std::string text) {
    if (text.find('\r') == std::string::npos) return text;
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r') {
            out += text[i];
        } else if (i + 1 >= text.size() || text[i + 1] != '\n') {
            out += '\n';
        }
    }
    return out;
}

Ref compiled(PyObject* source, const std::string& file, int flags) {
    static PyObject* const compile = attribute(import_module("builtins").get(), "compile").release();
    const Ref path = to_str(file);
    const Ref number = to_int(flags);
    return call(compile, {source, path.get(), interned("exec").get(), number.get(), Py_True});
}

// Whether compiling text or a tree gives just this code.
bool gives(PyObject* source, const Version& version) {
    try {
        const Ref code =
            compiled(source, version.path, future_flags(version));  // the loader's own module may lend some
        return check(PyObject_RichCompareBool(code.get(), version.code.get(), Py_EQ)) == 1;
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return false;
    }
}

// The text among what may have been compiled: str reaches the compiler as UTF-8, bytes as they are.
std::vector<std::string> readings(PyObject* bytes) {
    const std::string content(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes)));
    std::vector<std::string> texts{with_plain_line_ends(content)};
    try {
        texts.push_back(decode(content));
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return texts;  // it wasn't bytes then
    }
    return texts;
}

// Finds out what the caught source says: its statements are known where it gives the code that was run.
void settle(Version& version) {
    const Ref source = std::exchange(version.source, {});
    version.form = Version::Form::code;
    if (!PyBytes_Check(source.get())) {
        if (!gives(source.get(), version)) return;
        version.tree = source;
        version.form = Version::Form::tree;
        return;
    }
    for (std::string& text : readings(source.get())) {
        const Ref whole =
            Ref::steal_or_null(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "strict"));
        if (!whole) dismiss();
        if (!whole || !gives(whole.get(), version)) continue;
        version.text = std::move(text);
        version.split = split(version.text);
        version.form = Version::Form::text;
        return;
    }
}

// Whether a statement may stand before a future line: another one, or the docstring.
bool is_of_the_head(std::string_view statement) {
    const std::size_t first = statement.find_first_not_of("rRuUbBfF");
    return statement.find("__future__") != std::string_view::npos ||
           (first != std::string_view::npos && (statement[first] == '"' || statement[first] == '\''));
}

// The other features are the language by now: the compiler notes nothing of them.
constexpr int future = CO_FUTURE_BARRY_AS_BDFL | CO_FUTURE_ANNOTATIONS;

// The features that a statement of the head asks for; none where it doesn't compile.
int features_of(std::string_view statement, const std::string& path) {
    if (statement.find("__future__") == std::string_view::npos) return 0;
    try {
        return compiled(to_str(statement).get(), path, 0).as<PyCodeObject>()->co_flags & future;
    } catch (const PythonError& error) {
        if (!error.is_answer()) throw;
        return 0;
    }
}

int line_of(const PythonError& error) {
    if (!error.is(PyExc_SyntaxError)) return 0;
    const Ref line = attribute_or_null(error.value(), "lineno");
    int overflow = 0;
    return line && PyLong_Check(line.get()) ? static_cast<int>(PyLong_AsLongAndOverflow(line.get(), &overflow)) : 0;
}

std::string text_of(const PythonError& error) {
    const Ref message = error.is(PyExc_SyntaxError) ? attribute_or_null(error.value(), "msg") : Ref();
    if (!message || !PyUnicode_Check(message.get())) return describe(error.value());
    return std::string(Py_TYPE(error.value())->tp_name) + ": " + to_text(message.get());
}

}  // namespace

SourceError::SourceError(std::string module_name, std::string file_name, const std::string& what,
                         const PythonError& error)
    : SourceError(std::move(module_name), std::move(file_name), line_of(error), what + ": " + text_of(error),
                  Ref::borrow(error.value())) {}

Stamp stamp_of(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return {};
    return {static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_size,
            info.st_ino};
}

std::string read_file(const std::string& path) {
    if (path.find('\0') != std::string::npos) raise(PyExc_ValueError, "a path has no null characters");
    std::string content;
    int error = 0;
    {
        const File file(path);
        error = file.descriptor < 0 ? errno : read_all(file.descriptor, content);
    }
    if (error != 0) raise_os_error(error, path);
    return content;
}

std::string plain_text(std::string text) {
    if (text.find('\0') != std::string::npos) raise(PyExc_SyntaxError, "source code cannot contain null bytes");
    const Ref checked = Ref::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "strict"));
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    return with_plain_line_ends(std::move(text));
}

std::string decode(std::string bytes) {
    if (is_utf8_without_cookie(bytes) || bytes.find('\0') != std::string::npos) return plain_text(std::move(bytes));
    static PyObject* const decode_source = attribute(import_module("importlib.util").get(), "decode_source").release();
    const Ref raw = Ref::steal(PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
    const Ref text = call(decode_source, {raw.get()});
    return with_plain_line_ends(std::string(view(text.get())));
}

void Version::prepare() {
    if (!raw.empty()) {
        form = Form::unknown;
        text = decode(std::exchange(raw, {}));
        split = rebottle::split(text);
        form = Form::text;
    } else if (source) {
        settle(*this);
    }
}

int future_flags(const Version& version) {
    if (version.code) return version.code.as<PyCodeObject>()->co_flags & future;
    int flags = 0;
    for (const Chunk& chunk : version.split.chunks) {
        const std::string_view statement = chunk.in(version.text);
        if (!is_of_the_head(statement)) break;
        flags |= features_of(statement, version.path);
    }
    return flags;
}

}  // namespace rebottle
