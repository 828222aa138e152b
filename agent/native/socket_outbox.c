/*
 * Sending an outbox: all messages in one system call. A message that the kernel refuses to cut is sent again packet by
 * packet, because that may be the only thing wrong with it:
 *
 *     EIO               the device cannot finish the checksums: it never will, so nothing is cut from here on
 *     EINVAL, EMSGSIZE  a packet is larger than the path's MTU: alone it goes in fragments
 */
#include <netinet/udp.h>
#include <stdalign.h>
#include <string.h>

#include "socket.h"
#include "socket_address.h"

struct envelope {
    union socket_address to;
    struct iovec part;
    alignas(struct cmsghdr) uint8_t note[CMSG_SPACE(sizeof(uint16_t))];
};

static void ask_to_cut(struct msghdr *header, struct envelope *envelope, uint16_t packet_bytes)
{
    header->msg_control = envelope->note;
    header->msg_controllen = sizeof envelope->note;
    struct cmsghdr *note = CMSG_FIRSTHDR(header);
    note->cmsg_level = SOL_UDP;
    note->cmsg_type = UDP_SEGMENT;
    note->cmsg_len = CMSG_LEN(sizeof packet_bytes);
    memcpy(CMSG_DATA(note), &packet_bytes, sizeof packet_bytes);
}

/* How many messages went, from the one `at` on; 0 with errno where that one was refused. */
static unsigned send_from(const struct udp_socket *opened, struct outbox *outbox, unsigned at)
{
    struct mmsghdr headers[OUTBOX_MESSAGES];
    struct envelope envelopes[OUTBOX_MESSAGES];
    unsigned count = 0;
    for (; at + count < outbox->count; count++) {
        const struct message *message = &outbox->messages[at + count];
        struct envelope *envelope = &envelopes[count];
        struct msghdr *header = &headers[count].msg_hdr;
        socklen_t address_bytes = socket_address_of(opened->family, &message->to, &envelope->to);
        if (address_bytes == 0) break;
        envelope->part = (struct iovec){outbox->bytes + message->at, message->bytes};
        *header = (struct msghdr){
            .msg_name = &envelope->to, .msg_namelen = address_bytes, .msg_iov = &envelope->part, .msg_iovlen = 1};
        if (message->packets > 1) ask_to_cut(header, envelope, (uint16_t)message->packet_bytes);
    }
    errno = EAFNOSUPPORT;
    int sent = count == 0 ? 0 : sendmmsg(opened->fd, headers, count, 0);
    return sent < 0 ? 0 : (unsigned)sent;
}

static unsigned send_one_by_one(const struct udp_socket *opened, const struct outbox *outbox,
                                const struct message *message)
{
    unsigned lost = 0;
    for (size_t at = 0; at < message->bytes; at += message->packet_bytes) {
        size_t left = message->bytes - at;
        size_t bytes = left < message->packet_bytes ? left : message->packet_bytes;
        if (!socket_send(opened, &message->to, outbox->bytes + message->at + at, bytes)) lost++;
    }
    return lost;
}

static unsigned send_refused(struct udp_socket *opened, const struct outbox *outbox, const struct message *message)
{
    if (message->packets == 1) return 1;
    if (errno != EIO && errno != EINVAL && errno != EMSGSIZE) return message->packets;
    if (errno == EIO) opened->segments = false;
    return send_one_by_one(opened, outbox, message);
}

unsigned socket_send_outbox(struct udp_socket *opened, struct outbox *outbox)
{
    unsigned lost = 0;
    for (unsigned at = 0; at < outbox->count;) {
        unsigned sent = send_from(opened, outbox, at);
        if (sent == 0) lost += send_refused(opened, outbox, &outbox->messages[at++]);
        at += sent;
    }
    outbox_clear(outbox);
    return lost;
}
