#include "engine/failure.hpp"

namespace rebottle {
namespace {

std::string place_of(const std::string& file, int line) {
    if (file.empty()) return "";
    return " (" + file + (line > 0 ? ", line " + std::to_string(line) : "") + ")";
}

struct Raised {
    int line = 0;        // of the deepest frame of the traceback that lies in the file; 0 where none does
    std::string deeper;  // where in another file it was raised in the end; "" where it wasn't
};

Raised raised_in(PyObject* exception, const std::string& file) {
    Raised raised;
    Ref traceback = Ref::steal_or_null(PyException_GetTraceback(exception));
    while (traceback && traceback.get() != Py_None) {
        const Ref frame = attribute(traceback.get(), "tb_frame");
        const Ref code = attribute(frame.get(), "f_code");
        const std::string name = attribute_text(code.get(), "co_filename");
        const int line = static_cast<int>(attribute_long(traceback.get(), "tb_lineno"));
        if (name == file) {
            raised.line = line;
            raised.deeper.clear();
        } else if (!name.starts_with('<')) {
            raised.deeper = name + ", line " + std::to_string(line);
        }
        traceback = attribute(traceback.get(), "tb_next");
    }
    return raised;
}

}  // namespace

void refuse(std::vector<Refusal> refusals, Report report) {
    std::string message;
    for (const Refusal& r : refusals)
        message += (message.empty() ? "" : "\n") + std::string("[") + r.rule + "] " + r.where +
                   (r.where.empty() ? "" : ": ") + r.why + "; " + r.what_to_do +
                   (r.file.empty() ? "" : " (" + r.file + (r.line > 0 ? ", line " + std::to_string(r.line) : "") + ")");
    report.ok = false;
    report.refusals = std::move(refusals);
    throw UpdateFailure{"RefusedError", message, report, {}};
}

void fail(const SourceError& error, Report report) {
    report.ok = false;
    std::string message = error.module + ": " + error.what() + place_of(error.file, error.line);
    throw UpdateFailure{"SourceError", message + "; nothing was changed, mend the source and try again", report,
                        error.cause};
}

void fail(const UnknownModule& error, Report report) {
    report.ok = false;
    const std::string message = "module '" + error.name + "' was never imported; import it first, or name another one";
    throw UpdateFailure{"UnknownModuleError", message, std::move(report), {}};
}

void fail(const PythonError& error) {
    if (error.is(PyExc_KeyboardInterrupt)) throw error;
    Report report;
    report.ok = false;
    throw UpdateFailure{"UpdateError", "the update failed with " + describe(error.value()) + "; nothing was changed",
                        std::move(report), Ref::borrow(error.value())};
}

void fail(const ExecutionError& error, Report report) {
    if (error.cause.is(PyExc_KeyboardInterrupt)) throw error.cause;
    report.ok = false;
    const Raised raised = raised_in(error.cause.value(), error.file);
    const int line = raised.line == 0 ? error.line : raised.line;
    const std::string where = error.module + (error.where.empty() ? "" : "." + error.where);
    const std::string message = where + " raised " + describe(error.cause.value()) + place_of(error.file, line) +
                                (raised.deeper.empty() ? "" : ", from " + raised.deeper) +
                                "; nothing was changed, mend the source and try again";
    throw UpdateFailure{"ExecutionError", message, report, Ref::borrow(error.cause.value())};
}

}  // namespace rebottle
