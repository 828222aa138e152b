/*
 * The node's one UDP socket, on every underlay address, IPv4 and IPv6. Where the kernel has UDP_SEGMENT and UDP_GRO
 * (udp(7), Linux 4.18 and 5.0), one system call carries many packets of one size.
 */
#ifndef TINCAN_SOCKET_H
#define TINCAN_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "fault.h"
#include "outbox.h"

/* The largest that the kernel hands over at once. */
enum { RECEIVED_MAX_BYTES = 65535 };

struct udp_socket {
    int fd;     /* -1: not open */
    int family; /* AF_INET6 carries IPv4 as well; AF_INET where the kernel has no IPv6 */
    uint16_t port;
    bool segments;      /* the kernel cuts what is sent; off for good where a device turns out to refuse it */
    bool joins;         /* the kernel joins what is received */
    uint32_t overflows; /* the kernel's own count of packets that found the socket full */
};

/* Packets that arrived as one: `bytes` cut every `packet_bytes`, the last perhaps shorter. */
struct received {
    struct endpoint from;
    size_t bytes;
    size_t packet_bytes;
    uint32_t overflowed; /* packets lost before these, since the last ones, because the socket was full */
};

/* Port 0: the kernel chooses. With `offloads` it has as many of them as the kernel grants. */
bool socket_open(struct udp_socket *socket, uint16_t port, bool offloads, struct fault *fault);
void socket_close(struct udp_socket *socket);

/* What waits longest; false with errno, EAGAIN where nothing waits. Cut off at `capacity`. */
bool socket_receive(struct udp_socket *socket, uint8_t *packets, size_t capacity, struct received *received);

/* From the address that was asked, where `to` has one: an answer from another one is not known for what it is. False
 * where the kernel did not take it: its buffer is full, or it knows no way there. */
bool socket_send(const struct udp_socket *socket, const struct endpoint *to, const uint8_t *packet, size_t bytes);

/* How many packets of one message this socket may be given. */
static inline unsigned socket_packets_together(const struct udp_socket *socket)
{
    return socket->segments ? SUPER_FRAME_MAX_SEGMENTS : 1;
}

/* Sends all and empties the outbox; answers how many packets the kernel did not take. socket_outbox.c */
unsigned socket_send_outbox(struct udp_socket *socket, struct outbox *outbox);

#endif
