#include "stun.h"

#include <string.h>

static const uint8_t magic_cookie[] = {0x21, 0x12, 0xa4, 0x42};

bool stun_is_message(const uint8_t *packet, size_t bytes)
{
    if (bytes < STUN_HEADER_BYTES || bytes > STUN_MAX_BYTES || packet[0] > 3) return false;
    size_t length = (size_t)packet[2] << 8 | packet[3];
    return length % 4 == 0 && STUN_HEADER_BYTES + length == bytes &&
           memcmp(packet + 4, magic_cookie, sizeof magic_cookie) == 0;
}

void stun_report(struct datapath *datapath, const uint8_t *message, size_t bytes, const struct endpoint *from)
{
    if (!rate_limit_pass(&datapath->stun_limit, datapath->now_us, STUN_EVENTS_PER_SECOND)) {
        datapath_drop(datapath, DROP_STUN_LIMIT);
        return;
    }
    struct event event = {.kind = EVENT_STUN, .frame_bytes = (uint32_t)bytes, .endpoint = *from};
    if (!event_ring_push(&datapath->ring, &event, message)) datapath_drop(datapath, DROP_EVENT_RING_FULL);
}
