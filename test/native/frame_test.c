/* Which frames ask for a neighbour, and which speak for somebody else. */
#include "frame.h"

#include "check.h"
#include "source_check.h"

#define OURS "020000000001"
#define PEER "0200000000b2"
#define BROADCAST "ffffffffffff"
#define PEER_IP4 "0a400002"
#define OTHER_IP4 "0a400003"
#define PEER_IP6 "fd000000000000000000000000000002"
#define OTHER_IP6 "fd000000000000000000000000000003"
#define PEER_LINK_LOCAL "fe800000000000000000 00fffe0000b2"
#define IP4(source) "0800 4500001400000000 40110000" source "0a400001"
#define ARP(operation, mac, ip) "0806 0001 0800 06 04 000" operation mac ip "000000000000 0a400001"
#define IP6(next, source, rest) "86dd 60000000 0018" next "ff" source OTHER_IP6 rest
#define SOLICITATION "87 00 0000 00000000" OTHER_IP6
#define ADVERTISEMENT(target) "88 00 0000 00000000" target

static struct peer_addresses peer(void)
{
    struct peer_addresses addresses;
    from_hex(PEER, addresses.mac);
    from_hex(PEER_IP4, addresses.ip4);
    from_hex(PEER_IP6, addresses.ip6);
    return addresses;
}

/* On the heap and of the exact size, so that AddressSanitizer sees the first byte read beyond. */
static enum drop_reason source_of(const char *hex)
{
    uint8_t bytes[512];
    size_t length = from_hex(hex, bytes);
    uint8_t *exact = malloc(length);
    memcpy(exact, bytes, length);
    struct frame frame = frame_view(exact, length);
    struct peer_addresses addresses = peer();
    enum drop_reason reason = source_check(&addresses, &frame);
    free(exact);
    return reason;
}

static bool asks(const char *hex)
{
    uint8_t bytes[512];
    size_t length = from_hex(hex, bytes);
    uint8_t *exact = malloc(length);
    memcpy(exact, bytes, length);
    struct frame frame = frame_view(exact, length);
    bool result = frame_asks_for_neighbour(&frame);
    free(exact);
    return result;
}

static void knows_who_asks_for_a_neighbour(void)
{
    CHECK(asks(BROADCAST OURS ARP("1", OURS, "0a400001")));
    CHECK(asks(PEER OURS ARP("1", OURS, "0a400001")));
    CHECK(!asks(PEER OURS ARP("2", OURS, "0a400001")));
    CHECK(asks(BROADCAST OURS "8100 0005" ARP("1", OURS, "0a400001")));
    CHECK(asks("3333ff000003" OURS IP6("3a", PEER_IP6, SOLICITATION)));
    CHECK(asks(PEER OURS IP6("3a", PEER_IP6, SOLICITATION)));
    CHECK(asks(PEER OURS IP6("00", PEER_IP6, "3a00050200000000" SOLICITATION)));
    CHECK(!asks(PEER OURS IP6("3a", PEER_IP6, ADVERTISEMENT(PEER_IP6))));
    CHECK(!asks(PEER OURS IP6("11", PEER_IP6, SOLICITATION)));
    CHECK(!asks(PEER OURS IP4(PEER_IP4)));
}

static void takes_what_speaks_for_the_peer(void)
{
    CHECK(source_of(OURS PEER IP4(PEER_IP4)) == PASS);
    CHECK(source_of(OURS PEER ARP("1", PEER, PEER_IP4)) == PASS);
    CHECK(source_of(OURS PEER IP6("11", PEER_IP6, "00")) == PASS);
    CHECK(source_of(OURS PEER IP6("3a", PEER_LINK_LOCAL, "80 00 0000")) == PASS);
    CHECK(source_of(OURS PEER IP6("3a", PEER_IP6, ADVERTISEMENT(PEER_IP6))) == PASS);
    CHECK(source_of(OURS PEER IP6("3a", PEER_IP6, ADVERTISEMENT(PEER_LINK_LOCAL))) == PASS);
    CHECK(source_of(OURS PEER "88cc 0102") == PASS);
}

static void refuses_another_mac(void)
{
    CHECK(source_of(OURS OURS IP4(PEER_IP4)) == DROP_SOURCE_MAC_MISMATCH);
    CHECK(source_of(OURS OURS "88cc 0102") == DROP_SOURCE_MAC_MISMATCH);
    CHECK(source_of(OURS PEER ARP("2", OURS, PEER_IP4)) == DROP_SOURCE_MAC_MISMATCH);
}

static void refuses_another_ip(void)
{
    CHECK(source_of(OURS PEER IP4(OTHER_IP4)) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER IP4("00000000")) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER ARP("1", PEER, OTHER_IP4)) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER ARP("1", PEER, "00000000")) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER IP6("11", OTHER_IP6, "00")) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER IP6("3a", "00000000000000000000000000000000", SOLICITATION)) == DROP_SOURCE_IP_MISMATCH);
}

/* A priority tag (VLAN 0) is taken off by the kernel, which then reads the packet behind it. */
static void looks_behind_vlan_tags(void)
{
    CHECK(source_of(OURS PEER "8100 0000" IP4(PEER_IP4)) == PASS);
    CHECK(source_of(OURS PEER "8100 0000" IP4(OTHER_IP4)) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER "88a8 0000 8100 0000" IP4(OTHER_IP4)) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER "8100 0000 8100 0000 8100 0000" IP4(PEER_IP4)) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER "8100") == DROP_SOURCE_IP_MISMATCH);
}

static void refuses_neighbour_discovery_for_others(void)
{
    CHECK(source_of(OURS PEER IP6("3a", PEER_IP6, ADVERTISEMENT(OTHER_IP6))) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER IP6("3a", PEER_LINK_LOCAL, "86 00 0000 00000000")) == DROP_SOURCE_IP_MISMATCH);
    CHECK(source_of(OURS PEER IP6("3a", PEER_LINK_LOCAL, "89 00 0000 00000000")) == DROP_SOURCE_IP_MISMATCH);
    /* Behind an extension header as well. */
    CHECK(source_of(OURS PEER IP6("3c", PEER_IP6, "3a00010400000000" ADVERTISEMENT(OTHER_IP6))) ==
          DROP_SOURCE_IP_MISMATCH);
}

static void counts_a_cut_off_packet_as_too_short(void)
{
    CHECK(source_of(OURS PEER "0800 45") == DROP_FRAME_TOO_SHORT);
    CHECK(source_of(OURS PEER "0806 0001") == DROP_FRAME_TOO_SHORT);
    CHECK(source_of(OURS PEER "86dd 60") == DROP_FRAME_TOO_SHORT);
    CHECK(source_of(OURS PEER IP6("3a", PEER_IP6, "88 00 0000")) == DROP_FRAME_TOO_SHORT);
}

static void reads_no_byte_beyond_any_frame(void)
{
    static const uint16_t types[] = {ETHER_IP4, ETHER_ARP, ETHER_IP6, ETHER_VLAN, ETHER_PROVIDER_VLAN};
    static const uint8_t nexts[] = {0, 43, 58, 60};
    struct peer_addresses addresses = peer();
    unsigned passed = 0;
    for (int round = 0; round < 200000; round++) {
        size_t length = FRAME_HEADER_BYTES + next_random() % 120;
        uint8_t *bytes = malloc(length);
        for (size_t at = 0; at < length; at++) bytes[at] = (uint8_t)next_random();
        uint16_t type = types[next_random() % 5];
        bytes[12] = (uint8_t)(type >> 8);
        bytes[13] = (uint8_t)type;
        memcpy(bytes + 6, addresses.mac, MAC_BYTES);
        /* Extension headers that may chain, of lengths that may not end within the frame. */
        if (length > 20) bytes[20] = nexts[next_random() % 4];
        for (size_t at = 54; at + 1 < length; at += 8) {
            bytes[at] = nexts[next_random() % 4];
            bytes[at + 1] &= 1;
        }
        if (length >= 38) ip6_link_local_of_mac(addresses.mac, bytes + 22);
        struct frame frame = frame_view(bytes, length);
        frame_asks_for_neighbour(&frame);
        passed += source_check(&addresses, &frame) == PASS;
        free(bytes);
    }
    CHECK(passed > 0);
}

RUN_TESTS(TEST(knows_who_asks_for_a_neighbour), TEST(takes_what_speaks_for_the_peer), TEST(refuses_another_mac),
          TEST(refuses_another_ip), TEST(looks_behind_vlan_tags), TEST(refuses_neighbour_discovery_for_others),
          TEST(counts_a_cut_off_packet_as_too_short), TEST(reads_no_byte_beyond_any_frame))
