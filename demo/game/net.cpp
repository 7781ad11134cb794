#include "net.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace game {

namespace {

constexpr int kListener = 0;  // players are numbered from 1

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

}  // namespace

Net::Net(Handlers handlers) : handlers_(std::move(handlers)) {
    listener_ = checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    epoll_ = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");

    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    checked(bind(listener_, generic, size), "bind");
    checked(listen(listener_, SOMAXCONN), "listen");
    checked(getsockname(listener_, generic, &size), "getsockname");
    port_ = ntohs(address.sin_port);
    watch(listener_, kListener);
}

Net::~Net() {
    for (const auto& [player, connection] : connections_) close(connection.socket);
    close(epoll_);
    close(listener_);
}

void Net::watch(int socket, int player) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = player;
    checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
}

void Net::receive() {
    std::array<epoll_event, 256> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const int player = events[static_cast<std::size_t>(i)].data.fd;
        if (player == kListener) {
            accept_all();
        } else {
            read_from(player);
        }
    }
}

void Net::accept_all() {
    int socket = -1;
    while ((socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        const int at_once = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        const int player = next_player_++;
        connections_[player] = {socket, {}, {}};
        watch(socket, player);
        handlers_.joined(player);
    }
}

void Net::read_from(int player) {
    Connection& connection = connections_.at(player);
    std::array<char, 4096> buffer{};
    const ssize_t count = recv(connection.socket, buffer.data(), buffer.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return drop(player);
    if (count > 0) connection.in.append(buffer.data(), static_cast<std::size_t>(count));

    std::size_t start = 0;
    for (std::size_t end; (end = connection.in.find('\n', start)) != std::string::npos; start = end + 1) {
        handlers_.said(player, std::string_view(connection.in).substr(start, end - start));
    }
    connection.in.erase(0, start);
}

void Net::send(int player, std::string_view line) { connections_.at(player).out.append(line).push_back('\n'); }

void Net::broadcast(std::string_view line) {
    for (auto& [player, connection] : connections_) connection.out.append(line).push_back('\n');
}

void Net::flush() {
    for (auto next = connections_.begin(); next != connections_.end();) {
        const int player = next++->first;  // writing may drop the connection
        write_to(player);
    }
}

void Net::write_to(int player) {
    Connection& connection = connections_.at(player);
    if (connection.out.empty()) return;
    const ssize_t count = ::send(connection.socket, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return drop(player);
    if (count > 0) connection.out.erase(0, static_cast<std::size_t>(count));
}

void Net::drop(int player) {
    close(connections_.at(player).socket);
    connections_.erase(player);
    ++dropped_;
    handlers_.left(player);
}

}  // namespace game
