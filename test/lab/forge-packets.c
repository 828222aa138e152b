/*
 * A flood of packets that a stranger forges in a peer's name: waits on a switch's card for a packet of the fast path to
 * UDP-PORT, and sends what looks like the next ones of the same sender, with its endpoint, its receiver index and
 * counters that are new, but a tag that is wrong. As many at once as segmentation offload takes: so they arrive from a card
 * with receive offload, too.
 *   forge-packets CARD UDP-PORT PAYLOAD-BYTES PACKETS-PER-SECOND SECONDS
 * Prints how many it has sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_BYTES = 1 << 16,
    SEGMENTS_MAX = 64, /* of one send: UDP_MAX_SEGMENTS of older kernels */
    PAYLOAD_MAX = 1472,
    PACKET_HEADER_BYTES = 16, /* agent/native/packet.h */
    COUNTER_AT = 8,
    FRAME_TYPE = 4,
    UNSUMMED_FRAME_TYPE = 7,
    HEADERS_BYTES = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr),
    GSO_UDP_L4 = 5, /* VIRTIO_NET_HDR_GSO_UDP_L4, which older headers lack */
};

struct super_frame {
    struct virtio_net_hdr offload;
    uint8_t bytes[FRAME_BYTES];
} __attribute__((packed));

static struct super_frame captured, forged;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int open_card(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    int on = 1;
    struct sockaddr_ll card = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex(name),
    };
    if (fd < 0 || bind(fd, (struct sockaddr *)&card, sizeof card) < 0) {
        perror(name);
        exit(1);
    }
    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
    if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) {
        perror("PACKET_VNET_HDR");
        exit(1);
    }
    return fd;
}

/* True for a frame of the fast path, over IPv4, to that port. */
static bool is_wanted(const uint8_t *frame, ssize_t bytes, uint16_t port)
{
    if (bytes < (ssize_t)(HEADERS_BYTES + PACKET_HEADER_BYTES)) return false;
    const struct ethhdr *ethernet = (const void *)frame;
    const struct iphdr *ip = (const void *)(frame + ETH_HLEN);
    const struct udphdr *udp = (const void *)(ip + 1);
    return ethernet->h_proto == htons(ETH_P_IP) && ip->ihl == 5 && ip->protocol == IPPROTO_UDP &&
           udp->dest == htons(port) &&
           (frame[HEADERS_BYTES] == FRAME_TYPE || frame[HEADERS_BYTES] == UNSUMMED_FRAME_TYPE);
}

static uint32_t sum_words(const uint8_t *bytes, size_t count, uint32_t sum)
{
    for (size_t at = 0; at < count; at += 2) sum += (uint32_t)bytes[at] << 8 | bytes[at + 1];
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The captured frame's headers for so many packets of that size; the card is to finish the UDP checksums. */
static void make_frame(struct super_frame *frame, const uint8_t *template, size_t payload_bytes, size_t segments)
{
    uint8_t *bytes = frame->bytes;
    memcpy(bytes, template, HEADERS_BYTES);
    for (size_t at = 0; at < segments; at++)
        memcpy(bytes + HEADERS_BYTES + at * payload_bytes, template + HEADERS_BYTES, PACKET_HEADER_BYTES);
    struct iphdr *ip = (void *)(bytes + ETH_HLEN);
    struct udphdr *udp = (void *)(ip + 1);
    size_t udp_bytes = sizeof *udp + segments * payload_bytes;
    ip->tot_len = htons((uint16_t)(sizeof *ip + udp_bytes));
    ip->check = 0;
    ip->check = htons((uint16_t)~fold(sum_words((uint8_t *)ip, sizeof *ip, 0)));
    udp->len = htons((uint16_t)udp_bytes);
    udp->check = htons(fold(sum_words((uint8_t *)&ip->saddr, 8, IPPROTO_UDP + (uint32_t)udp_bytes)));
    frame->offload = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = segments > 1 ? GSO_UDP_L4 : VIRTIO_NET_HDR_GSO_NONE,
        .hdr_len = HEADERS_BYTES,
        .gso_size = (uint16_t)payload_bytes,
        .csum_start = ETH_HLEN + sizeof *ip,
        .csum_offset = 6,
    };
}

int main(int count, char **arguments)
{
    if (count != 6) return 2;
    int card = open_card(arguments[1]);
    uint16_t port = (uint16_t)atoi(arguments[2]);
    size_t payload_bytes = (size_t)atoi(arguments[3]);
    int64_t per_second = atol(arguments[4]);
    int64_t length_us = atol(arguments[5]) * 1000000LL;
    if (payload_bytes < 2 * PACKET_HEADER_BYTES || payload_bytes > PAYLOAD_MAX) return 2;

    ssize_t heard;
    do heard = recv(card, &captured, sizeof captured, 0);
    while (!is_wanted(captured.bytes, heard - (ssize_t)sizeof captured.offload, port));
    uint64_t counter;
    memcpy(&counter, captured.bytes + HEADERS_BYTES + COUNTER_AT, sizeof counter);
    counter += 1ULL << 40;

    size_t segments = 65000 / payload_bytes < SEGMENTS_MAX ? 65000 / payload_bytes : SEGMENTS_MAX;
    make_frame(&forged, captured.bytes, payload_bytes, segments);
    size_t frame_bytes = sizeof forged.offload + HEADERS_BYTES + segments * payload_bytes;
    int64_t began_us = now_us(), sent = 0;
    for (int64_t passed_us = 0; passed_us < length_us; passed_us = now_us() - began_us) {
        if (sent >= per_second * passed_us / 1000000) {
            usleep(50);
            continue;
        }
        for (size_t at = 0; at < segments; at++, counter++)
            memcpy(forged.bytes + HEADERS_BYTES + at * payload_bytes + COUNTER_AT, &counter, sizeof counter);
        if (send(card, &forged, frame_bytes, 0) > 0) sent += (int64_t)segments;
    }
    printf("%lld\n", (long long)sent);
}
