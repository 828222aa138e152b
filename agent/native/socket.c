#include "socket.h"

#include <netinet/udp.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

#include "socket_address.h"

/*
 * Receiving: what arrives at 2 Gbit/s while the thread is off its core for 8 ms. Sending: less, because what waits here
 * delays everything behind it. The kernel allocates only what is in use, and doubles both for its own bookkeeping.
 */
enum {
    RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024,
    SEND_BUFFER_BYTES = 1024 * 1024,
};

/* The forced form, which needs CAP_NET_ADMIN, goes beyond net.core.[rw]mem_max; the other is cut to it. */
static void set_buffer(int fd, int forced_option, int option, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, forced_option, &bytes, sizeof bytes) == 0) return;
    setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

/* Each by itself: a kernel may have one and not the other. Zero bytes a segment means none by default. */
static void grant_offloads(struct udp_socket *opened)
{
    const int on = 1, none = 0;
    opened->segments = setsockopt(opened->fd, SOL_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
    opened->joins = setsockopt(opened->fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
}

/* 0, or an errno. */
static int open_family(struct udp_socket *opened, int family, uint16_t port)
{
    const int off = 0, on = 1;
    const int do_not_discover = IP_PMTUDISC_DONT;
    union socket_address address;
    socklen_t bytes = socket_address_of(family, &(struct endpoint){.port = port}, &address);

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
    setsockopt(opened->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    own_address_request(opened->fd, family);

    if (bind(opened->fd, &address.any, bytes) == 0 && getsockname(opened->fd, &address.any, &bytes) == 0) {
        struct endpoint bound;
        socket_address_read(&address, &bound);
        opened->port = bound.port;
        return 0;
    }
    int error = errno;
    socket_close(opened);
    return error;
}

bool socket_open(struct udp_socket *opened, uint16_t port, bool offloads, struct fault *fault)
{
    *opened = (struct udp_socket){.fd = -1};
    int error = open_family(opened, AF_INET6, port);
    if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) error = open_family(opened, AF_INET, port);
    if (error == 0 && offloads) grant_offloads(opened);
    return error == 0 || fault_at(fault, FAULT_UDP_BIND, error);
}

void socket_close(struct udp_socket *opened)
{
    if (opened->fd >= 0) close(opened->fd);
    opened->fd = -1;
}

static void read_notes(struct udp_socket *opened, struct msghdr *message, struct received *received)
{
    for (struct cmsghdr *note = CMSG_FIRSTHDR(message); note != NULL; note = CMSG_NXTHDR(message, note)) {
        if (note->cmsg_level == SOL_UDP && note->cmsg_type == UDP_GRO) {
            int packet_bytes;
            memcpy(&packet_bytes, CMSG_DATA(note), sizeof packet_bytes);
            if (packet_bytes > 0) received->packet_bytes = (size_t)packet_bytes;
        } else if (note->cmsg_level == SOL_SOCKET && note->cmsg_type == SO_RXQ_OVFL) {
            uint32_t overflows;
            memcpy(&overflows, CMSG_DATA(note), sizeof overflows);
            received->overflowed = overflows - opened->overflows;
            opened->overflows = overflows;
        } else {
            struct in6_addr own;
            if (own_address_read(note, &own)) received->from.asked = own;
        }
    }
}

bool socket_receive(struct udp_socket *opened, uint8_t *packets, size_t capacity, struct received *received)
{
    union socket_address address;
    alignas(struct cmsghdr) uint8_t notes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t)) + OWN_ADDRESS_NOTE_BYTES];
    struct iovec part = {packets, capacity};
    struct msghdr message = {
        .msg_name = &address,
        .msg_namelen = sizeof address,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = notes,
        .msg_controllen = sizeof notes,
    };
    ssize_t bytes = recvmsg(opened->fd, &message, 0);
    if (bytes < 0) return false;
    received->bytes = received->packet_bytes = (size_t)bytes;
    received->overflowed = 0;
    socket_address_read(&address, &received->from);
    read_notes(opened, &message, received);
    return true;
}

/* False as well where the own address is not one any more, or never was (broadcast). */
static bool send_from_asked(const struct udp_socket *opened, const struct endpoint *to, union socket_address *address,
                            socklen_t address_bytes, const uint8_t *packet, size_t bytes)
{
    alignas(struct cmsghdr) uint8_t note[OWN_ADDRESS_NOTE_BYTES] = {0};
    struct iovec part = {(void *)(uintptr_t)packet, bytes};
    struct msghdr message = {
        .msg_name = address,
        .msg_namelen = address_bytes,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = note,
        .msg_controllen = sizeof note,
    };
    struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    own_address_write(opened->family, &to->asked, first);
    message.msg_controllen = CMSG_ALIGN(first->cmsg_len);
    return sendmsg(opened->fd, &message, 0) == (ssize_t)bytes;
}

bool socket_send(const struct udp_socket *opened, const struct endpoint *to, const uint8_t *packet, size_t bytes)
{
    union socket_address address;
    socklen_t address_bytes = socket_address_of(opened->family, to, &address);
    if (address_bytes == 0) return false;
    bool answers = !IN6_IS_ADDR_UNSPECIFIED(&to->asked);
    if (answers && send_from_asked(opened, to, &address, address_bytes, packet, bytes)) return true;
    return sendto(opened->fd, packet, bytes, 0, &address.any, address_bytes) == (ssize_t)bytes;
}
