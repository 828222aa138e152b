/*
 * What libFuzzer calls (fuzz.mjs). The first byte says which way in the other bytes take:
 *
 *     0  a frame with its vnet header, as the kernel hands it over    -> outbound.c
 *     1  a UDP packet from anybody                                    -> inbound.c
 *     2  a frame that an enrolled peer seals, whatever it says        -> inbound.c behind the AEAD
 *     3  frames, each behind its length and whether it is unsummed    -> coalesce.c, and what it joins -> segment.c
 *
 * Beside the sanitizers' faults, a joined frame that cannot be cut into as many segments again is a fault.
 */
#include "coalesce.h"
#include "node_pair.h"
#include "segment.h"

static struct pair pair;
static struct udp_socket attacker;

static void prepare(void)
{
    struct fault fault;
    current_test = "fuzz";
    pair = make_pair();
    pair.a.datapath->tap.vnet_header = true;
    CHECK(socket_open(&attacker, 0, true, &fault));
}

static void empty(struct node *node)
{
    struct event event;
    static struct vnet_frame frame;
    while (next_event(node, &event)) continue;
    while (read(node->kernel, &frame, sizeof frame) >= 0) continue;
    CHECK(inbound_batch(node->datapath));
}

static void from_kernel(const uint8_t *data, size_t size)
{
    CHECK(write(pair.a.kernel, data, size) == (ssize_t)size);
    CHECK(outbound_batch(pair.a.datapath));
    CHECK(inbound_batch(pair.b.datapath));
}

static void from_anybody(const uint8_t *data, size_t size)
{
    CHECK(socket_send(&attacker, &pair.b.endpoint, data, size));
    CHECK(inbound_batch(pair.b.datapath));
}

/* The last bit says whether it is said to be unsummed. */
static void from_peer(const uint8_t *data, size_t size)
{
    enum packet_type type = data[size - 1] & 1 ? PACKET_UNSUMMED_FRAME : PACKET_FRAME;
    if (size > FRAME_MAX_BYTES) return;
    memcpy(pair.a.datapath->packet + PACKET_HEADER_BYTES, data, size);
    struct peer *peer = pair.a.datapath->table.peers[4];
    CHECK(outbound_send(pair.a.datapath, peer, &peer->path, type, size));
    CHECK(inbound_batch(pair.b.datapath));
}

static void check_joined(struct run *run)
{
    struct segmenter segmenter;
    unsigned wanted = run->segments, count = 0;
    size_t bytes = run_finish(run);
    if (wanted == 1) return;
    CHECK(segmenter_init(&segmenter, &run->frame, bytes));
    for (; segmenter_next_bytes(&segmenter) > 0; count++) segmenter_next(&segmenter, CHECKSUMS_DONE);
    CHECK(count == wanted);
}

/* The frame is copied into the run's room, as if it had been opened there. */
static void join_one(struct run *run, const uint8_t *data, size_t bytes, bool unsummed)
{
    struct arrival arrival;
    uint8_t *room = run_room(run, bytes);
    if (room != NULL) memcpy(room, data, bytes);
    if (arrival_read(&arrival, room == NULL ? data : room, bytes, unsummed) && run_add(run, &arrival)) return;
    run_clear_room(run);
    if (run->bytes == 0) return;
    check_joined(run);
    if (arrival_read(&arrival, data, bytes, unsummed)) CHECK(run_add(run, &arrival));
}

/* Two bytes of length before each frame, of which the first bit says that it is unsummed. */
static void join(const uint8_t *data, size_t size)
{
    static struct run run = {.tcp = true, .udp = true};
    while (size > 2) {
        bool unsummed = data[0] & 0x80;
        size_t bytes = (size_t)((data[0] & 0x7f) << 8 | data[1]) % (size - 1);
        data += 2;
        size -= 2;
        if (bytes >= FRAME_HEADER_BYTES) join_one(&run, data, bytes, unsummed);
        data += bytes;
        size -= bytes;
    }
    if (run.bytes > 0) check_joined(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ways[])(const uint8_t *, size_t) = {from_kernel, from_anybody, from_peer, join};
    if (pair.a.datapath == NULL) prepare();
    if (size < 2) return 0;
    ways[data[0] & 3](data + 1, size - 1);
    empty(&pair.a);
    empty(&pair.b);
    if (current_failed) abort();
    return 0;
}
