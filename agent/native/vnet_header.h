/*
 * The ten bytes in front of every frame of a TAP with IFF_VNET_HDR (struct virtio_net_hdr, linux/virtio_net.h, in the
 * machine's byte order): what the kernel has left undone (checksum, segmentation), or what it may spare itself.
 */
#ifndef TINCAN_VNET_HEADER_H
#define TINCAN_VNET_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VNET_NEEDS_CHECKSUM = 1,
    /* The largest IP datagram, and the Ethernet header with its tags. */
    SUPER_FRAME_MAX_BYTES = 65535 + 22,
    /* Linux cuts no more segments from one frame (GSO_MAX_SEGS), and sends no more packets at once (UDP_MAX_SEGMENTS). */
    SUPER_FRAME_MAX_SEGMENTS = 64,
};

enum vnet_gso {
    VNET_GSO_NONE = 0,
    VNET_GSO_TCP4 = 1,
    VNET_GSO_TCP6 = 4,
    VNET_GSO_UDP = 5,
    VNET_GSO_ECN = 0x80, /* a flag beside TCP4 or TCP6: CWR is set, on the first segment only */
};

struct vnet_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_bytes; /* a hint; never trusted */
    uint16_t gso_bytes;    /* data bytes of a full segment */
    uint16_t checksum_start;
    uint16_t checksum_offset;
};

_Static_assert(sizeof(struct vnet_header) == 10, "struct virtio_net_hdr has no padding");

/* As it passes through the TAP's descriptor. */
struct vnet_frame {
    struct vnet_header header;
    uint8_t bytes[SUPER_FRAME_MAX_BYTES];
};

/* Does the checksum that the header speaks of stand inside the frame, behind the Ethernet header? */
bool vnet_checksum_inside(const struct vnet_header *header, size_t length);

/*
 * Does what the header leaves undone in a frame that is not to be cut; the header says so then. The checksum must be
 * inside the frame.
 */
void vnet_finish_checksum(struct vnet_frame *frame, size_t length);

#endif
