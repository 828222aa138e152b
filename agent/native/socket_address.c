#include "socket_address.h"

#include <string.h>

socklen_t socket_address_of(int family, const struct endpoint *endpoint, union socket_address *address)
{
    memset(address, 0, sizeof *address);
    if (family == AF_INET) {
        if (!IN6_IS_ADDR_V4MAPPED(&endpoint->address) && !IN6_IS_ADDR_UNSPECIFIED(&endpoint->address)) return 0;
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

void socket_address_read(const union socket_address *address, struct endpoint *endpoint)
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
