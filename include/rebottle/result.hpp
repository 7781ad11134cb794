// A value or the reason why there is none; errors of the C++ interface are values.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "rebottle/report.hpp"

namespace rebottle {

// Why nothing was applied. The program is as it was.
struct Error {
    std::string
        type;  // "SourceError", "ExecutionError", "RefusedError", "VerificationError", "UnknownModuleError", ...
    std::string message;
    std::vector<Refusal> refusals;
};

template <class T>
class Result {
   public:
    Result(T value) : held_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
    Result(Error error) : held_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool has_value() const { return held_.index() == 0; }
    explicit operator bool() const { return has_value(); }
    // Throws std::bad_variant_access where there is none.
    const T& value() const { return std::get<0>(held_); }
    T& value() { return std::get<0>(held_); }
    // Only where there is a value.
    const T* operator->() const { return std::get_if<0>(&held_); }
    T* operator->() { return std::get_if<0>(&held_); }
    // Throws std::bad_variant_access where there is a value.
    const Error& error() const { return std::get<1>(held_); }

   private:
    std::variant<T, Error> held_;
};

}  // namespace rebottle
