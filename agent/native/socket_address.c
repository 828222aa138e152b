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

static void map_ip4(const struct in_addr *ip4, struct in6_addr *address)
{
    memset(address, 0, sizeof *address);
    address->s6_addr[10] = address->s6_addr[11] = 0xff;
    memcpy(address->s6_addr + 12, ip4, IP4_BYTES);
}

void socket_address_read(const union socket_address *address, struct endpoint *endpoint)
{
    memset(endpoint, 0, sizeof *endpoint);
    if (address->any.sa_family == AF_INET6) {
        endpoint->address = address->ip6.sin6_addr;
        endpoint->port = ntohs(address->ip6.sin6_port);
        return;
    }
    map_ip4(&address->ip4.sin_addr, &endpoint->address);
    endpoint->port = ntohs(address->ip4.sin_port);
}

void own_address_request(int fd, int family)
{
    const int on = 1;
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    } else {
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    }
}

bool own_address_read(const struct cmsghdr *note, struct in6_addr *address)
{
    if (note->cmsg_level == IPPROTO_IPV6 && note->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(note), sizeof info);
        *address = info.ipi6_addr;
        return !IN6_IS_ADDR_MULTICAST(address);
    }
    if (note->cmsg_level != IPPROTO_IP || note->cmsg_type != IP_PKTINFO) return false;
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(note), sizeof info);
    map_ip4(&info.ipi_spec_dst, address);
    return true;
}

void own_address_write(int family, const struct in6_addr *address, struct cmsghdr *note)
{
    if (family == AF_INET6) {
        const struct in6_pktinfo info = {.ipi6_addr = *address};
        note->cmsg_level = IPPROTO_IPV6;
        note->cmsg_type = IPV6_PKTINFO;
        note->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(note), &info, sizeof info);
        return;
    }
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, address->s6_addr + 12, IP4_BYTES);
    note->cmsg_level = IPPROTO_IP;
    note->cmsg_type = IP_PKTINFO;
    note->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(note), &info, sizeof info);
}
