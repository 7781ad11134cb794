// One version of a module's source: its text, or the code that its loader makes of it, and where it came from.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/python.hpp"
#include "source/split.hpp"

namespace rebottle {

// What the file system says of a file; enough to tell that it wasn't written since.
struct Stamp {
    std::int64_t modified = 0;  // nanoseconds since the epoch
    std::int64_t size = -1;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
    bool exists() const { return size >= 0; }
};
Stamp stamp_of(const std::string& path);

// Text that is gone, or cannot be read, decoded or compiled. `cause` holds the Python exception, or nothing.
struct SourceError : std::runtime_error {
    SourceError(std::string module_name, std::string file_name, int at_line, const std::string& message, Ref why = {})
        : std::runtime_error(message),
          module(std::move(module_name)),
          file(std::move(file_name)),
          line(at_line),
          cause(std::move(why)) {}
    // What a finder, a loader, a decoder or the compiler raised; of a SyntaxError the line and the bare message.
    SourceError(std::string module_name, std::string file_name, const std::string& what, const PythonError& error);
    std::string module;
    std::string file;
    int line;
    Ref cause;
};

// A module that is compiled into the interpreter or an extension: there is no Python source.
struct CompiledModule {
    std::string path;
};

// A name that was never imported.
struct UnknownModule {
    std::string name;
};

struct ImportedNames;  // see plan/importers.hpp

struct Version {
    enum class Form {
        unknown,  // nobody recorded it: the live code is all there is
        text,     // text, compiled as the language says
        tree,     // the syntax tree that the loader made of its text
        code,     // only code, from bytecode or from a loader that makes it by itself
    };

    Form form = Form::unknown;
    std::string path;  // co_filename of its code
    std::string raw;   // bytes read at import, until `prepare` decodes them
    std::string text;  // UTF-8, lines ended by \n
    Split split;
    Ref source;  // what a loader compiled: bytes or an ast.Module, until `prepare` compares it with `code`
    Ref tree;    // ast.Module, where the form is `tree`
    Ref code;    // of the whole module, where a loader made it
    Ref spec;    // what the import system answered, or nothing
    Stamp stamp;
    std::shared_ptr<const ImportedNames> imported;  // once somebody asked
    bool handed = false;                            // its text was handed over, no loader has it

    // Decodes and splits what was only read so far. Errors: those of `decode`; the form is unknown then.
    void prepare();
    // Whether its statements are known.
    bool has_statements() const { return form == Form::text || form == Form::tree; }
};

// The whole content of a file. Errors: OSError as PythonError. Threads: keeps the GIL.
std::string read_file(const std::string& path);

// Bytes of a source as UTF-8 with \n line ends: BOM, coding cookie, CRLF. Errors: SyntaxError, UnicodeError as
// PythonError.
std::string decode(std::string bytes);
// The same for text that somebody has decoded already: its cookie says nothing.
std::string plain_text(std::string text);

// Flags of the `from __future__` lines that a version is compiled with.
int future_flags(const Version& version);

}  // namespace rebottle
