// Runs a hotfix snippet in the live program and finds what it rebound.
#pragma once

#include <string>
#include <vector>

#include "stage/outcome.hpp"
#include "stage/world.hpp"

namespace rebottle {

// A snippet that was run. Its own writes are in force, `outcome.touches` takes them back.
struct Snippet {
    Outcome outcome;
    Ref names;                         // its namespace
    std::vector<Ref> young;            // containers made while it ran, by any thread
    std::vector<std::string> modules;  // that it rebound something in
};

// Errors: ExecutionError; SourceError where it doesn't compile. What is in `snippet.outcome.touches` by then is still
// in force.
void run_snippet(const std::string& text, const std::string& name, Snippet& snippet);

}  // namespace rebottle
