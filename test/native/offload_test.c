/* Super-frames between two datapaths: what one kernel gives, the other has, with the checksums that it can do itself. */
#include "node_pair.h"
#include "super_frame.h"

enum { ACK = 16, SEGMENT_DATA_BYTES = 1200 };

static struct super_frame made;

/* Two kernels with offloads, or a receiver whose kernel has none. */
static struct pair make_offloading_pair(bool receiver_offloads)
{
    struct pair pair = make_pair();
    pair.a.datapath->tap.vnet_header = true;
    pair.b.datapath->tap.vnet_header = receiver_offloads;
    pair.b.datapath->run.tcp = pair.b.datapath->run.udp = receiver_offloads;
    return pair;
}

/* From a to b, and not longer than a socket pair carries at once. */
static void make(const struct pair *pair, bool ip6, bool tcp, size_t data_bytes)
{
    made = (struct super_frame){
        .ip6 = ip6, .tcp = tcp, .segment_data_bytes = SEGMENT_DATA_BYTES, .data_bytes = data_bytes, .tcp_flags = ACK};
    make_super_frame(&made);
    uint8_t *frame = made.vnet.bytes;
    memcpy(frame, pair->b.addresses.mac, MAC_BYTES);
    memcpy(frame + MAC_BYTES, pair->a.addresses.mac, MAC_BYTES);
    memcpy(frame + made.ip + (ip6 ? 8 : 12), ip6 ? pair->a.addresses.ip6 : pair->a.addresses.ip4, ip6 ? 16 : 4);
    write_ip(&made);
    write_pseudo_sum(&made);
}

static void send_made(struct pair *pair)
{
    const size_t bytes = made.bytes + sizeof made.vnet.header;
    CHECK(write(pair->a.kernel, &made.vnet, bytes) == (ssize_t)bytes);
    CHECK(outbound_batch(pair->a.datapath));
    take_packets(&pair->b);
}

static void gives_the_other_kernel_what_this_one_gave(void)
{
    static struct vnet_frame got;
    struct pair pair = make_offloading_pair(true);
    for (int kind = 0; kind < 4; kind++) {
        make(&pair, kind & 1, kind & 2, 30 * SEGMENT_DATA_BYTES + 77);
        send_made(&pair);
        CHECK(read(pair.b.kernel, &got, sizeof got) == (ssize_t)(made.bytes + sizeof got.header));
        CHECK(memcmp(&got, &made.vnet, made.bytes + sizeof got.header) == 0);
        CHECK(read(pair.b.kernel, &got, sizeof got) == -1);
    }
    CHECK(pair.b.datapath->counters.to_tap.frames == 4 * 31);
    free_pair(&pair);
}

static void leaves_the_checksum_of_a_single_frame_undone(void)
{
    static struct vnet_frame got;
    struct pair pair = make_offloading_pair(true);
    make(&pair, false, false, 200);
    made.vnet.header.gso_type = VNET_GSO_NONE;
    send_made(&pair);
    CHECK(read(pair.b.kernel, &got, sizeof got) == (ssize_t)(made.bytes + sizeof got.header));
    CHECK(got.header.flags == VNET_NEEDS_CHECKSUM && got.header.checksum_start == made.transport);
    CHECK(memcmp(got.bytes, made.vnet.bytes, made.bytes) == 0);
    free_pair(&pair);
}

static void does_the_checksums_for_a_kernel_that_cannot(void)
{
    uint8_t got[FRAME_MAX_BYTES];
    struct pair pair = make_offloading_pair(false);
    for (int kind = 0; kind < 4; kind++) {
        make(&pair, kind & 1, kind & 2, 2 * SEGMENT_DATA_BYTES + 77);
        send_made(&pair);
        for (size_t at = 0; at < 3; at++) {
            size_t bytes = made.data + (at < 2 ? SEGMENT_DATA_BYTES : 77);
            CHECK(into_kernel(&pair.b, got) == (ssize_t)bytes && checksums_right(&made, got, bytes));
            CHECK(memcmp(got + made.data, made.vnet.bytes + made.data + at * SEGMENT_DATA_BYTES, bytes - made.data) == 0);
        }
    }
    free_pair(&pair);
}

/* Another flow, a probe and a forgery between the segments of one flow spoil none of them. */
static void keeps_what_it_joins_from_what_comes_between(void)
{
    static struct vnet_frame got;
    struct pair pair = make_offloading_pair(true);
    uint8_t stray[300];
    make(&pair, false, true, 10 * SEGMENT_DATA_BYTES);
    make_frame(stray, sizeof stray, &pair.a, pair.b.addresses.mac);
    CHECK(write(pair.a.kernel, &made.vnet, made.bytes + sizeof got.header) > 0);
    CHECK(outbound_batch(pair.a.datapath));
    CHECK(control_send_frame(pair.a.datapath, 4, stray, sizeof stray));
    control_send_probe(pair.a.datapath, 4, &pair.b.endpoint, 1, 0);
    memset(pair.a.datapath->packet + PACKET_HEADER_BYTES, 0x77, 900);
    CHECK(socket_send(&pair.a.datapath->socket, &pair.b.endpoint, pair.a.datapath->packet, 900));
    make_frame(stray, sizeof stray, &pair.b, pair.b.addresses.mac);
    CHECK(control_send_frame(pair.a.datapath, 4, stray, sizeof stray));
    CHECK(inbound_batch(pair.b.datapath));
    CHECK(read(pair.b.kernel, &got, sizeof got) == (ssize_t)(made.bytes + sizeof got.header));
    CHECK(memcmp(&got, &made.vnet, made.bytes + sizeof got.header) == 0);
    make_frame(stray, sizeof stray, &pair.a, pair.b.addresses.mac);
    CHECK(read(pair.b.kernel, &got, sizeof got) == (ssize_t)(sizeof stray + sizeof got.header));
    CHECK(memcmp(got.bytes, stray, sizeof stray) == 0 && got.header.flags == 0);
    CHECK(drops(&pair.b, DROP_SOURCE_MAC_MISMATCH) == 1);
    CHECK(drops(&pair.b, DROP_PACKET_NOT_AUTHENTIC) + drops(&pair.b, DROP_PACKET_REPLAYED) == 1);
    free_pair(&pair);
}

static void refuses_to_finish_a_checksum_that_is_not_there(void)
{
    struct pair pair = make_offloading_pair(true);
    struct node *a = &pair.a;
    struct peer *peer = a->datapath->table.peers[4];
    make_frame(a->datapath->packet + PACKET_HEADER_BYTES, 100, a, pair.b.addresses.mac);
    CHECK(outbound_send(a->datapath, peer, &peer->path, PACKET_UNSUMMED_FRAME, 100));
    take_packets(&pair.b);
    CHECK(drops(&pair.b, DROP_FRAME_NOT_SUMMABLE) == 1 && pair.b.datapath->counters.to_tap.frames == 0);
    free_pair(&pair);
}

/* Before a path is known, whole frames go up, one by one and summed. */
static void tells_the_controller_of_frames_with_their_checksums(void)
{
    static uint8_t frame[FRAME_MAX_BYTES];
    struct pair pair = make_offloading_pair(true);
    struct event_ring *ring = &pair.a.datapath->ring;
    struct event event;
    CHECK(control_set_path(pair.a.datapath, 4, NULL, 0) == TABLE_OK);
    make(&pair, false, true, 3 * SEGMENT_DATA_BYTES);
    CHECK(write(pair.a.kernel, &made.vnet, made.bytes + sizeof made.vnet.header) > 0);
    CHECK(outbound_batch(pair.a.datapath));
    unsigned count = 0;
    for (; event_ring_peek(ring, &event); count++) {
        CHECK(event.kind == EVENT_SLOW_PATH && event.frame_bytes == made.data + SEGMENT_DATA_BYTES);
        event_ring_take(ring, &event, frame);
        CHECK(checksums_right(&made, frame, event.frame_bytes));
    }
    CHECK(count == 3);
    free_pair(&pair);
}

RUN_TESTS(TEST(gives_the_other_kernel_what_this_one_gave), TEST(leaves_the_checksum_of_a_single_frame_undone),
          TEST(does_the_checksums_for_a_kernel_that_cannot), TEST(keeps_what_it_joins_from_what_comes_between),
          TEST(refuses_to_finish_a_checksum_that_is_not_there),
          TEST(tells_the_controller_of_frames_with_their_checksums))
