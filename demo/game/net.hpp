// Connections of players: loopback TCP, one line per message, one thread, epoll.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace game {

class Net {
   public:
    struct Handlers {
        std::function<void(int player)> joined;
        std::function<void(int player, std::string_view line)> said;
        std::function<void(int player)> left;
    };

    // Listens on a free port of the loopback interface.
    explicit Net(Handlers handlers);
    ~Net();
    Net(const Net&) = delete;
    Net& operator=(const Net&) = delete;

    int port() const { return port_; }
    std::size_t players() const { return connections_.size(); }
    std::size_t dropped() const { return dropped_; }

    // Takes in what has arrived, never waits.
    void receive();

    // Lines go out together, at `flush()`, once a frame.
    void send(int player, std::string_view line);
    void broadcast(std::string_view line);
    void flush();

   private:
    struct Connection {
        int socket;
        std::string in, out;
    };

    void watch(int socket, int player) const;
    void accept_all();
    void read_from(int player);
    void write_to(int player);
    void drop(int player);

    Handlers handlers_;
    int listener_ = -1;
    int epoll_ = -1;
    int port_ = 0;
    int next_player_ = 1;
    std::size_t dropped_ = 0;
    std::map<int, Connection> connections_;
};

}  // namespace game
