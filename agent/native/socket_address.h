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

/* Space for one note of the own address that a packet came to, or is to leave from. */
enum { OWN_ADDRESS_NOTE_BYTES = CMSG_SPACE(sizeof(struct in6_pktinfo)) };

/* Has the kernel tell what own address each packet came to. */
void own_address_request(int fd, int family);

/* True where the note is one of an own address. Broadcast and multicast are none: nothing can leave from there. */
bool own_address_read(const struct cmsghdr *note, struct in6_addr *address);

/* Makes the note the one that has a packet leave from this address. */
void own_address_write(int family, const struct in6_addr *address, struct cmsghdr *note);

#endif
