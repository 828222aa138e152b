#include "address.h"

#include <arpa/inet.h>
#include <string.h>

static int hex_digit(char character)
{
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

bool mac_parse(const char *text, uint8_t mac[MAC_BYTES])
{
    if (strlen(text) != 3 * MAC_BYTES - 1) return false;
    for (int byte = 0; byte < MAC_BYTES; byte++) {
        int high = hex_digit(text[3 * byte]);
        int low = hex_digit(text[3 * byte + 1]);
        if (high < 0 || low < 0) return false;
        if (byte < MAC_BYTES - 1 && text[3 * byte + 2] != ':') return false;
        mac[byte] = (uint8_t)(high << 4 | low);
    }
    return !mac_is_group(mac);
}

void ip6_link_local_of_mac(const uint8_t mac[MAC_BYTES], uint8_t ip6[IP6_BYTES])
{
    const uint8_t address[IP6_BYTES] = {
        0xfe, 0x80, 0,    0,    0,      0,      0,      0,
        mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5],
    };
    memcpy(ip6, address, IP6_BYTES);
}

bool endpoint_parse(const char *address, uint16_t port, struct endpoint *endpoint)
{
    *endpoint = (struct endpoint){.port = port};
    if (inet_pton(AF_INET6, address, &endpoint->address) == 1) return true;

    endpoint->address.s6_addr[10] = 0xff;
    endpoint->address.s6_addr[11] = 0xff;
    return inet_pton(AF_INET, address, endpoint->address.s6_addr + 12) == 1;
}

void endpoint_format(const struct endpoint *endpoint, char text[INET6_ADDRSTRLEN])
{
    bool ip4 = IN6_IS_ADDR_V4MAPPED(&endpoint->address);
    inet_ntop(ip4 ? AF_INET : AF_INET6, endpoint->address.s6_addr + (ip4 ? 12 : 0), text, INET6_ADDRSTRLEN);
}

bool endpoint_equals(const struct endpoint *one, const struct endpoint *other)
{
    return one->port == other->port && memcmp(&one->address, &other->address, sizeof one->address) == 0;
}

uint32_t endpoint_hash(const struct endpoint *endpoint)
{
    uint32_t words[4];
    memcpy(words, &endpoint->address, sizeof words);
    /* Knuth's multiplicative hash, whose high bits are the mixed ones. */
    uint32_t mixed = (words[0] ^ words[1] ^ words[2] ^ words[3] ^ endpoint->port) * UINT32_C(2654435769);
    return mixed >> 16;
}
