#include "checksum.h"

#include <arpa/inet.h>
#include <string.h>

static uint64_t add_carry(uint64_t sum, uint64_t value)
{
    sum += value;
    return sum + (sum < value);
}

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length)
{
    /* Four independent chains, written out: one chain of additions with carry is as slow as its latency. */
    uint64_t a = sum, b = 0, c = 0, d = 0;
    for (; length >= 32; length -= 32, bytes += 32) {
        a = add_carry(a, word_at(bytes));
        b = add_carry(b, word_at(bytes + 8));
        c = add_carry(c, word_at(bytes + 16));
        d = add_carry(d, word_at(bytes + 24));
    }
    sum = add_carry(add_carry(a, b), add_carry(c, d));
    for (; length >= 8; length -= 8, bytes += 8) sum = add_carry(sum, word_at(bytes));
    uint64_t rest = 0;
    memcpy(&rest, bytes, length);
    return add_carry(sum, rest);
}

uint64_t checksum_add_word(uint64_t sum, uint16_t value)
{
    return add_carry(sum, htons(value));
}

uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void store(uint8_t *field, uint16_t value)
{
    memcpy(field, &value, sizeof value);
}

void checksum_store(uint8_t *field, uint64_t sum)
{
    store(field, (uint16_t)~checksum_fold(sum));
}

void checksum_store_udp(uint8_t *field, uint64_t sum)
{
    uint16_t value = (uint16_t)~checksum_fold(sum);
    /* RFC 768: a zero that was computed goes as its other form. */
    store(field, value == 0 ? 0xffff : value);
}

uint64_t checksum_pseudo(const uint8_t *source, const uint8_t *destination, size_t address_bytes, uint8_t protocol,
                         uint32_t length)
{
    uint64_t sum = checksum_add(0, source, address_bytes);
    sum = checksum_add(sum, destination, address_bytes);
    sum = checksum_add_word(sum, protocol);
    sum = checksum_add_word(sum, (uint16_t)(length >> 16));
    return checksum_add_word(sum, (uint16_t)length);
}
