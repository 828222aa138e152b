#include "probe.h"

#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

static void set_discovery(const struct udp_socket *socket, int ip4_mode, int ip6_mode)
{
    setsockopt(socket->fd, IPPROTO_IP, IP_MTU_DISCOVER, &ip4_mode, sizeof ip4_mode);
    if (socket->family == AF_INET6) {
        setsockopt(socket->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &ip6_mode, sizeof ip6_mode);
    }
}

/* Linux has no such flag for a single datagram; nobody else sends in between, because we hold the lock. */
static bool send_whole(const struct udp_socket *socket, const struct endpoint *to, const uint8_t *packet, size_t bytes)
{
    set_discovery(socket, IP_PMTUDISC_PROBE, IPV6_PMTUDISC_PROBE);
    bool sent = socket_send(socket, to, packet, bytes);
    set_discovery(socket, IP_PMTUDISC_DONT, IPV6_PMTUDISC_DONT);
    return sent;
}

void probe_send(struct datapath *datapath, struct peer *peer, const struct endpoint *to, uint32_t id,
                size_t frame_bytes)
{
    uint8_t packet[PACKET_MAX_BYTES] = {0}, *payload = packet + PACKET_HEADER_BYTES;
    bool padded = frame_bytes > PROBE_BYTES;
    size_t payload_bytes = padded ? frame_bytes : PROBE_BYTES;
    if (peer == NULL || payload_bytes > sizeof packet - PACKET_OVERHEAD_BYTES) {
        return datapath_drop(datapath, peer == NULL ? DROP_NO_PATH : DROP_FRAME_TOO_LONG);
    }
    probe_write(payload, &(struct probe){.id = id, .sent_us = clock_us()});
    enum drop_reason reason = session_seal(&peer->sending, PACKET_PROBE, payload, payload_bytes, packet);
    if (reason != PASS) return datapath_drop(datapath, reason);

    size_t packet_bytes = payload_bytes + PACKET_OVERHEAD_BYTES;
    bool sent = padded ? send_whole(&datapath->socket, to, packet, packet_bytes)
                       : socket_send(&datapath->socket, to, packet, packet_bytes);
    if (sent) peer->traffic.last_sent_us = datapath->now_us;
    else if (!padded) datapath_drop(datapath, DROP_SEND_FAILED);
}
