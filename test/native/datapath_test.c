/* What a datapath carries, reports and counts between honest nodes. */
#include "node_pair.h"

static void carries_a_frame_unchanged(void)
{
    struct pair pair = make_pair();
    uint8_t frame[MTU + FRAME_HEADER_BYTES], got[FRAME_MAX_BYTES];
    for (size_t bytes = FRAME_HEADER_BYTES + 20; bytes <= sizeof frame; bytes += 97) {
        make_frame(frame, bytes, &pair.a, pair.b.addresses.mac);
        out_of_kernel(&pair.a, frame, bytes);
        take_packets(&pair.b);
        CHECK(into_kernel(&pair.b, got) == (ssize_t)bytes && memcmp(got, frame, bytes) == 0);
    }
    const struct peer_traffic *sent = &pair.a.datapath->table.peers[4]->traffic;
    const struct peer_traffic *received = &pair.b.datapath->table.peers[4]->traffic;
    CHECK(sent->sent.frames == 13 && sent->last_sent_us != 0 && sent->last_received_us == 0);
    CHECK(received->received.frames == 13 && received->received.bytes == sent->sent.bytes);
    CHECK(pair.b.datapath->counters.to_tap.frames == 13);
    CHECK(event_ring_is_empty(&pair.b.datapath->ring));
    free_pair(&pair);
}

static void tells_the_controller_what_it_cannot_carry(void)
{
    static const uint8_t stranger[MAC_BYTES] = {2, 9, 9, 9, 9, 9};
    static const uint8_t group[MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct pair pair = make_pair();
    struct event event;
    uint8_t frame[100];
    make_frame(frame, sizeof frame, &pair.a, stranger);
    out_of_kernel(&pair.a, frame, sizeof frame);
    CHECK(next_event(&pair.a, &event) && event.kind == EVENT_UNKNOWN_DESTINATION && event.frame_bytes == sizeof frame);
    make_frame(frame, sizeof frame, &pair.a, group);
    out_of_kernel(&pair.a, frame, sizeof frame);
    CHECK(next_event(&pair.a, &event) && event.kind == EVENT_FLOOD);
    CHECK(control_set_path(pair.a.datapath, 4, NULL, 0) == TABLE_OK);
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    out_of_kernel(&pair.a, frame, sizeof frame);
    CHECK(next_event(&pair.a, &event) && event.kind == EVENT_SLOW_PATH && event.slot == 4);
    out_of_kernel(&pair.a, frame, FRAME_HEADER_BYTES - 1);
    CHECK(drops(&pair.a, DROP_FRAME_TOO_SHORT) == 1 && !next_event(&pair.a, &event));
    free_pair(&pair);
}

static void counts_events_that_find_the_ring_full(void)
{
    static const uint8_t group[MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct pair pair = make_pair();
    uint8_t frame[MTU];
    make_frame(frame, sizeof frame, &pair.a, group);
    const unsigned fitting = EVENT_RING_BYTES / (sizeof(struct event) + sizeof frame);
    for (unsigned count = 0; count < fitting; count++) out_of_kernel(&pair.a, frame, sizeof frame);
    const uint64_t refused = drops(&pair.a, DROP_EVENT_RING_FULL);
    CHECK(refused >= fitting / 3 - 1 && refused <= fitting / 3 + 1);
    /* A storm of one kind leaves room for a peer's frames. */
    CHECK(control_set_path(pair.a.datapath, 4, NULL, 0) == TABLE_OK);
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    out_of_kernel(&pair.a, frame, sizeof frame);
    CHECK(drops(&pair.a, DROP_EVENT_RING_FULL) == refused);
    free_pair(&pair);
}

static void echoes_probes_and_reports_their_time(void)
{
    struct pair pair = make_pair();
    struct event event;
    control_send_probe(pair.a.datapath, 4, &pair.b.endpoint, 77, 0);
    take_packets(&pair.b);
    take_packets(&pair.a);
    CHECK(next_event(&pair.a, &event) && event.kind == EVENT_PROBE_REPLY);
    CHECK(event.slot == 4 && event.probe_id == 77 && event.rtt_us < 10000000);
    CHECK(endpoint_equals(&event.endpoint, &pair.b.endpoint));
    CHECK(pair.b.datapath->table.peers[4]->traffic.last_received_us != 0);
    CHECK(pair.b.datapath->table.peers[4]->traffic.last_sent_us == 0);
    CHECK(!next_event(&pair.a, &event) && !next_event(&pair.b, &event));
    free_pair(&pair);
}

static void tells_of_a_new_endpoint_once_a_second(void)
{
    struct pair pair = make_pair();
    struct event event;
    uint8_t frame[100];
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    CHECK(control_set_path(pair.b.datapath, 4, NULL, 0) == TABLE_OK);
    pair.b.datapath->now_us = 5000000;
    send_sealed(&pair, frame, sizeof frame);
    send_sealed(&pair, frame, sizeof frame);
    CHECK(next_event(&pair.b, &event) && event.kind == EVENT_HEARD && event.slot == 4);
    CHECK(endpoint_equals(&event.endpoint, &pair.a.endpoint));
    CHECK(!next_event(&pair.b, &event));
    pair.b.datapath->now_us += 1000000;
    send_sealed(&pair, frame, sizeof frame);
    CHECK(next_event(&pair.b, &event) && event.kind == EVENT_HEARD);
    CHECK(!pair.b.datapath->table.peers[4]->has_path);
    free_pair(&pair);
}

static void stops_sending_when_the_counter_is_spent(void)
{
    struct pair pair = make_pair();
    uint8_t frame[100];
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    pair.a.datapath->table.peers[4]->sending.counter = PACKET_COUNTER_LIMIT - 1;
    send_sealed(&pair, frame, sizeof frame);
    CHECK(pair.b.datapath->counters.to_tap.frames == 1);
    CHECK(!control_send_frame(pair.a.datapath, 4, frame, sizeof frame));
    CHECK(drops(&pair.a, DROP_COUNTER_EXHAUSTED) == 1);
    free_pair(&pair);
}

static void never_keeps_more_than_a_batch(void)
{
    struct pair pair = make_pair();
    uint8_t frame[100];
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    for (int count = 0; count < DATAPATH_BATCH + 10; count++) {
        CHECK(control_send_frame(pair.a.datapath, 4, frame, sizeof frame));
    }
    take_packets(&pair.b);
    CHECK(pair.b.datapath->counters.to_tap.frames + drops(&pair.b, DROP_TAP_WRITE_FAILED) == DATAPATH_BATCH);
    free_pair(&pair);
}

static void does_nothing_after_close(void)
{
    struct pair pair = make_pair();
    struct datapath_snapshot *snapshot = malloc(sizeof *snapshot);
    struct session_keys keys = keys_between(1, 2);
    uint8_t frame[100];
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    datapath_close(pair.a.datapath);
    datapath_close(pair.a.datapath);
    CHECK(!control_send_frame(pair.a.datapath, 4, frame, sizeof frame));
    CHECK(!control_deliver(pair.a.datapath, -1, frame, sizeof frame));
    CHECK(control_set_peer(pair.a.datapath, 4, &pair.b.addresses) == TABLE_OK);
    CHECK(control_add_session(pair.a.datapath, 4, &keys) == TABLE_OK);
    CHECK(control_set_path(pair.a.datapath, 4, &pair.b.endpoint, FRAME_MAX_BYTES) == TABLE_OK);
    control_snapshot(pair.a.datapath, snapshot);
    CHECK(snapshot->peer_count == 0);
    free(snapshot);
    free_pair(&pair);
}

/* Frames that came in one message of the slow path: each is checked by itself, and what is cut off is not read. */
static void delivers_the_frames_of_a_bundle(void)
{
    struct pair pair = make_pair();
    uint8_t bundle[3 * 102 + 2 + 50], got[FRAME_MAX_BYTES];
    for (int at = 0; at < 3; at++) {
        uint8_t *frame = bundle + at * 102 + 2;
        frame[-2] = 0;
        frame[-1] = 100;
        make_frame(frame, 100, at == 1 ? &pair.b : &pair.a, pair.b.addresses.mac);
    }
    memset(bundle + 3 * 102, 0, 2 + 50);
    bundle[3 * 102 + 1] = 51;
    control_deliver_bundle(pair.b.datapath, 4, bundle, sizeof bundle);
    CHECK(into_kernel(&pair.b, got) == 100 && memcmp(got, bundle + 2, 100) == 0);
    CHECK(into_kernel(&pair.b, got) == 100 && memcmp(got, bundle + 2 * 102 + 2, 100) == 0);
    CHECK(into_kernel(&pair.b, got) == -1);
    CHECK(drops(&pair.b, DROP_SOURCE_MAC_MISMATCH) == 1);
    control_deliver_bundle(pair.b.datapath, 4, bundle, 1);
    control_deliver_bundle(pair.b.datapath, 5, bundle, sizeof bundle);
    CHECK(into_kernel(&pair.b, got) == -1);
    CHECK(drops(&pair.b, DROP_SOURCE_MAC_MISMATCH) == 2);
    free_pair(&pair);
}

RUN_TESTS(TEST(delivers_the_frames_of_a_bundle), TEST(carries_a_frame_unchanged), TEST(tells_the_controller_what_it_cannot_carry),
          TEST(counts_events_that_find_the_ring_full), TEST(echoes_probes_and_reports_their_time),
          TEST(tells_of_a_new_endpoint_once_a_second), TEST(stops_sending_when_the_counter_is_spent),
          TEST(never_keeps_more_than_a_batch), TEST(does_nothing_after_close))
