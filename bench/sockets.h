// Sockets of the bench's own servers: all with the congestion control they are told, none delayed.
// What fails ends the program with its reason.
#pragma once

#include <netinet/in.h>

#include <string>

namespace forebay::bench {

[[noreturn]] void die(const char* what);
/// ADDR:PORT of IPv4; anything else ends the program with 2.
sockaddr_in parse_address(const std::string& text);
/// Blocking.
int connect_to(const sockaddr_in& address, const std::string& congestion);
/// Non-blocking; prints "ready ADDR:PORT".
int listen_on(const std::string& where, const std::string& congestion);
/// The next client, non-blocking; -1: there is none now.
int accept_one(int listener);

}  // namespace forebay::bench
