#include "session.h"

#include <string.h>

void session_keys_wipe(struct session_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof *keys);
}

bool send_session_init(struct send_session *session, const struct session_keys *keys)
{
    *session = (struct send_session){.index = keys->send_index};
    return aead_init(&session->aead, keys->cipher, AEAD_SEAL, keys->send_key);
}

bool receive_session_init(struct receive_session *session, const struct session_keys *keys)
{
    *session = (struct receive_session){.index = keys->receive_index};
    return aead_init(&session->aead, keys->cipher, AEAD_OPEN, keys->receive_key);
}

void send_session_clear(struct send_session *session)
{
    aead_clear(&session->aead);
}

void receive_session_clear(struct receive_session *session)
{
    aead_clear(&session->aead);
}

enum drop_reason session_seal(struct send_session *session, enum packet_type type, const uint8_t *payload,
                              size_t payload_bytes, uint8_t *packet)
{
    if (session->aead.context == NULL) return DROP_NO_PATH;
    if (session->counter >= PACKET_COUNTER_LIMIT) return DROP_COUNTER_EXHAUSTED;

    /* Taken before sealing: a nonce is spent even where the sealing fails. */
    uint64_t counter = session->counter++;
    packet_write_header(packet, &(struct packet_header){type, session->index, counter});
    return aead_seal(&session->aead, payload, payload_bytes, counter, packet) ? PASS : DROP_SEND_FAILED;
}

enum drop_reason session_open(struct receive_session *session, const struct packet_header *header,
                              const uint8_t *packet, uint8_t *payload, size_t payload_bytes)
{
    if (!replay_is_fresh(&session->replay, header->counter)) return DROP_PACKET_REPLAYED;
    if (!aead_open(&session->aead, packet, payload, payload_bytes, header->counter)) return DROP_PACKET_NOT_AUTHENTIC;

    replay_commit(&session->replay, header->counter);
    return PASS;
}
