/* The node's one UDP socket, on every underlay address, IPv4 and IPv6; packets one a system call. */
#ifndef TINCAN_SOCKET_H
#define TINCAN_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "address.h"
#include "fault.h"

struct udp_socket {
    int fd;     /* -1: not open */
    int family; /* AF_INET6 carries IPv4 as well; AF_INET where the kernel has no IPv6 */
    uint16_t port;
};

/* Port 0: the kernel chooses. */
bool socket_open(struct udp_socket *socket, uint16_t port, struct fault *fault);
void socket_close(struct udp_socket *socket);

/* One packet and where it came from; -1 with errno, EAGAIN where none waits. Cut off at `capacity`. */
ssize_t socket_receive(const struct udp_socket *socket, uint8_t *packet, size_t capacity, struct endpoint *from);

/* False where the kernel did not take it: its buffer is full, or it knows no way there. */
bool socket_send(const struct udp_socket *socket, const struct endpoint *to, const uint8_t *packet, size_t bytes);

#endif
