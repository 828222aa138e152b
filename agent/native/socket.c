#include "socket.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Receiving: what arrives at 2 Gbit/s while the thread is off its core for 8 ms. Sending: less, because what waits here
 * delays everything behind it. The kernel allocates only what is in use, and doubles both for its own bookkeeping.
 */
enum {
    RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024,
    SEND_BUFFER_BYTES = 1024 * 1024,
};

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

static socklen_t to_socket_address(int family, const struct endpoint *endpoint, union socket_address *address)
{
    memset(address, 0, sizeof *address);
    if (family == AF_INET) {
        address->ip4.sin_family = AF_INET;
        address->ip4.sin_port = htons(endpoint->port);
        memcpy(&address->ip4.sin_addr, endpoint->address.s6_addr + 12, IP4_BYTES);
        return sizeof address->ip4;
    }
    address->ip6.sin6_family = AF_INET6;
    address->ip6.sin6_port = htons(endpoint->port);
    address->ip6.sin6_addr = endpoint->address;
    return sizeof address->ip6;
}

static void to_endpoint(const union socket_address *address, struct endpoint *endpoint)
{
    memset(endpoint, 0, sizeof *endpoint);
    if (address->any.sa_family == AF_INET6) {
        endpoint->address = address->ip6.sin6_addr;
        endpoint->port = ntohs(address->ip6.sin6_port);
        return;
    }
    endpoint->address.s6_addr[10] = 0xff;
    endpoint->address.s6_addr[11] = 0xff;
    memcpy(endpoint->address.s6_addr + 12, &address->ip4.sin_addr, IP4_BYTES);
    endpoint->port = ntohs(address->ip4.sin_port);
}

/* The forced form, which needs CAP_NET_ADMIN, goes beyond net.core.[rw]mem_max; the other is cut to it. */
static void set_buffer(int fd, int forced_option, int option, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, forced_option, &bytes, sizeof bytes) == 0) return;
    setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

/* 0, or an errno. */
static int open_family(struct udp_socket *opened, int family, uint16_t port)
{
    const int off = 0;
    const int do_not_discover = IP_PMTUDISC_DONT;
    union socket_address address;
    socklen_t bytes = to_socket_address(family, &(struct endpoint){.port = port}, &address);

    opened->family = family;
    opened->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (opened->fd < 0) return errno;
    if (family == AF_INET6) setsockopt(opened->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    /* On a path that is narrower than the TAP's MTU supposes, a packet in fragments is better than none. */
    setsockopt(opened->fd, IPPROTO_IP, IP_MTU_DISCOVER, &do_not_discover, sizeof do_not_discover);
    if (family == AF_INET6) {
        setsockopt(opened->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &do_not_discover, sizeof do_not_discover);
    }
    set_buffer(opened->fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    set_buffer(opened->fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER_BYTES);

    if (bind(opened->fd, &address.any, bytes) == 0 && getsockname(opened->fd, &address.any, &bytes) == 0) {
        struct endpoint bound;
        to_endpoint(&address, &bound);
        opened->port = bound.port;
        return 0;
    }
    int error = errno;
    socket_close(opened);
    return error;
}

bool socket_open(struct udp_socket *opened, uint16_t port, struct fault *fault)
{
    int error = open_family(opened, AF_INET6, port);
    if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) error = open_family(opened, AF_INET, port);
    return error == 0 || fault_at(fault, FAULT_UDP_BIND, error);
}

void socket_close(struct udp_socket *opened)
{
    if (opened->fd >= 0) close(opened->fd);
    opened->fd = -1;
}

ssize_t socket_receive(const struct udp_socket *opened, uint8_t *packet, size_t capacity, struct endpoint *from)
{
    union socket_address address;
    socklen_t address_bytes = sizeof address;
    ssize_t bytes = recvfrom(opened->fd, packet, capacity, 0, &address.any, &address_bytes);
    if (bytes >= 0) to_endpoint(&address, from);
    return bytes;
}

bool socket_send(const struct udp_socket *opened, const struct endpoint *to, const uint8_t *packet, size_t bytes)
{
    union socket_address address;
    if (opened->family == AF_INET && !IN6_IS_ADDR_V4MAPPED(&to->address)) return false;
    socklen_t address_bytes = to_socket_address(opened->family, to, &address);
    return sendto(opened->fd, packet, bytes, 0, &address.any, address_bytes) == (ssize_t)bytes;
}
