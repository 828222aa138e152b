#include "packet.h"

#include <string.h>

static void write_u32(uint8_t *at, uint32_t value)
{
    for (int byte = 0; byte < 4; byte++) at[byte] = (uint8_t)(value >> (8 * byte));
}

static void write_u64(uint8_t *at, uint64_t value)
{
    for (int byte = 0; byte < 8; byte++) at[byte] = (uint8_t)(value >> (8 * byte));
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t read_u64(const uint8_t *at)
{
    return (uint64_t)read_u32(at) | (uint64_t)read_u32(at + 4) << 32;
}

void packet_write_header(uint8_t *packet, const struct packet_header *header)
{
    packet[0] = (uint8_t)header->type;
    packet[1] = PACKET_VERSION;
    packet[2] = 0;
    packet[3] = 0;
    write_u32(packet + 4, header->receiver_index);
    write_u64(packet + 8, header->counter);
}

enum drop_reason packet_read_header(const uint8_t *packet, size_t bytes, struct packet_header *header)
{
    if (bytes < PACKET_OVERHEAD_BYTES) return DROP_PACKET_TOO_SHORT;
    if (packet[0] < PACKET_FRAME || packet[0] > PACKET_UNSUMMED_FRAME) return DROP_PACKET_UNKNOWN_TYPE;
    if (packet[1] != PACKET_VERSION || packet[2] != 0 || packet[3] != 0) return DROP_PACKET_UNKNOWN_TYPE;

    header->type = (enum packet_type)packet[0];
    header->receiver_index = read_u32(packet + 4);
    header->counter = read_u64(packet + 8);
    return PASS;
}

void packet_nonce(uint64_t counter, uint8_t nonce[PACKET_NONCE_BYTES])
{
    memset(nonce, 0, 4);
    write_u64(nonce + 4, counter);
}

void probe_write(uint8_t payload[PROBE_BYTES], const struct probe *probe)
{
    write_u32(payload, probe->id);
    write_u64(payload + 4, probe->sent_us);
}

struct probe probe_read(const uint8_t payload[PROBE_BYTES])
{
    return (struct probe){.id = read_u32(payload), .sent_us = read_u64(payload + 4)};
}
