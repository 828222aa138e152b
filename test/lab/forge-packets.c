/*
 * A flood of packets that a stranger forges in a peer's name: waits on a switch's card for a packet of the fast path to
 * UDP-PORT, and sends what looks like the next ones of the same sender, with its endpoint, its receiver index and
 * counters that are new, but a tag that is wrong.
 *   forge-packets CARD UDP-PORT PAYLOAD-BYTES PACKETS-PER-SECOND SECONDS
 * Prints how many it has sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
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
    BATCH = 64,
    FRAME_BYTES = 1514,
    CAPTURED_BYTES = 1 << 17,
    PACKET_HEADER_BYTES = 16, /* agent/native/packet.h */
    COUNTER_AT = 8,
    FRAME_TYPE = 4,
    HEADERS_BYTES = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr),
};

static uint8_t frames[BATCH][FRAME_BYTES];

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
    return fd;
}

/* True for a frame of the fast path, over IPv4, to that port. */
static bool is_wanted(const uint8_t *frame, ssize_t bytes, uint16_t port)
{
    if (bytes < (ssize_t)(HEADERS_BYTES + PACKET_HEADER_BYTES)) return false;
    const struct iphdr *ip = (const void *)(frame + ETH_HLEN);
    const struct udphdr *udp = (const void *)(ip + 1);
    const struct ethhdr *ethernet = (const void *)frame;
    return ethernet->h_proto == htons(ETH_P_IP) && ip->ihl == 5 && ip->protocol == IPPROTO_UDP &&
           udp->dest == htons(port) && frame[HEADERS_BYTES] == FRAME_TYPE;
}

static uint16_t ip_checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (int at = 0; at < (int)sizeof(struct iphdr); at += 2) sum += (uint32_t)header[at] << 8 | header[at + 1];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

/* The template's headers for so many bytes of UDP payload; without a UDP checksum, which IPv4 allows. */
static void make_frame(uint8_t *frame, const uint8_t *template, size_t payload_bytes)
{
    memcpy(frame, template, HEADERS_BYTES + PACKET_HEADER_BYTES);
    struct iphdr *ip = (void *)(frame + ETH_HLEN);
    struct udphdr *udp = (void *)(ip + 1);
    ip->tot_len = htons((uint16_t)(sizeof *ip + sizeof *udp + payload_bytes));
    ip->check = 0;
    ip->check = ip_checksum(frame + ETH_HLEN);
    udp->len = htons((uint16_t)(sizeof *udp + payload_bytes));
    udp->check = 0;
}

int main(int count, char **arguments)
{
    if (count != 6) return 2;
    int card = open_card(arguments[1]);
    uint16_t port = (uint16_t)atoi(arguments[2]);
    size_t payload_bytes = (size_t)atoi(arguments[3]);
    int64_t per_second = atol(arguments[4]);
    int64_t length_us = atol(arguments[5]) * 1000000LL;
    if (payload_bytes < PACKET_HEADER_BYTES || payload_bytes > FRAME_BYTES - HEADERS_BYTES) return 2;

    static uint8_t captured[CAPTURED_BYTES];
    while (!is_wanted(captured, recv(card, captured, sizeof captured, 0), port)) continue;
    uint64_t counter;
    memcpy(&counter, captured + HEADERS_BYTES + COUNTER_AT, sizeof counter);
    counter += 1ULL << 40;

    struct iovec bytes[BATCH];
    struct mmsghdr messages[BATCH] = {0};
    for (int at = 0; at < BATCH; at++) {
        make_frame(frames[at], captured, payload_bytes);
        bytes[at] = (struct iovec){.iov_base = frames[at], .iov_len = HEADERS_BYTES + payload_bytes};
        messages[at].msg_hdr = (struct msghdr){.msg_iov = &bytes[at], .msg_iovlen = 1};
    }
    int64_t began_us = now_us(), sent = 0;
    for (int64_t passed_us = 0; passed_us < length_us; passed_us = now_us() - began_us) {
        if (sent >= per_second * passed_us / 1000000) {
            usleep(50);
            continue;
        }
        for (int at = 0; at < BATCH; at++, counter++)
            memcpy(frames[at] + HEADERS_BYTES + COUNTER_AT, &counter, sizeof counter);
        int done = sendmmsg(card, messages, BATCH, 0);
        if (done > 0) sent += done;
    }
    printf("%lld\n", (long long)sent);
}
