/* Addresses as text, and endpoints as the socket sees them. */
#include "address.h"

#include "check.h"

static void reads_unicast_macs_only(void)
{
    uint8_t mac[MAC_BYTES];
    CHECK(mac_parse("02:1a:2B:00:ff:09", mac));
    CHECK_BYTES(mac, "021a2b00ff09");
    static const char *const wrong[] = {"",  "02:00:00:00:00:0", "02:00:00:00:00:000", "02-00-00-00-00-01",
                                        "0g:00:00:00:00:01", "01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "2:0:0:0:0:1"};
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) CHECK(!mac_parse(wrong[at], mac));
}

static bool reads_as(const char *address, const char *wanted)
{
    struct endpoint endpoint;
    char text[INET6_ADDRSTRLEN];
    if (!endpoint_parse(address, 1, &endpoint)) return false;
    endpoint_format(&endpoint, text);
    return strcmp(text, wanted) == 0;
}

static void writes_endpoints_as_it_reads_them(void)
{
    CHECK(reads_as("192.0.2.7", "192.0.2.7"));
    CHECK(reads_as("::ffff:192.0.2.7", "192.0.2.7"));
    CHECK(reads_as("2001:db8:0:0::1", "2001:db8::1"));
    CHECK(!reads_as("192.0.2", "") && !reads_as("localhost", "") && !reads_as("fe80::1%eth0", "") && !reads_as("", ""));
}

static void compares_address_and_port(void)
{
    struct endpoint one, mapped, other_port, other_address;
    CHECK(endpoint_parse("192.0.2.7", 1, &one) && endpoint_parse("::ffff:192.0.2.7", 1, &mapped));
    CHECK(endpoint_parse("192.0.2.7", 2, &other_port) && endpoint_parse("192.0.2.8", 1, &other_address));
    CHECK(endpoint_equals(&one, &mapped));
    CHECK(!endpoint_equals(&one, &other_port) && !endpoint_equals(&one, &other_address));
}

static void makes_the_link_local_address_of_a_mac(void)
{
    uint8_t mac[MAC_BYTES] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55}, ip6[IP6_BYTES];
    ip6_link_local_of_mac(mac, ip6);
    CHECK_BYTES(ip6, "fe80000000000000 001122fffe334455");
}

RUN_TESTS(TEST(reads_unicast_macs_only), TEST(writes_endpoints_as_it_reads_them), TEST(compares_address_and_port),
          TEST(makes_the_link_local_address_of_a_mac))
