/* What finds paths: padded probes, frames that a path is too narrow for, STUN messages on our own port; cipher speed. */
#include "aead_speed.h"
#include "node_pair.h"
#include "stun.h"

/* Bytes of the packet that waits longest at a node's socket; 0 where none does. */
static size_t next_packet_bytes(struct node *node)
{
    uint8_t packet[PACKET_MAX_BYTES];
    struct received received;
    bool came = socket_receive(&node->datapath->socket, packet, sizeof packet, &received);
    return came ? received.bytes : 0;
}

static void sends_padded_probes_of_the_size_of_a_frame(void)
{
    struct pair pair = make_pair();
    control_send_probe(pair.a.datapath, 4, &pair.b.endpoint, 5, 1294);
    CHECK(next_packet_bytes(&pair.b) == 1294 + PACKET_OVERHEAD_BYTES);
    control_send_probe(pair.a.datapath, 4, &pair.b.endpoint, 6, 0);
    CHECK(next_packet_bytes(&pair.b) == PROBE_BYTES + PACKET_OVERHEAD_BYTES);
    control_send_probe(pair.a.datapath, 4, &pair.b.endpoint, 7, FRAME_MAX_BYTES + 1);
    CHECK(drops(&pair.a, DROP_FRAME_TOO_LONG) == 1);
    free_pair(&pair);
}

static void echoes_padded_probes_without_their_padding(void)
{
    struct pair pair = make_pair();
    control_send_probe(pair.a.datapath, 4, &pair.b.endpoint, 5, 1294);
    take_packets(&pair.b);
    CHECK(next_packet_bytes(&pair.a) == PROBE_BYTES + PACKET_OVERHEAD_BYTES);
    free_pair(&pair);
}

/* A host with several addresses: this machine's loopback has as many as 127.0.0.0/8. */
static void answers_from_the_address_that_was_asked(void)
{
    struct pair pair = make_pair();
    const char *const addresses[] = {"127.0.0.2", "127.0.0.3"};
    for (size_t each = 0; each < 2; each++) {
        uint8_t packet[PACKET_MAX_BYTES];
        struct received received;
        struct endpoint asked;
        CHECK(endpoint_parse(addresses[each], pair.b.endpoint.port, &asked));
        control_send_probe(pair.a.datapath, 4, &asked, 5, 0);
        take_packets(&pair.b);
        CHECK(socket_receive(&pair.a.datapath->socket, packet, sizeof packet, &received));
        CHECK(received.bytes == PROBE_BYTES + PACKET_OVERHEAD_BYTES);
        CHECK(endpoint_equals(&received.from, &asked));
    }
    free_pair(&pair);
}

static void reports_frames_that_the_path_is_too_narrow_for(void)
{
    struct pair pair = make_pair();
    struct event event;
    uint8_t frame[1000], read_back[FRAME_MAX_BYTES];
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    CHECK(control_set_path(pair.a.datapath, 4, &pair.b.endpoint, 999) == TABLE_OK);
    out_of_kernel(&pair.a, frame, 1000);
    CHECK(next_event(&pair.a, &event) && event.kind == EVENT_OVERSIZE && event.slot == 4 && event.frame_bytes == 1000);
    out_of_kernel(&pair.a, frame, 999);
    CHECK(!next_event(&pair.a, &event));
    take_packets(&pair.b);
    CHECK(into_kernel(&pair.b, read_back) == 999);
    free_pair(&pair);
}

/* A binding request with a magic cookie, of `bytes` bytes. */
static void make_stun(uint8_t *message, size_t bytes)
{
    const uint8_t header[8] = {0, 1, (uint8_t)((bytes - 20) >> 8), (uint8_t)(bytes - 20), 0x21, 0x12, 0xa4, 0x42};
    memset(message, 0x77, bytes);
    memcpy(message, header, sizeof header);
}

static void takes_stun_messages_at_its_own_port(void)
{
    struct pair pair = make_pair();
    struct event event;
    uint8_t message[32], taken[32];
    make_stun(message, sizeof message);
    control_send_stun(pair.a.datapath, &pair.b.endpoint, message, sizeof message);
    take_packets(&pair.b);
    CHECK(event_ring_peek(&pair.b.datapath->ring, &event));
    CHECK(event.kind == EVENT_STUN && event.frame_bytes == sizeof message);
    CHECK(endpoint_equals(&event.endpoint, &pair.a.endpoint));
    event_ring_take(&pair.b.datapath->ring, &event, taken);
    CHECK(memcmp(taken, message, sizeof message) == 0);
    free_pair(&pair);
}

static void lets_few_stun_messages_a_second_come_up(void)
{
    struct pair pair = make_pair();
    struct event event;
    uint8_t message[20];
    unsigned told = 0;
    make_stun(message, sizeof message);
    for (int count = 0; count < 50; count++) {
        control_send_stun(pair.a.datapath, &pair.b.endpoint, message, sizeof message);
    }
    pair.b.datapath->now_us = 5000000;
    take_packets(&pair.b);
    while (next_event(&pair.b, &event)) told++;
    CHECK(told == STUN_EVENTS_PER_SECOND);
    CHECK(drops(&pair.b, DROP_STUN_LIMIT) == 50 - STUN_EVENTS_PER_SECOND);
    free_pair(&pair);
}

static void knows_stun_from_everything_else(void)
{
    uint8_t message[STUN_MAX_BYTES + 4];
    make_stun(message, 32);
    CHECK(stun_is_message(message, 32));
    CHECK(!stun_is_message(message, 28) && !stun_is_message(message, 36) && !stun_is_message(message, 19));
    message[0] = PACKET_FRAME;
    CHECK(!stun_is_message(message, 32));
    make_stun(message, 32);
    message[7] ^= 1;
    CHECK(!stun_is_message(message, 32));
    make_stun(message, sizeof message);
    CHECK(!stun_is_message(message, sizeof message));
}

static void measures_both_ciphers(void)
{
    CHECK(aead_speed(AEAD_AES_256_GCM) > 0);
    CHECK(aead_speed(AEAD_CHACHA20_POLY1305) > 0);
}

RUN_TESTS(TEST(sends_padded_probes_of_the_size_of_a_frame), TEST(echoes_padded_probes_without_their_padding),
          TEST(answers_from_the_address_that_was_asked),
          TEST(reports_frames_that_the_path_is_too_narrow_for), TEST(takes_stun_messages_at_its_own_port),
          TEST(lets_few_stun_messages_a_second_come_up), TEST(knows_stun_from_everything_else),
          TEST(measures_both_ciphers))
