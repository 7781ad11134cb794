#include "world.hpp"

#include <cmath>
#include <limits>

namespace game {

namespace {

constexpr double kSize = 1000;
constexpr double kSpeed = 60;
constexpr double kGoldenAngle = 2.399963;  // spreads start positions and headings evenly

double wrapped(double value) { return value - kSize * std::floor(value / kSize); }

}  // namespace

void World::enter(int number) {
    const double angle = kGoldenAngle * number;
    bodies_[number] = {wrapped(kSize * std::cos(angle)), wrapped(kSize * std::sin(angle)), angle};
}

void World::leave(int number) { bodies_.erase(number); }

void World::step(double seconds) {
    for (auto& [number, body] : bodies_) {
        body.x = wrapped(body.x + kSpeed * seconds * std::cos(body.heading));
        body.y = wrapped(body.y + kSpeed * seconds * std::sin(body.heading));
    }
}

int World::nearest(int number) const {
    const Body& here = bodies_.at(number);
    int found = number;
    double least = std::numeric_limits<double>::infinity();
    for (const auto& [other, body] : bodies_) {
        const double distance = std::hypot(body.x - here.x, body.y - here.y);
        if (other != number && distance < least) {
            least = distance;
            found = other;
        }
    }
    return found;
}

}  // namespace game
