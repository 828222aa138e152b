/* Endpoints in the kernel's form, for the socket's family, and back. */
#ifndef TINCAN_SOCKET_ADDRESS_H
#define TINCAN_SOCKET_ADDRESS_H

#include <sys/socket.h>

#include "address.h"

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

/* The address's length; 0 where a socket of this family (AF_INET) reaches no such endpoint. */
socklen_t socket_address_of(int family, const struct endpoint *endpoint, union socket_address *address);

void socket_address_read(const union socket_address *address, struct endpoint *endpoint);

#endif
