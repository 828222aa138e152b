/*
 * A card's frames, put on another card MILLISECONDS later: beside a switch that sends a share of the frames this way, it
 * makes reordering; where the switch sends all to some address, a longer way. Frames that the kernel keeps together (segmentation offload) stay together.
 *   hold-frames FROM TO MILLISECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_BYTES = 1 << 17, HELD = 512 };

struct held {
    int64_t due_us;
    ssize_t bytes;
    uint8_t frame[FRAME_BYTES];
};

static struct held held[HELD];

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int open_card(const char *name, int protocol)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));
    int on = 1;
    struct sockaddr_ll card = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(protocol),
        .sll_ifindex = (int)if_nametoindex(name),
    };
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&card, sizeof card) < 0) {
        perror(name);
        exit(1);
    }
    return fd;
}

/* Until the oldest held frame is due; or, where there is room for one more, until that comes. */
static void wait_until(int64_t due_us, int from, bool room)
{
    int64_t left_us = due_us - now_us();
    struct timespec left = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
    struct pollfd card = {.fd = from, .events = room ? POLLIN : 0};
    if (left_us > 0) ppoll(&card, 1, &left, NULL);
}

/* The next frame there is; waits for one only where none is held. */
static bool take(int from, struct held *slot, bool wait, int64_t delay_us)
{
    slot->bytes = recv(from, slot->frame, FRAME_BYTES, wait ? 0 : MSG_DONTWAIT);
    slot->due_us = now_us() + delay_us;
    return slot->bytes > 0;
}

int main(int count, char **arguments)
{
    if (count != 4) return 2;
    int from = open_card(arguments[1], ETH_P_ALL);
    int to = open_card(arguments[2], 0);
    int64_t delay_us = atol(arguments[3]) * 1000;
    puts("holding");
    fflush(stdout);

    /* A ring in order of arrival: every frame waits equally long. */
    for (unsigned first = 0, next = 0;;) {
        while (next - first < HELD && take(from, &held[next % HELD], first == next, delay_us)) next++;
        if (first == next) continue;
        struct held *oldest = &held[first % HELD];
        if (oldest->due_us > now_us()) {
            wait_until(oldest->due_us, from, next - first < HELD);
            continue;
        }
        first++;
        /* A card that is down loses its frames, as in life. */
        if (write(to, oldest->frame, (size_t)oldest->bytes) < 0) continue;
    }
}
