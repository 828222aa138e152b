/* What comes from liars, repeaters and noise: refused, counted by name, and without effect on what is honest. */
#include "node_pair.h"

static void refuses_frames_that_speak_for_others(void)
{
    struct pair pair = make_pair();
    uint8_t frame[100], got[FRAME_MAX_BYTES];
    make_frame(frame, sizeof frame, &pair.b, pair.b.addresses.mac);
    send_sealed(&pair, frame, sizeof frame);
    CHECK(drops(&pair.b, DROP_SOURCE_MAC_MISMATCH) == 1);
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    frame[FRAME_HEADER_BYTES + 15] = 9;
    send_sealed(&pair, frame, sizeof frame);
    CHECK(drops(&pair.b, DROP_SOURCE_IP_MISMATCH) == 1);
    make_frame(frame, sizeof frame, &pair.a, pair.a.addresses.mac);
    send_sealed(&pair, frame, sizeof frame);
    CHECK(drops(&pair.b, DROP_NOT_FOR_THIS_NODE) == 1);
    CHECK(into_kernel(&pair.b, got) == -1 && errno == EAGAIN);
    free_pair(&pair);
}

static void send_raw(struct node *to, const uint8_t *packet, size_t bytes)
{
    struct udp_socket attacker;
    struct fault fault;
    CHECK(socket_open(&attacker, 0, true, &fault));
    CHECK(socket_send(&attacker, &to->endpoint, packet, bytes));
    take_packets(to);
    socket_close(&attacker);
}

static void refuses_packets_that_are_changed_or_repeated(void)
{
    struct pair pair = make_pair();
    uint8_t frame[100], packet[PACKET_MAX_BYTES], got[FRAME_MAX_BYTES];
    const size_t bytes = sizeof frame + PACKET_OVERHEAD_BYTES;
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    CHECK(control_send_frame(pair.a.datapath, 4, frame, sizeof frame));
    memcpy(packet, pair.a.datapath->packet, bytes);
    take_packets(&pair.b);
    CHECK(into_kernel(&pair.b, got) == sizeof frame);

    send_raw(&pair.b, packet, bytes);
    CHECK(drops(&pair.b, DROP_PACKET_REPLAYED) == 1);
    packet[8] += 7;
    send_raw(&pair.b, packet, bytes);
    CHECK(drops(&pair.b, DROP_PACKET_NOT_AUTHENTIC) == 1);
    packet[4] ^= 1;
    send_raw(&pair.b, packet, bytes);
    CHECK(drops(&pair.b, DROP_PACKET_UNKNOWN_INDEX) == 1);
    packet[0] = 0;
    send_raw(&pair.b, packet, bytes);
    CHECK(drops(&pair.b, DROP_PACKET_UNKNOWN_TYPE) == 1);
    send_raw(&pair.b, packet, 0);
    CHECK(drops(&pair.b, DROP_PACKET_TOO_SHORT) == 1);
    CHECK(into_kernel(&pair.b, got) == -1);
    /* Forgeries are no sign of life, and moved no window: the next honest packet passes. */
    CHECK(event_ring_is_empty(&pair.b.datapath->ring));
    send_sealed(&pair, frame, sizeof frame);
    CHECK(into_kernel(&pair.b, got) == sizeof frame);
    free_pair(&pair);
}

static void survives_arbitrary_and_altered_packets(void)
{
    struct pair pair = make_pair();
    struct udp_socket attacker;
    struct fault fault;
    struct endpoint path;
    uint8_t frame[100], packet[400], got[FRAME_MAX_BYTES];
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    CHECK(socket_open(&attacker, 0, true, &fault));
    /* Where the peer is reached, nothing limits forgeries: all of them are to be opened here. */
    CHECK(endpoint_parse("127.0.0.1", attacker.port, &path));
    CHECK(control_set_path(pair.b.datapath, 4, &path, FRAME_MAX_BYTES) == TABLE_OK);
    for (int round = 0; round < 20000; round++) {
        size_t bytes = next_random() % sizeof packet;
        for (size_t at = 0; at < bytes; at++) packet[at] = (uint8_t)next_random();
        /* Half of them get past header and table. */
        if (bytes >= PACKET_HEADER_BYTES && round % 2 == 0) {
            packet_write_header(packet, &(struct packet_header){PACKET_FRAME + round % 3, 22, next_random()});
        }
        CHECK(socket_send(&attacker, &pair.b.endpoint, packet, bytes));
        CHECK(inbound_batch(pair.b.datapath));
    }
    CHECK(pair.b.datapath->counters.to_tap.frames == 0);
    CHECK(drops(&pair.b, DROP_PACKET_NOT_AUTHENTIC) > 5000);
    send_sealed(&pair, frame, sizeof frame);
    CHECK(into_kernel(&pair.b, got) == sizeof frame);
    socket_close(&attacker);
    free_pair(&pair);
}

enum { FLOOD_PACKETS = 1000 };

/* Packets that name b's session with a, of bytes that nobody sealed. */
static void flood(struct node *to, const struct udp_socket *from)
{
    uint8_t packet[100] = {0};
    for (unsigned count = 0; count < FLOOD_PACKETS; count++) {
        packet_write_header(packet, &(struct packet_header){PACKET_FRAME, 22, 1000000 + count});
        CHECK(socket_send(from, &to->endpoint, packet, sizeof packet));
        take_packets(to);
    }
}

static struct rate_limit *forgeries_from(struct node *node, uint16_t port)
{
    struct endpoint from;
    CHECK(endpoint_parse("127.0.0.1", port, &from));
    return forgery_limit_of(&node->datapath->forgery_limit, &from);
}

static void opens_only_so_many_forgeries_of_a_source(void)
{
    struct pair pair = make_pair();
    struct udp_socket attacker;
    struct fault fault;
    CHECK(socket_open(&attacker, 0, true, &fault));
    flood(&pair.b, &attacker);
    CHECK(drops(&pair.b, DROP_PACKET_NOT_AUTHENTIC) == SOURCE_FORGERIES_PER_SECOND);
    CHECK(drops(&pair.b, DROP_FORGERY_LIMIT) == FLOOD_PACKETS - SOURCE_FORGERIES_PER_SECOND);
    pair.b.datapath->now_us += 1000000;
    flood(&pair.b, &attacker);
    CHECK(drops(&pair.b, DROP_PACKET_NOT_AUTHENTIC) == 2 * SOURCE_FORGERIES_PER_SECOND);
    socket_close(&attacker);
    free_pair(&pair);
}

static void hears_a_peer_under_a_flood_where_it_is_and_where_it_moves_to(void)
{
    struct pair pair = make_pair();
    struct udp_socket attacker, elsewhere;
    struct fault fault;
    uint8_t frame[100], got[FRAME_MAX_BYTES];
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    CHECK(socket_open(&attacker, 0, true, &fault));
    flood(&pair.b, &attacker);
    send_sealed(&pair, frame, sizeof frame);
    CHECK(into_kernel(&pair.b, got) == sizeof frame);

    /* The same address as the peer's own: it is not cut off by what others send from there. */
    uint64_t before = drops(&pair.b, DROP_PACKET_NOT_AUTHENTIC);
    flood(&pair.b, &pair.a.datapath->socket);
    CHECK(drops(&pair.b, DROP_PACKET_NOT_AUTHENTIC) == before + FLOOD_PACKETS);
    send_sealed(&pair, frame, sizeof frame);
    CHECK(into_kernel(&pair.b, got) == sizeof frame);

    /* A new place, which shares no counter with the attacker. */
    CHECK(socket_open(&elsewhere, 0, true, &fault));
    while (forgeries_from(&pair.b, elsewhere.port) == forgeries_from(&pair.b, attacker.port)) {
        socket_close(&elsewhere);
        CHECK(socket_open(&elsewhere, 0, true, &fault));
    }
    struct udp_socket old = pair.a.datapath->socket;
    pair.a.datapath->socket = elsewhere;
    send_sealed(&pair, frame, sizeof frame);
    CHECK(into_kernel(&pair.b, got) == sizeof frame);
    socket_close(&old);
    socket_close(&attacker);
    free_pair(&pair);
}

/* A peer may seal what it likes: what it makes our controller hear is bounded all the same. */
static void lets_a_peer_reach_the_controller_only_so_often(void)
{
    struct pair pair = make_pair();
    struct event event;
    unsigned replies = 0;
    for (unsigned count = 0; count < 5000; count++) {
        probe_write(pair.a.datapath->packet + PACKET_HEADER_BYTES, &(struct probe){count, 1});
        struct peer *peer = table_peer_by_mac(&pair.a.datapath->table, pair.b.addresses.mac);
        CHECK(outbound_send(pair.a.datapath, peer, &pair.b.endpoint, PACKET_ECHO, PROBE_BYTES));
        take_packets(&pair.b);
        if (count % 100 == 0) pair.b.datapath->now_us += 1000;
    }
    while (next_event(&pair.b, &event)) replies += event.kind == EVENT_PROBE_REPLY;
    CHECK(replies == 200 && drops(&pair.b, DROP_ECHO_LIMIT) == 4800);
    free_pair(&pair);
}

RUN_TESTS(TEST(lets_a_peer_reach_the_controller_only_so_often), TEST(opens_only_so_many_forgeries_of_a_source),
          TEST(hears_a_peer_under_a_flood_where_it_is_and_where_it_moves_to), TEST(refuses_frames_that_speak_for_others), TEST(refuses_packets_that_are_changed_or_repeated),
          TEST(survives_arbitrary_and_altered_packets))
