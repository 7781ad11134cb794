// The arena: where everybody stands. Plain C++ that scripts ask through their module `world`.
#pragma once

#include <map>

namespace game {

class World {
   public:
    void enter(int number);
    void leave(int number);

    // Moves everybody on by one frame.
    void step(double seconds);

    // The player who stands nearest to this one; itself, if nobody else is there.
    int nearest(int number) const;

   private:
    struct Body {
        double x, y, heading;
    };

    std::map<int, Body> bodies_;
};

}  // namespace game
