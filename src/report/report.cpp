// Report as text and as JSON.
#include "rebottle/report.hpp"

#include <cstdio>

namespace rebottle {
namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", byte);
            out += escape;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string number(double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.9g", value);
    return digits;
}

std::string place(const std::string& file, int line) {
    if (file.empty()) return "";
    return " (" + file + (line > 0 ? ", line " + std::to_string(line) : "") + ")";
}

template <class Item, class Write>
std::string list(const std::vector<Item>& items, Write write) {
    std::string out = "[";
    for (const Item& item : items) out += (out.size() > 1 ? ", " : "") + write(item);
    return out + "]";
}

std::string located(const std::string& file, int line) {
    return ", \"file\": " + quoted(file) + ", \"line\": " + std::to_string(line) + "}";
}

std::string json(const Change& c) {
    return "{\"kind\": " + quoted(c.kind) + ", \"where\": " + quoted(c.where) + located(c.file, c.line);
}
std::string json(const Kept& k) {
    return "{\"where\": " + quoted(k.where) + ", \"why\": " + quoted(k.why) + located(k.file, k.line);
}
std::string json(const Refusal& r) {
    return "{\"rule\": " + quoted(r.rule) + ", \"where\": " + quoted(r.where) + ", \"why\": " + quoted(r.why) +
           ", \"what_to_do\": " + quoted(r.what_to_do) + located(r.file, r.line);
}
std::string json(const Stale& s) {
    return "{\"kind\": " + quoted(s.kind) + ", \"where\": " + quoted(s.where) +
           ", \"thread\": " + std::to_string(s.thread) + ", \"why\": " + quoted(s.why) + located(s.file, s.line);
}
std::string json(const Timing& t) {
    return "{\"read\": " + number(t.read) + ", \"compile\": " + number(t.compile) + ", \"stage\": " + number(t.stage) +
           ", \"pause\": " + number(t.pause) + ", \"total\": " + number(t.total) + "}";
}

}  // namespace

std::string Report::to_json() const {
    const auto item = [](const auto& value) { return json(value); };
    return "{\"id\": " + std::to_string(id) + ", \"ok\": " + (ok ? "true" : "false") + ", \"kind\": " + quoted(kind) +
           ", \"name\": " + quoted(name) + ", \"time\": " + number(time) + ", \"modules\": " + list(modules, quoted) +
           ", \"changes\": " + list(changes, item) + ", \"kept\": " + list(kept, item) +
           ", \"refusals\": " + list(refusals, item) + ", \"stale\": " + list(stale, item) +
           ", \"unknown\": " + list(unknown, quoted) + ", \"timing\": " + json(timing) + "}";
}

std::string Report::text() const {
    std::string out = kind + (name.empty() ? "" : " " + name) + " #" + std::to_string(id) + (ok ? "" : " refused") +
                      ": " + std::to_string(changes.size()) + " changed";
    if (!kept.empty()) out += ", " + std::to_string(kept.size()) + " kept";
    if (!refusals.empty()) out += ", " + std::to_string(refusals.size()) + " refused";
    if (!stale.empty()) out += ", " + std::to_string(stale.size()) + " on old code";
    char pause[64];
    std::snprintf(pause, sizeof pause, "; pause %.0f us, total %.1f ms", timing.pause * 1e6, timing.total * 1e3);
    out += pause;
    for (const Change& c : changes) out += "\n  " + c.kind + " " + c.where + place(c.file, c.line);
    for (const Kept& k : kept) out += "\n  kept " + k.where + ": " + k.why + place(k.file, k.line);
    for (const Refusal& r : refusals)
        out += "\n  refused [" + r.rule + "] " + r.where + ": " + r.why + "; " + r.what_to_do + place(r.file, r.line);
    for (const Stale& s : stale)
        out += "\n  old code: " + s.kind + " " + s.where + place(s.file, s.line) + (s.why.empty() ? "" : ": " + s.why);
    for (const std::string& u : unknown) out += "\n  only running would tell: " + u;
    return out;
}

}  // namespace rebottle
