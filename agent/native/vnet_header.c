#include "vnet_header.h"

#include "checksum.h"
#include "frame.h"

enum { UDP_CHECKSUM_AT = 6 };

bool vnet_checksum_inside(const struct vnet_header *header, size_t length)
{
    size_t start = header->checksum_start, field = start + header->checksum_offset;
    return start >= FRAME_HEADER_BYTES && field + 2 <= length;
}

void vnet_finish_checksum(struct vnet_frame *frame, size_t length)
{
    struct vnet_header *header = &frame->header;
    if (!(header->flags & VNET_NEEDS_CHECKSUM)) return;
    uint8_t *start = frame->bytes + header->checksum_start;
    /* The field holds the pseudo-header's sum already: it is summed with the rest. */
    uint64_t sum = checksum_add(0, start, length - header->checksum_start);
    if (header->checksum_offset == UDP_CHECKSUM_AT) checksum_store_udp(start + UDP_CHECKSUM_AT, sum);
    else checksum_store(start + header->checksum_offset, sum);
    header->flags &= (uint8_t)~VNET_NEEDS_CHECKSUM;
}
