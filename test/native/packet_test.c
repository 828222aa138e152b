/* Wire form and AEAD against golden vectors, which were made with node:crypto (vectors.mjs) and not with this code. */
#include "packet.h"

#include "aead.h"
#include "check.h"
#include "vectors.h"

static const struct packet_header golden_header = {PACKET_FRAME, 0x04030201, 0x0807060504030201};

static void writes_the_golden_header(void)
{
    uint8_t packet[PACKET_HEADER_BYTES];
    packet_write_header(packet, &golden_header);
    CHECK_BYTES(packet, "04 01 0000 01020304 0102030405060708");
}

static void reads_what_it_writes(void)
{
    uint8_t packet[PACKET_OVERHEAD_BYTES] = {0};
    struct packet_header header;
    packet_write_header(packet, &golden_header);
    CHECK(packet_read_header(packet, sizeof packet, &header) == PASS);
    CHECK(header.type == PACKET_FRAME);
    CHECK(header.receiver_index == golden_header.receiver_index);
    CHECK(header.counter == golden_header.counter);
}

static void makes_the_nonce_of_the_counter(void)
{
    uint8_t nonce[PACKET_NONCE_BYTES];
    packet_nonce(0x0807060504030201, nonce);
    CHECK_BYTES(nonce, "00000000 0102030405060708");
}

static void refuses_every_length_that_is_too_short(void)
{
    uint8_t packet[PACKET_OVERHEAD_BYTES];
    struct packet_header header;
    packet_write_header(packet, &golden_header);
    for (size_t bytes = 0; bytes < PACKET_OVERHEAD_BYTES; bytes++) {
        CHECK(packet_read_header(packet, bytes, &header) == DROP_PACKET_TOO_SHORT);
    }
}

static void knows_four_types_of_one_version(void)
{
    struct packet_header header;
    for (unsigned type = 0; type < 256; type++) {
        uint8_t packet[PACKET_OVERHEAD_BYTES] = {(uint8_t)type, PACKET_VERSION};
        bool known = type == PACKET_FRAME || type == PACKET_PROBE || type == PACKET_ECHO ||
                     type == PACKET_UNSUMMED_FRAME;
        CHECK(packet_read_header(packet, sizeof packet, &header) == (known ? PASS : DROP_PACKET_UNKNOWN_TYPE));
    }
    for (int byte = 1; byte < 4; byte++) {
        uint8_t packet[PACKET_OVERHEAD_BYTES] = {PACKET_FRAME, PACKET_VERSION};
        packet[byte] ^= 0x80;
        CHECK(packet_read_header(packet, sizeof packet, &header) == DROP_PACKET_UNKNOWN_TYPE);
    }
}

static void carries_a_probe(void)
{
    uint8_t payload[PROBE_BYTES];
    probe_write(payload, &(struct probe){.id = 0xdeadbeef, .sent_us = 0x0102030405060708});
    CHECK_BYTES(payload, "efbeadde 0807060504030201");
    struct probe probe = probe_read(payload);
    CHECK(probe.id == 0xdeadbeef && probe.sent_us == 0x0102030405060708);
}

static void seals_like(enum aead_cipher cipher, const char *golden)
{
    uint8_t key[AEAD_KEY_BYTES], packet[512] = {0};
    struct aead aead;
    from_hex(VECTOR_KEY, key);
    CHECK(aead_init(&aead, cipher, AEAD_SEAL, key));
    packet_write_header(packet, &golden_header);
    size_t payload_bytes = from_hex(VECTOR_PAYLOAD, packet + PACKET_HEADER_BYTES);
    CHECK(aead_seal(&aead, packet + PACKET_HEADER_BYTES, payload_bytes, golden_header.counter, packet));
    CHECK_BYTES(packet, golden);
    /* From elsewhere than the packet. */
    uint8_t payload[512];
    from_hex(VECTOR_PAYLOAD, payload);
    memset(packet + PACKET_HEADER_BYTES, 0, sizeof packet - PACKET_HEADER_BYTES);
    CHECK(aead_seal(&aead, payload, payload_bytes, golden_header.counter, packet));
    CHECK_BYTES(packet, golden);
    aead_clear(&aead);
}

static void opens(enum aead_cipher cipher, const char *golden)
{
    uint8_t key[AEAD_KEY_BYTES], packet[512];
    struct aead aead;
    from_hex(VECTOR_KEY, key);
    size_t payload_bytes = from_hex(golden, packet) - PACKET_OVERHEAD_BYTES;
    CHECK(aead_init(&aead, cipher, AEAD_OPEN, key));
    CHECK(aead_open(&aead, packet, packet + PACKET_HEADER_BYTES, payload_bytes, golden_header.counter));
    CHECK_BYTES(packet + PACKET_HEADER_BYTES, VECTOR_PAYLOAD);

    /* One bit of header, payload or tag, or another counter: not authentic. And the next packet opens again. */
    size_t packet_bytes = payload_bytes + PACKET_OVERHEAD_BYTES;
    for (size_t at = 0; at < packet_bytes; at++) {
        from_hex(golden, packet);
        packet[at] ^= 1;
        CHECK(!aead_open(&aead, packet, packet + PACKET_HEADER_BYTES, payload_bytes, golden_header.counter));
    }
    from_hex(golden, packet);
    CHECK(!aead_open(&aead, packet, packet + PACKET_HEADER_BYTES, payload_bytes, golden_header.counter + 1));
    from_hex(golden, packet);
    CHECK(aead_open(&aead, packet, packet + PACKET_HEADER_BYTES, payload_bytes, golden_header.counter));
    /* Elsewhere than in the packet. */
    uint8_t payload[512];
    from_hex(golden, packet);
    CHECK(aead_open(&aead, packet, payload, payload_bytes, golden_header.counter));
    CHECK_BYTES(payload, VECTOR_PAYLOAD);
    aead_clear(&aead);
    aead_clear(&aead);
}

static void seals_the_golden_packet_with_aes_256_gcm(void)
{
    seals_like(AEAD_AES_256_GCM, VECTOR_AES_256_GCM);
}

static void seals_the_golden_packet_with_chacha20_poly1305(void)
{
    seals_like(AEAD_CHACHA20_POLY1305, VECTOR_CHACHA20_POLY1305);
}

static void opens_only_the_golden_packet_with_aes_256_gcm(void)
{
    opens(AEAD_AES_256_GCM, VECTOR_AES_256_GCM);
}

static void opens_only_the_golden_packet_with_chacha20_poly1305(void)
{
    opens(AEAD_CHACHA20_POLY1305, VECTOR_CHACHA20_POLY1305);
}

RUN_TESTS(TEST(writes_the_golden_header), TEST(reads_what_it_writes), TEST(makes_the_nonce_of_the_counter),
          TEST(refuses_every_length_that_is_too_short), TEST(knows_four_types_of_one_version), TEST(carries_a_probe),
          TEST(seals_the_golden_packet_with_aes_256_gcm), TEST(seals_the_golden_packet_with_chacha20_poly1305),
          TEST(opens_only_the_golden_packet_with_aes_256_gcm),
          TEST(opens_only_the_golden_packet_with_chacha20_poly1305))
