/*
 * Round trips of ICMP echo requests (RFC 792), one at a time and on a schedule, to the nanosecond:
 *   icmp_echo ADDRESS COUNT INTERVAL_US TIMEOUT_MS
 * Prints the round-trip time of each answered request in nanoseconds, one a line, and `lost N` at the end. Two
 * requests never share a sequence number, so a late answer counts as lost and not as another's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* 8 bytes of header and 56 of payload, which is what ping sends. */
enum { PACKET_BYTES = 64, MAX_COUNT = 60000 };

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void sleep_until_ns(int64_t when) {
  struct timespec until = {.tv_sec = when / 1000000000, .tv_nsec = when % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
}

static uint16_t checksum(const uint16_t *words, int count) {
  uint32_t sum = 0;
  for (int i = 0; i < count; i++) sum += words[i];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

/* Nanoseconds until the answer to `sequence` came, or -1. */
static int64_t round_trip(int fd, const struct sockaddr_in *to, uint16_t id, uint16_t sequence, int timeout_ms) {
  union {
    struct icmphdr header;
    uint16_t words[PACKET_BYTES / 2];
  } request = {.header = {.type = ICMP_ECHO, .un.echo = {.id = id, .sequence = htons(sequence)}}};
  request.header.checksum = checksum(request.words, PACKET_BYTES / 2);
  int64_t sent_ns = now_ns();
  int64_t deadline_ns = sent_ns + timeout_ms * INT64_C(1000000);
  if (sendto(fd, &request, sizeof request, 0, (const struct sockaddr *)to, sizeof *to) < 0) {
    /* Without a link there may be no route yet; the schedule goes on. */
    return -1;
  }
  for (;;) {
    int64_t left_ns = deadline_ns - now_ns();
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (left_ns <= 0 || poll(&readable, 1, (int)(left_ns / 1000000) + 1) <= 0) return -1;
    unsigned char packet[1500];
    ssize_t bytes = recv(fd, packet, sizeof packet, MSG_DONTWAIT);
    int64_t received_ns = now_ns();
    size_t ip_bytes = bytes > 0 ? (packet[0] & 15u) * 4u : 0;
    if (bytes < 0 || (size_t)bytes < ip_bytes + sizeof(struct icmphdr)) continue;
    struct icmphdr answer;
    memcpy(&answer, packet + ip_bytes, sizeof answer);
    if (answer.type != ICMP_ECHOREPLY || answer.un.echo.id != id) continue;
    if (answer.un.echo.sequence == htons(sequence)) return received_ns - sent_ns;
  }
}

int main(int argc, char **argv) {
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
    fprintf(stderr, "usage: icmp_echo ADDRESS COUNT INTERVAL_US TIMEOUT_MS\n");
    return 2;
  }
  int count = atoi(argv[2]);
  int64_t interval_ns = atoll(argv[3]) * 1000;
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (fd < 0 || count < 1 || count > MAX_COUNT) {
    fprintf(stderr, "icmp_echo: %s\n", fd < 0 ? strerror(errno) : "COUNT is not 1 to 60000");
    return 1;
  }
  int lost = 0;
  int64_t due_ns = now_ns();
  for (int i = 0; i < count; i++) {
    int64_t took_ns = round_trip(fd, &to, (uint16_t)getpid(), (uint16_t)(i + 1), atoi(argv[4]));
    if (took_ns < 0) {
      lost++;
    } else {
      printf("%lld\n", (long long)took_ns);
    }
    due_ns += interval_ns;
    if (now_ns() < due_ns) sleep_until_ns(due_ns);
    else due_ns = now_ns();
  }
  printf("lost %d\n", lost);
  return 0;
}
