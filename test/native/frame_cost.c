/*
 * What a super-frame costs in the datapath, in microseconds of this thread's CPU: out of a TAP, cut and sealed into the
 * socket; and out of the socket, opened and joined into the TAP. The TAPs are socket pairs, the underlay is the loopback.
 * The first fifth of many rounds is below what is printed. `node test/native/frame_cost.mjs` runs one on each core.
 */
#include <time.h>

#include "node_pair.h"
#include "super_frame.h"

enum { ROUNDS = 20000, SEGMENTS = 45, SEGMENT_DATA_BYTES = 1348, ACK = 16, BUFFER_BYTES = 4 * 1024 * 1024 };

static struct super_frame made;
static double out_us[ROUNDS], in_us[ROUNDS];

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double fifth(double *times)
{
    qsort(times, ROUNDS, sizeof *times, compare);
    return times[ROUNDS / 5];
}

static struct pair make_offloading_pair(void)
{
    const int bytes = BUFFER_BYTES;
    struct pair pair = make_pair();
    struct datapath *a = pair.a.datapath, *b = pair.b.datapath;
    a->tap.vnet_header = b->tap.vnet_header = b->run.tcp = true;
    a->max_frame_bytes = b->max_frame_bytes = FRAME_MAX_BYTES;
    setsockopt(pair.a.kernel, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(b->tap.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return pair;
}

static void make_frame_of_tcp(const struct pair *pair)
{
    made = (struct super_frame){.tcp = true,
                                .tcp_flags = ACK,
                                .tcp_option_bytes = 12,
                                .segment_data_bytes = SEGMENT_DATA_BYTES,
                                .data_bytes = SEGMENTS * SEGMENT_DATA_BYTES};
    make_super_frame(&made);
    memcpy(made.vnet.bytes, pair->b.addresses.mac, MAC_BYTES);
    memcpy(made.vnet.bytes + MAC_BYTES, pair->a.addresses.mac, MAC_BYTES);
    memcpy(made.vnet.bytes + made.ip + 12, pair->a.addresses.ip4, IP4_BYTES);
    write_ip(&made);
    write_pseudo_sum(&made);
}

static void measure(void)
{
    static struct vnet_frame got;
    struct pair pair = make_offloading_pair();
    make_frame_of_tcp(&pair);
    const ssize_t bytes = (ssize_t)(made.bytes + sizeof made.vnet.header);
    for (int round = 0; round < ROUNDS; round++) {
        CHECK(write(pair.a.kernel, &made.vnet, (size_t)bytes) == bytes);
        double began_us = now_us();
        CHECK(outbound_batch(pair.a.datapath));
        double sent_us = now_us();
        CHECK(inbound_batch(pair.b.datapath));
        in_us[round] = now_us() - sent_us;
        out_us[round] = sent_us - began_us;
        CHECK(read(pair.b.kernel, &got, sizeof got) == bytes);
    }
    double out = fifth(out_us), in = fifth(in_us);
    printf("%d bytes of TCP: out %.1f us, in %.1f us; %.2f s per GB\n", SEGMENTS * SEGMENT_DATA_BYTES, out, in,
           (out + in) * 1e3 / (SEGMENTS * SEGMENT_DATA_BYTES));
    free_pair(&pair);
}

RUN_TESTS(TEST(measure))
