// What a host asks for.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rebottle/report.hpp"
#include "rebottle/result.hpp"

namespace rebottle {

// What happens to edited data: the live value stays; is merged with the source's; is replaced by it.
enum class Policy { keep, merge, replace };

// How much of unchanged modules is treated as changed, to test programs and the engine itself.
enum class Force { none, functions, classes };

// One reload, or one hotfix where `hotfix` is not empty. The initializers keep designated ones free of warnings.
struct Request {
    std::vector<std::string> modules{};  // names or patterns such as "ui.*"
    bool all_tracked = false;            // every tracked module whose source changed, instead of `modules`
    Policy policy = Policy::keep;
    std::map<std::string, Policy> policies{};      // by module ("conf") or name ("conf.LIMIT")
    bool prune = false;                            // names gone from the source are removed
    bool partial = false;                          // apply what isn't refused, instead of nothing
    std::map<std::string, std::string> sources{};  // text of modules, instead of the loader's
    Force force = Force::none;
    std::string hotfix{};  // text of a snippet
    std::string name{};    // of the hotfix, for tracebacks and the history
    // Called in the thread that applied the request, right afterwards.
    std::function<void(const Result<Report>&)> done{};
};

}  // namespace rebottle
