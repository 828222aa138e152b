#include "delivery.h"

#include <string.h>

/* From here on a write costs little against what it carries: most of one message is of one flow, and no more will come. */
enum { RUN_FULL_BYTES = 32 * 1024 };

enum { BUNDLE_LENGTH_BYTES = 2 };

/* PASS, and what arrived. */
static enum drop_reason check_frame(const struct datapath *datapath, const struct peer *peer, const uint8_t *bytes,
                                    size_t length, bool unsummed, struct arrival *arrival)
{
    if (length < FRAME_HEADER_BYTES) return DROP_FRAME_TOO_SHORT;
    if (length > datapath->max_frame_bytes) return DROP_FRAME_TOO_LONG;
    if (!arrival_read(arrival, bytes, length, unsummed)) return DROP_FRAME_NOT_SUMMABLE;
    if (peer == NULL) return PASS;

    struct frame frame = frame_view(bytes, length);
    enum drop_reason reason = source_check(&peer->addresses, &frame);
    if (reason != PASS) return reason;
    bool for_us = mac_is_group(frame.destination) || memcmp(frame.destination, datapath->interface.mac, MAC_BYTES) == 0;
    return for_us ? PASS : DROP_NOT_FOR_THIS_NODE;
}

bool delivery_write_run(struct datapath *datapath)
{
    struct run *run = &datapath->run;
    if (run->bytes == 0) return true;
    size_t bytes = run_finish(run);
    if (tap_write(&datapath->tap, &run->frame, bytes)) {
        datapath->counters.to_tap.frames += run->segments;
        datapath->counters.to_tap.bytes += run->carried_bytes;
        return true;
    }
    datapath->counters.drops[DROP_TAP_WRITE_FAILED] += run->segments;
    /* Some kernels refuse super-frames that they promised to take: these frames are lost, and no more are joined. */
    if (run->segments > 1 && errno == EINVAL) run->tcp = run->udp = false;
    return false;
}

void delivery_write_full_run(struct datapath *datapath)
{
    if (datapath->run.bytes >= RUN_FULL_BYTES) delivery_write_run(datapath);
}

uint8_t *delivery_room(struct datapath *datapath, size_t bytes)
{
    uint8_t *room = run_room(&datapath->run, bytes);
    if (room != NULL) return room;
    delivery_write_run(datapath);
    return run_room(&datapath->run, bytes);
}

/* What continues no run begins the next; out of the last one's room it must go before that one is written. */
static void begin_run(struct datapath *datapath, struct arrival *arrival)
{
    struct run *run = &datapath->run;
    if (run->kept_bytes > 0) {
        memcpy(datapath->packet, arrival->frame, arrival->bytes);
        arrival->frame = datapath->packet;
        run_clear_room(run);
    }
    delivery_write_run(datapath);
    run_add(run, arrival);
}

bool delivery_take_frame(struct datapath *datapath, const struct peer *peer, const uint8_t *frame, size_t bytes,
                         bool unsummed)
{
    struct arrival arrival;
    enum drop_reason reason = check_frame(datapath, peer, frame, bytes, unsummed, &arrival);
    if (reason != PASS) {
        datapath_drop(datapath, reason);
        run_clear_room(&datapath->run);
        return false;
    }
    if (!run_add(&datapath->run, &arrival)) begin_run(datapath, &arrival);
    return true;
}

bool delivery_deliver(struct datapath *datapath, const struct peer *peer, const uint8_t *frame, size_t bytes)
{
    return delivery_take_frame(datapath, peer, frame, bytes, false) && delivery_write_run(datapath);
}

void delivery_deliver_bundle(struct datapath *datapath, const struct peer *peer, const uint8_t *bundle, size_t bytes)
{
    for (size_t at = 0; bytes - at >= BUNDLE_LENGTH_BYTES;) {
        size_t frame_bytes = (size_t)bundle[at] << 8 | bundle[at + 1];
        at += BUNDLE_LENGTH_BYTES;
        if (frame_bytes > bytes - at) break;
        delivery_take_frame(datapath, peer, bundle + at, frame_bytes, false);
        delivery_write_full_run(datapath);
        at += frame_bytes;
    }
    delivery_write_run(datapath);
}
