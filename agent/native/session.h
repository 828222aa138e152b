/*
 * One generation of keys with a peer. The sending half numbers and seals packets; the receiving half opens each
 * packet once. The payload may stand in the packet, between its header and its tag, or anywhere else.
 */
#ifndef TINCAN_SESSION_H
#define TINCAN_SESSION_H

#include "aead.h"
#include "packet.h"
#include "replay.h"

/* What the controller agreed with the peer; wiped by whoever holds it (session_keys_wipe). */
struct session_keys {
    enum aead_cipher cipher;
    uint32_t receive_index;
    uint32_t send_index;
    uint8_t receive_key[AEAD_KEY_BYTES];
    uint8_t send_key[AEAD_KEY_BYTES];
};

struct send_session {
    struct aead aead; /* context NULL: there is no session */
    uint32_t index;   /* the peer's */
    uint64_t counter;
};

struct receive_session {
    struct aead aead;
    uint32_t index; /* ours */
    struct replay replay;
};

void session_keys_wipe(struct session_keys *keys);

bool send_session_init(struct send_session *session, const struct session_keys *keys);
bool receive_session_init(struct receive_session *session, const struct session_keys *keys);
void send_session_clear(struct send_session *session);
void receive_session_clear(struct receive_session *session);

/* Makes a whole packet of the payload: PASS, no-path or counter-exhausted. */
enum drop_reason session_seal(struct send_session *session, enum packet_type type, const uint8_t *payload,
                              size_t payload_bytes, uint8_t *packet);

/* Leaves the payload in the clear at `payload`: PASS, replayed or not-authentic. */
enum drop_reason session_open(struct receive_session *session, const struct packet_header *header,
                              const uint8_t *packet, uint8_t *payload, size_t payload_bytes);

#endif
