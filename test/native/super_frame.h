/* Makes super-frames as a TAP gives them, and looks at plain frames with a checksum written in the plainest way. */
#ifndef TINCAN_TEST_SUPER_FRAME_H
#define TINCAN_TEST_SUPER_FRAME_H

#include "check.h"
#include "checksum.h"
#include "coalesce.h"
#include "frame.h"
#include "segment.h"

struct super_frame {
    bool ip6, tcp;
    unsigned vlan_tags;
    size_t extension_bytes; /* of an IPv6 destination options header, or of IPv4 options */
    size_t tcp_option_bytes;
    size_t segment_data_bytes, data_bytes;
    uint8_t tcp_flags;
    /* Filled in: */
    size_t ip, transport, data, bytes;
    struct vnet_frame vnet;
};

__attribute__((unused)) static void write_ip(struct super_frame *made)
{
    uint8_t *ip = made->vnet.bytes + made->ip;
    uint8_t protocol = made->tcp ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
    if (made->ip6) {
        ip[0] = 0x60;
        write16(ip + 4, (uint16_t)(made->bytes - made->ip - 40));
        ip[6] = made->extension_bytes > 0 ? 60 : protocol;
        if (made->extension_bytes == 0) return;
        memset(ip + 40, 0, made->extension_bytes);
        ip[40] = protocol;
        ip[41] = (uint8_t)(made->extension_bytes / 8 - 1);
        return;
    }
    ip[0] = (uint8_t)(0x40 | (made->transport - made->ip) / 4);
    write16(ip + 2, (uint16_t)(made->bytes - made->ip));
    write16(ip + 6, 0x4000);
    ip[9] = protocol;
    write16(ip + 10, 0);
    uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0, ip, made->transport - made->ip));
    memcpy(ip + 10, &sum, 2);
}

/* The pseudo-header's sum stands where the checksum will: what a kernel leaves to its device. */
__attribute__((unused)) static void write_pseudo_sum(struct super_frame *made)
{
    const uint8_t *source = made->vnet.bytes + made->ip + (made->ip6 ? 8 : 12);
    size_t address_bytes = made->ip6 ? 16 : 4;
    uint16_t sum = checksum_fold(checksum_pseudo(source, source + address_bytes, address_bytes,
                                                 made->tcp ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP,
                                                 (uint32_t)(made->bytes - made->transport)));
    memcpy(made->vnet.bytes + made->transport + (made->tcp ? 16 : 6), &sum, 2);
}

/* All that the fields do not say is random. */
__attribute__((unused)) static void make_super_frame(struct super_frame *made)
{
    made->ip = FRAME_HEADER_BYTES + made->vlan_tags * VLAN_TAG_BYTES;
    made->transport = made->ip + (made->ip6 ? 40 : 20) + made->extension_bytes;
    made->data = made->transport + (made->tcp ? 20 + made->tcp_option_bytes : 8);
    made->bytes = made->data + made->data_bytes;
    for (size_t at = 0; at < made->bytes; at++) made->vnet.bytes[at] = (uint8_t)next_random();
    for (unsigned tag = 0; tag < made->vlan_tags; tag++) write16(made->vnet.bytes + 12 + tag * VLAN_TAG_BYTES, ETHER_VLAN);
    write16(made->vnet.bytes + made->ip - 2, made->ip6 ? ETHER_IP6 : ETHER_IP4);
    write_ip(made);
    uint8_t *transport = made->vnet.bytes + made->transport;
    if (made->tcp) {
        transport[12] = (uint8_t)((made->data - made->transport) / 4 << 4);
        transport[13] = made->tcp_flags;
    } else {
        write16(transport + 4, (uint16_t)(made->bytes - made->transport));
    }
    write_pseudo_sum(made);
    made->vnet.header = (struct vnet_header){
        .flags = VNET_NEEDS_CHECKSUM,
        .gso_type = !made->tcp ? VNET_GSO_UDP : made->ip6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4,
        .header_bytes = (uint16_t)made->data,
        .gso_bytes = (uint16_t)made->segment_data_bytes,
        .checksum_start = (uint16_t)made->transport,
        .checksum_offset = made->tcp ? 16 : 6,
    };
}

struct segments {
    unsigned count;
    size_t bytes[SUPER_FRAME_MAX_SEGMENTS];
    uint8_t frames[SUPER_FRAME_MAX_SEGMENTS][2048];
};

/* False where the segmenter refuses. What is cut is a copy, because cutting spoils it. */
__attribute__((unused)) static bool cut_with(const struct super_frame *made, struct segments *segments,
                                             enum checksums checksums)
{
    struct segmenter segmenter;
    static struct vnet_frame frame;
    frame = made->vnet;
    segments->count = 0;
    if (!segmenter_init(&segmenter, &frame, made->bytes)) return false;
    size_t most = segmenter_most_bytes(&segmenter);
    for (size_t bytes; (bytes = segmenter_next_bytes(&segmenter)) > 0; segments->count++) {
        CHECK(bytes <= most && segments->count < SUPER_FRAME_MAX_SEGMENTS);
        memcpy(segments->frames[segments->count], segmenter_next(&segmenter, checksums), bytes);
        segments->bytes[segments->count] = bytes;
    }
    return true;
}

__attribute__((unused)) static bool cut(const struct super_frame *made, struct segments *segments)
{
    return cut_with(made, segments, CHECKSUMS_DONE);
}

/* RFC 1071, word by word. */
__attribute__((unused)) static uint16_t plain_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += 2) {
        sum += (uint32_t)bytes[at] << 8 | (at + 1 < length ? bytes[at + 1] : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

/* The sum of the pseudo-header of a frame of `bytes` bytes. */
__attribute__((unused)) static uint16_t plain_pseudo_sum(const struct super_frame *made, const uint8_t *frame, size_t bytes)
{
    const uint8_t *ip = frame + made->ip, *source = ip + (made->ip6 ? 8 : 12);
    uint32_t protocol = made->tcp ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
    return plain_sum(protocol + (uint32_t)(bytes - made->transport), source, made->ip6 ? 32 : 8);
}

__attribute__((unused)) static bool checksums_right(const struct super_frame *made, const uint8_t *frame, size_t bytes)
{
    const uint8_t *ip = frame + made->ip, *source = ip + (made->ip6 ? 8 : 12);
    if (!made->ip6 && plain_sum(0, ip, made->transport - made->ip) != 0xffff) return false;
    uint32_t sum = plain_sum(0, source, made->ip6 ? 32 : 8);
    sum += (made->tcp ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP) + (uint32_t)(bytes - made->transport);
    return plain_sum(sum, frame + made->transport, bytes - made->transport) == 0xffff;
}

#endif
