#include "binding_values.h"

#include <string.h>

/* A frame is at most FRAME_MAX_BYTES, so that one always fits. */
enum { SLOW_PATH_BUNDLE_BYTES = 32 * 1024, BUNDLE_LENGTH_BYTES = 2 };

static void set(napi_env env, napi_value object, const char *name, napi_value value)
{
    napi_set_named_property(env, object, name, value);
}

static void set_text(napi_env env, napi_value object, const char *name, const char *text)
{
    napi_value value;
    if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok) set(env, object, name, value);
}

static void set_number(napi_env env, napi_value object, const char *name, double number)
{
    napi_value value;
    if (napi_create_double(env, number, &value) == napi_ok) set(env, object, name, value);
}

static void set_endpoint(napi_env env, napi_value object, const struct endpoint *endpoint)
{
    napi_value value;
    char address[INET6_ADDRSTRLEN];
    endpoint_format(endpoint, address);
    napi_create_object(env, &value);
    set_text(env, value, "address", address);
    set_number(env, value, "port", endpoint->port);
    set(env, object, "endpoint", value);
}

/* Takes the event out of the ring, with the bytes that it bears, if any. */
static void take_bytes(napi_env env, struct event_ring *ring, const struct event *event, napi_value object)
{
    void *bytes = NULL;
    napi_value buffer, array;
    bool made = event->frame_bytes > 0 &&
                napi_create_arraybuffer(env, event->frame_bytes, &bytes, &buffer) == napi_ok &&
                napi_create_typedarray(env, napi_uint8_array, event->frame_bytes, buffer, 0, &array) == napi_ok;
    event_ring_take(ring, event, made ? bytes : NULL);
    if (made) set(env, object, event->kind == EVENT_STUN ? "message" : "frame", array);
}

/*
 * Takes this event and those behind it that are for the same peer, as one: frames each behind its length (2 bytes,
 * big-endian), as a message of the slow path has them. An object, a buffer and their names for each frame would cost
 * more than all else that is done with it.
 */
static napi_value slow_path_value(napi_env env, struct event_ring *ring, struct event *event)
{
    uint8_t bundle[SLOW_PATH_BUNDLE_BYTES];
    size_t used = 0;
    unsigned slot = event->slot;
    bool another = true;
    while (another) {
        bundle[used] = (uint8_t)(event->frame_bytes >> 8);
        bundle[used + 1] = (uint8_t)event->frame_bytes;
        event_ring_take(ring, event, bundle + used + BUNDLE_LENGTH_BYTES);
        used += BUNDLE_LENGTH_BYTES + event->frame_bytes;
        another = event_ring_peek(ring, event) && event->kind == EVENT_SLOW_PATH && event->slot == slot &&
                  used + BUNDLE_LENGTH_BYTES + event->frame_bytes <= sizeof bundle;
    }
    void *bytes;
    napi_value object, buffer, array;
    napi_create_object(env, &object);
    set_text(env, object, "kind", "slow-path");
    set_number(env, object, "slot", slot);
    if (napi_create_arraybuffer(env, used, &bytes, &buffer) == napi_ok &&
        napi_create_typedarray(env, napi_uint8_array, used, buffer, 0, &array) == napi_ok) {
        memcpy(bytes, bundle, used);
        set(env, object, "bundle", array);
    }
    return object;
}

static void set_frame_kind(napi_env env, napi_value object, const char *why)
{
    set_text(env, object, "kind", "frame");
    set_text(env, object, "why", why);
}

static napi_value event_value(napi_env env, struct event_ring *ring, struct event *event)
{
    napi_value object;
    if (event->kind == EVENT_SLOW_PATH) return slow_path_value(env, ring, event);
    napi_create_object(env, &object);
    switch (event->kind) {
    case EVENT_UNKNOWN_DESTINATION:
        set_frame_kind(env, object, "unknown-destination");
        break;
    case EVENT_NEIGHBOUR:
        set_frame_kind(env, object, "neighbour");
        break;
    case EVENT_FLOOD:
        set_frame_kind(env, object, "flood");
        break;
    case EVENT_SLOW_PATH:
        break;
    case EVENT_OVERSIZE:
        set_text(env, object, "kind", "oversize");
        set_number(env, object, "slot", event->slot);
        break;
    case EVENT_STUN:
        set_text(env, object, "kind", "stun");
        set_endpoint(env, object, &event->endpoint);
        break;
    case EVENT_PROBE_REPLY:
        set_text(env, object, "kind", "probe-reply");
        set_number(env, object, "slot", event->slot);
        set_endpoint(env, object, &event->endpoint);
        set_number(env, object, "id", event->probe_id);
        set_number(env, object, "rttUs", event->rtt_us);
        break;
    case EVENT_HEARD:
        set_text(env, object, "kind", "heard");
        set_number(env, object, "slot", event->slot);
        set_endpoint(env, object, &event->endpoint);
        break;
    }
    take_bytes(env, ring, event, object);
    return object;
}

static napi_value stopped_value(napi_env env, const char *problem)
{
    napi_value object;
    napi_create_object(env, &object);
    set_text(env, object, "kind", "stopped");
    set_text(env, object, "problem", problem);
    return object;
}

napi_value events_value(napi_env env, struct datapath *datapath, bool *more)
{
    napi_value array;
    struct event event;
    uint32_t count = 0;
    napi_create_array(env, &array);
    while (count < EVENTS_A_CALL && event_ring_peek(&datapath->ring, &event)) {
        napi_set_element(env, array, count++, event_value(env, &datapath->ring, &event));
    }
    *more = !event_ring_is_empty(&datapath->ring);
    /* Last of all, and once: nothing comes after it. */
    if (!*more && atomic_exchange(&datapath->stopped_by_itself, false)) {
        napi_set_element(env, array, count, stopped_value(env, datapath->stop_sentence));
    }
    return array;
}

static napi_value traffic_value(napi_env env, const struct traffic *traffic)
{
    napi_value object;
    napi_create_object(env, &object);
    set_number(env, object, "frames", (double)traffic->frames);
    set_number(env, object, "bytes", (double)traffic->bytes);
    return object;
}

static napi_value age_value(napi_env env, uint64_t now_us, uint64_t then_us)
{
    napi_value value;
    if (then_us == 0) {
        napi_get_null(env, &value);
    } else {
        napi_create_double(env, (double)(now_us > then_us ? (now_us - then_us) / 1000 : 0), &value);
    }
    return value;
}

static napi_value peer_value(napi_env env, const struct peer_snapshot *peer, uint64_t now_us)
{
    napi_value pair, slot, object;
    napi_create_object(env, &object);
    set(env, object, "sent", traffic_value(env, &peer->traffic.sent));
    set(env, object, "received", traffic_value(env, &peer->traffic.received));
    set_number(env, object, "sealedPackets", (double)peer->sealed_packets);
    set(env, object, "lastSentAgeMs", age_value(env, now_us, peer->traffic.last_sent_us));
    set(env, object, "lastReceivedAgeMs", age_value(env, now_us, peer->traffic.last_received_us));
    napi_create_uint32(env, peer->slot, &slot);
    napi_create_array_with_length(env, 2, &pair);
    napi_set_element(env, pair, 0, slot);
    napi_set_element(env, pair, 1, object);
    return pair;
}

napi_value stats_value(napi_env env, const struct datapath_snapshot *snapshot)
{
    static const char *const names[DROP_REASON_COUNT] = {
#define DROP_NAME(symbol, name) name,
        DROP_REASONS(DROP_NAME)
#undef DROP_NAME
    };
    napi_value object, drops, peers;
    napi_create_object(env, &object);
    napi_create_object(env, &drops);
    napi_create_array(env, &peers);
    for (int reason = 0; reason < DROP_REASON_COUNT; reason++) {
        if (snapshot->counters.drops[reason] == 0) continue;
        set_number(env, drops, names[reason], (double)snapshot->counters.drops[reason]);
    }
    for (uint32_t at = 0; at < snapshot->peer_count; at++) {
        napi_set_element(env, peers, at, peer_value(env, &snapshot->peers[at], snapshot->now_us));
    }
    set(env, object, "fromTap", traffic_value(env, &snapshot->counters.from_tap));
    set(env, object, "toTap", traffic_value(env, &snapshot->counters.to_tap));
    set_number(env, object, "turns", (double)snapshot->turns);
    set(env, object, "drops", drops);
    set(env, object, "peers", peers);
    return object;
}
