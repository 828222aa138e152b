#include "outbox.h"

uint8_t *outbox_room(struct outbox *outbox, size_t packet_bytes)
{
    bool room = outbox->count < OUTBOX_MESSAGES && outbox->used + packet_bytes <= OUTBOX_BYTES;
    return room ? outbox->bytes + outbox->used : NULL;
}

/* A shorter packet than the others was the last of its message. */
static bool continues(const struct message *message, const struct endpoint *to, size_t packet_bytes, unsigned together)
{
    return message->packets < together && packet_bytes <= message->packet_bytes &&
           message->bytes == message->packets * message->packet_bytes &&
           message->bytes + packet_bytes <= MESSAGE_MAX_BYTES && endpoint_equals(&message->to, to);
}

void outbox_add(struct outbox *outbox, const struct endpoint *to, size_t packet_bytes, unsigned together)
{
    struct message *last = outbox->count > 0 ? &outbox->messages[outbox->count - 1] : NULL;
    if (last != NULL && continues(last, to, packet_bytes, together)) {
        last->bytes += packet_bytes;
        last->packets++;
    } else {
        outbox->messages[outbox->count++] = (struct message){
            .to = *to, .at = outbox->used, .bytes = packet_bytes, .packet_bytes = packet_bytes, .packets = 1};
    }
    outbox->used += packet_bytes;
}

void outbox_clear(struct outbox *outbox)
{
    outbox->count = 0;
    outbox->used = 0;
}
