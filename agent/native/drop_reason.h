/*
 * Every early exit of a frame or packet in the datapath, by name. The order is that of DATAPATH_DROP_REASONS in
 * agent/wire/drop-reason.ts; a test compares the two lists.
 */
#ifndef TINCAN_DROP_REASON_H
#define TINCAN_DROP_REASON_H

#define DROP_REASONS(X)                                                                                                \
    X(FRAME_TOO_SHORT, "frame-too-short")                                                                              \
    X(FRAME_TOO_LONG, "frame-too-long")                                                                                \
    X(FRAME_NOT_SEGMENTABLE, "frame-not-segmentable")                                                                  \
    X(FRAME_NOT_SUMMABLE, "frame-not-summable")                                                                        \
    X(TAP_WRITE_FAILED, "tap-write-failed")                                                                            \
    X(EVENT_RING_FULL, "event-ring-full")                                                                              \
    X(NO_PATH, "no-path")                                                                                              \
    X(SEND_FAILED, "send-failed")                                                                                      \
    X(SOCKET_OVERFLOW, "socket-overflow")                                                                              \
    X(PACKET_TOO_SHORT, "packet-too-short")                                                                            \
    X(PACKET_UNKNOWN_TYPE, "packet-unknown-type")                                                                      \
    X(PACKET_UNKNOWN_INDEX, "packet-unknown-index")                                                                    \
    X(PACKET_NOT_AUTHENTIC, "packet-not-authentic")                                                                    \
    X(PACKET_REPLAYED, "packet-replayed")                                                                              \
    X(COUNTER_EXHAUSTED, "counter-exhausted")                                                                          \
    X(SOURCE_MAC_MISMATCH, "source-mac-mismatch")                                                                      \
    X(SOURCE_IP_MISMATCH, "source-ip-mismatch")                                                                        \
    X(NOT_FOR_THIS_NODE, "not-for-this-node")                                                                          \
    X(STUN_LIMIT, "stun-limit")                                                                                        \
    X(ECHO_LIMIT, "echo-limit")                                                                                        \
    X(FORGERY_LIMIT, "forgery-limit")

/* PASS is what a check answers when there is nothing to drop; it is no reason and has no counter. */
enum drop_reason {
#define DROP_ENUM(symbol, name) DROP_##symbol,
    DROP_REASONS(DROP_ENUM)
#undef DROP_ENUM
    DROP_REASON_COUNT,
    PASS = DROP_REASON_COUNT,
};

#endif
