/*
 * The kernel's side of a TAP device, for tests: frames as lines of hex digits.
 *
 *     raw_frames INTERFACE     standard input: frames that leave by the interface, as if the kernel had made them
 *                              standard output: "ready", then the frames that came in by it
 */
#include <ctype.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FRAME_BYTES = 9100 };

static void print_incoming(int fd)
{
    uint8_t frame[MAX_FRAME_BYTES];
    struct sockaddr_ll from;
    socklen_t from_bytes = sizeof from;
    ssize_t bytes = recvfrom(fd, frame, sizeof frame, 0, (struct sockaddr *)&from, &from_bytes);
    if (bytes < 0 || from.sll_pkttype == PACKET_OUTGOING) return;
    for (ssize_t at = 0; at < bytes; at++) printf("%02x", frame[at]);
    printf("\n");
    fflush(stdout);
}

static int send_line(int fd, const char *line)
{
    uint8_t frame[MAX_FRAME_BYTES];
    size_t bytes = 0;
    for (; isxdigit((unsigned char)line[0]) && isxdigit((unsigned char)line[1]); line += 2) {
        unsigned byte;
        sscanf(line, "%2x", &byte);
        frame[bytes++] = (uint8_t)byte;
    }
    return write(fd, frame, bytes) == (ssize_t)bytes ? 0 : -1;
}

int main(int count, char **arguments)
{
    static char line[2 * MAX_FRAME_BYTES + 2];
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = __builtin_bswap16(ETH_P_ALL)};
    address.sll_ifindex = count == 2 ? (int)if_nametoindex(arguments[1]) : 0;
    int fd = socket(AF_PACKET, SOCK_RAW, address.sll_protocol);
    if (address.sll_ifindex == 0 || fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("raw_frames");
        return 1;
    }
    setvbuf(stdin, NULL, _IONBF, 0);
    printf("ready\n");
    fflush(stdout);
    struct pollfd sources[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    while (poll(sources, 2, -1) >= 0) {
        if (sources[1].revents != 0) print_incoming(fd);
        if (sources[0].revents == 0) continue;
        if (fgets(line, sizeof line, stdin) == NULL) return 0;
        if (send_line(fd, line) < 0) perror("raw_frames");
    }
    return 1;
}
