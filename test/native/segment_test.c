/* Cutting: every segment is the frame that a wire would have carried. */
#include "super_frame.h"

enum { FIN = 1, PSH = 8, ACK = 16, CWR = 128 };

static struct super_frame made;
static struct segments segments;

static struct super_frame *make(bool ip6, bool tcp, size_t segment_data_bytes, size_t data_bytes)
{
    made = (struct super_frame){.ip6 = ip6,
                                .tcp = tcp,
                                .segment_data_bytes = segment_data_bytes,
                                .data_bytes = data_bytes,
                                .tcp_flags = ACK};
    return &made;
}

static void check_segments(void)
{
    size_t at = made.data;
    CHECK(cut(&made, &segments));
    CHECK(segments.count == (made.data_bytes + made.segment_data_bytes - 1) / made.segment_data_bytes);
    for (unsigned number = 0; number < segments.count; number++) {
        const uint8_t *frame = segments.frames[number];
        size_t bytes = segments.bytes[number], data_bytes = bytes - made.data;
        CHECK(memcmp(frame, made.vnet.bytes, made.ip) == 0);
        CHECK(memcmp(frame + made.data, made.vnet.bytes + at, data_bytes) == 0);
        CHECK(checksums_right(&made, frame, bytes));
        if (made.ip6) CHECK(read16(frame + made.ip + 4) == bytes - made.ip - 40);
        else CHECK(read16(frame + made.ip + 2) == bytes - made.ip);
        if (!made.ip6) CHECK(read16(frame + made.ip + 4) == (uint16_t)(read16(made.vnet.bytes + made.ip + 4) + number));
        if (!made.tcp) CHECK(read16(frame + made.transport + 4) == bytes - made.transport);
        if (made.tcp) CHECK(read32(frame + made.transport + 4) ==
                            read32(made.vnet.bytes + made.transport + 4) + (uint32_t)(at - made.data));
        at += data_bytes;
    }
    CHECK(at == made.bytes);
}

static void cuts_every_kind_of_frame(void)
{
    for (int round = 0; round < 4000; round++) {
        size_t mss = 100 + next_random() % 1300, count = 1 + next_random() % 40;
        make(round & 1, round & 2, mss, (count - 1) * mss + 1 + next_random() % mss);
        made.vlan_tags = next_random() % 3;
        made.extension_bytes = next_random() % 3 * 8;
        made.tcp_option_bytes = next_random() % 11 * 4;
        make_super_frame(&made);
        check_segments();
    }
}

static void leaves_closing_flags_to_the_last(void)
{
    make(false, true, 1000, 3500);
    made.tcp_flags = ACK | FIN | PSH;
    make_super_frame(&made);
    check_segments();
    for (unsigned at = 0; at < 4; at++) {
        CHECK(segments.frames[at][made.transport + 13] == (at == 3 ? ACK | FIN | PSH : ACK));
    }
}

static void leaves_a_congestion_signal_to_the_first(void)
{
    make(true, true, 1000, 3500);
    made.tcp_flags = ACK | CWR;
    make_super_frame(&made);
    made.vnet.header.gso_type |= VNET_GSO_ECN;
    check_segments();
    for (unsigned at = 0; at < 4; at++) {
        CHECK(segments.frames[at][made.transport + 13] == (at == 0 ? ACK | CWR : ACK));
    }
}

/* All but the transport checksum as above, and that as the kernel left it, with the segment's own length. */
static void leaves_checksums_to_the_receiver(void)
{
    static struct segments left;
    for (int round = 0; round < 2000; round++) {
        size_t mss = 40 + next_random() % 1300;
        make(round & 1, round & 2, mss, 1 + next_random() % (20 * mss));
        made.vlan_tags = next_random() % 3;
        made.extension_bytes = next_random() % 3 * 8;
        make_super_frame(&made);
        if (next_random() % 8 == 0) made.vnet.header.gso_type = VNET_GSO_NONE;
        CHECK(cut(&made, &segments) && cut_with(&made, &left, CHECKSUMS_LEFT) && left.count == segments.count);
        for (unsigned at = 0; at < left.count; at++) {
            uint8_t *field = left.frames[at] + made.transport + (made.tcp ? 16 : 6);
            CHECK(left.bytes[at] == segments.bytes[at]);
            CHECK(read16(field) == plain_pseudo_sum(&made, left.frames[at], left.bytes[at]));
            memcpy(field, segments.frames[at] + (field - left.frames[at]), 2);
            CHECK(memcmp(left.frames[at], segments.frames[at], left.bytes[at]) == 0);
        }
    }
}

static void finishes_checksums_that_no_receiver_could(void)
{
    make(true, true, 0, 500);
    make_super_frame(&made);
    made.vnet.header.gso_type = VNET_GSO_NONE;
    /* Another protocol, and padding behind the datagram. */
    made.vnet.bytes[made.ip + 6] = 132;
    CHECK(cut(&made, &segments));
    static struct segments left;
    CHECK(cut_with(&made, &left, CHECKSUMS_LEFT) && memcmp(left.frames[0], segments.frames[0], made.bytes) == 0);
    make_super_frame(&made);
    made.vnet.header.gso_type = VNET_GSO_NONE;
    made.bytes += 6;
    CHECK(cut(&made, &segments));
    CHECK(cut_with(&made, &left, CHECKSUMS_LEFT) && memcmp(left.frames[0], segments.frames[0], made.bytes) == 0);
}

static void finishes_the_checksum_of_a_whole_frame(void)
{
    for (int round = 0; round < 2000; round++) {
        make(round & 1, round & 2, 0, 1 + next_random() % 1400);
        make_super_frame(&made);
        made.vnet.header.gso_type = VNET_GSO_NONE;
        CHECK(cut(&made, &segments) && segments.count == 1 && segments.bytes[0] == made.bytes);
        CHECK(checksums_right(&made, segments.frames[0], made.bytes));
    }
}

static void never_sends_udp_with_the_checksum_that_says_none(void)
{
    make(false, false, 0, 2);
    make_super_frame(&made);
    made.vnet.header.gso_type = VNET_GSO_NONE;
    /* Data that completes the sum to all ones, whose complement is zero. */
    uint16_t rest = (uint16_t)~plain_sum(0, made.vnet.bytes + made.transport, 8);
    write16(made.vnet.bytes + made.data, rest);
    CHECK(cut(&made, &segments) && read16(segments.frames[0] + made.transport + 6) == 0xffff);
}

static void passes_on_frames_of_which_it_knows_nothing(void)
{
    make(false, true, 0, 500);
    make_super_frame(&made);
    write16(made.vnet.bytes + 12, 0x88cc);
    made.vnet.header = (struct vnet_header){0};
    CHECK(cut(&made, &segments) && segments.count == 1 && memcmp(segments.frames[0], made.vnet.bytes, made.bytes) == 0);
}

static bool refused_with(struct vnet_header header)
{
    made.vnet.header = header;
    return !cut(&made, &segments);
}

static void refuses_headers_that_contradict_the_frame(void)
{
    make(false, true, 1000, 3000);
    make_super_frame(&made);
    const struct vnet_header right = made.vnet.header;
    struct vnet_header wrong;
    CHECK(!refused_with(right));
    CHECK((wrong = right, wrong.gso_type = VNET_GSO_TCP6, refused_with(wrong)));
    CHECK((wrong = right, wrong.gso_type = VNET_GSO_UDP, refused_with(wrong)));
    CHECK((wrong = right, wrong.gso_type = 3, refused_with(wrong)));
    CHECK((wrong = right, wrong.gso_bytes = 0, refused_with(wrong)));
    CHECK((wrong = right, wrong.flags = 0, refused_with(wrong)));
    CHECK((wrong = right, wrong.checksum_start += 4, refused_with(wrong)));
    CHECK((wrong = right, wrong.checksum_offset = 6, refused_with(wrong)));
    wrong = (struct vnet_header){.flags = VNET_NEEDS_CHECKSUM};
    CHECK((wrong.checksum_start = (uint16_t)(made.bytes - 1), refused_with(wrong)));
    CHECK((wrong.checksum_start = 0, refused_with(wrong)));
    made.bytes -= 1;
    CHECK(refused_with(right));
}

static void survives_every_header_and_every_frame(void)
{
    for (int round = 0; round < 100000; round++) {
        make(round & 1, round & 2, 100 + next_random() % 1900, 1 + next_random() % 3000);
        make_super_frame(&made);
        for (uint64_t changes = next_random() % 4; changes > 0; changes--) {
            made.vnet.bytes[next_random() % made.data] = (uint8_t)next_random();
            ((uint8_t *)&made.vnet.header)[next_random() % sizeof made.vnet.header] = (uint8_t)next_random();
        }
        struct segmenter segmenter;
        enum checksums checksums = next_random() & 1 ? CHECKSUMS_LEFT : CHECKSUMS_DONE;
        if (!segmenter_init(&segmenter, &made.vnet, made.bytes)) continue;
        size_t data_bytes = 0;
        for (size_t bytes; (bytes = segmenter_next_bytes(&segmenter)) > 0; segmenter_next(&segmenter, checksums)) {
            CHECK(bytes <= made.bytes);
            data_bytes += bytes - segmenter.headers.data;
        }
        CHECK(data_bytes == segmenter.headers.end - segmenter.headers.data);
    }
}

RUN_TESTS(TEST(cuts_every_kind_of_frame), TEST(leaves_closing_flags_to_the_last),
          TEST(leaves_a_congestion_signal_to_the_first), TEST(leaves_checksums_to_the_receiver),
          TEST(finishes_checksums_that_no_receiver_could), TEST(finishes_the_checksum_of_a_whole_frame),
          TEST(never_sends_udp_with_the_checksum_that_says_none), TEST(passes_on_frames_of_which_it_knows_nothing),
          TEST(refuses_headers_that_contradict_the_frame), TEST(survives_every_header_and_every_frame))
