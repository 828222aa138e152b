/* Joining: only what cutting would give back, and never anything that is not whole. */
#include "super_frame.h"

enum { SYN = 2, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

static struct super_frame made;
static struct segments segments;
static struct run run;

static void empty_run(void)
{
    run_finish(&run);
    run.tcp = run.udp = true;
}

static void cut_frame(bool ip6, bool tcp, size_t segment_data_bytes, size_t data_bytes)
{
    empty_run();
    made = (struct super_frame){.ip6 = ip6,
                                .tcp = tcp,
                                .segment_data_bytes = segment_data_bytes,
                                .data_bytes = data_bytes,
                                .tcp_flags = ACK,
                                .tcp_option_bytes = 12};
    make_super_frame(&made);
    CHECK(cut(&made, &segments));
}

static bool add_frame(const uint8_t *frame, size_t bytes, bool unsummed)
{
    struct arrival arrival;
    CHECK(arrival_read(&arrival, frame, bytes, unsummed));
    return run_add(&run, &arrival);
}

static bool add(unsigned number)
{
    return add_frame(segments.frames[number], segments.bytes[number], false);
}

/* From the run's own room, as packets are opened; false leaves the run as it was. */
static bool add_in_room(const uint8_t *frame, size_t bytes, bool unsummed)
{
    uint8_t *room = run_room(&run, bytes);
    if (room == NULL) return false;
    memcpy(room, frame, bytes);
    bool added = add_frame(room, bytes, unsummed);
    if (!added) run_clear_room(&run);
    return added;
}

/* `round` picks among IPv4 and IPv6, TCP and UDP; the rest is chance. */
static void make_random(int round, size_t least_mss)
{
    size_t mss = least_mss + next_random() % 1300, count = 1 + next_random() % 40;
    made = (struct super_frame){.ip6 = round & 1,
                                .tcp = round & 2,
                                .vlan_tags = next_random() % 3,
                                .segment_data_bytes = mss,
                                .data_bytes = (count - 1) * mss + 1 + next_random() % mss,
                                .tcp_flags = next_random() & 1 ? ACK : ACK | PSH,
                                .tcp_option_bytes = next_random() % 11 * 4};
    make_super_frame(&made);
}

static void gives_back_what_was_cut(void)
{
    for (int round = 0; round < 4000; round++) {
        empty_run();
        make_random(round, 100);
        CHECK(cut(&made, &segments));
        for (unsigned at = 0; at < segments.count; at++) CHECK(add(at));
        size_t bytes = run_finish(&run);
        const struct vnet_header header = run.frame.header;
        CHECK(bytes == made.bytes && run.carried_bytes == made.bytes + (segments.count - 1) * made.data);
        if (segments.count == 1) {
            CHECK(header.gso_type == VNET_GSO_NONE && memcmp(run.frame.bytes, segments.frames[0], bytes) == 0);
            continue;
        }
        CHECK(memcmp(&header, &made.vnet.header, sizeof header) == 0 && memcmp(run.frame.bytes, made.vnet.bytes, bytes) == 0);
    }
}

static void joins_in_its_own_room_what_was_not_summed(void)
{
    for (int round = 0; round < 4000; round++) {
        empty_run();
        make_random(round, 20);
        CHECK(cut_with(&made, &segments, CHECKSUMS_LEFT));
        for (unsigned at = 0; at < segments.count; at++) {
            /* What is opened there and is no frame, or not of this flow, leaves no trace. */
            static uint8_t stranger[1400];
            if (next_random() % 4 == 0) CHECK(at == 0 || !add_in_room(stranger, 60 + next_random() % 1300, false));
            CHECK(add_in_room(segments.frames[at], segments.bytes[at], true));
        }
        size_t bytes = run_finish(&run);
        struct vnet_header wanted = made.vnet.header;
        if (segments.count == 1) wanted.gso_type = 0, wanted.gso_bytes = 0, wanted.header_bytes = 0;
        CHECK(bytes == made.bytes && memcmp(&run.frame.header, &wanted, sizeof wanted) == 0);
        CHECK(memcmp(run.frame.bytes, made.vnet.bytes, bytes) == 0);
        vnet_finish_checksum(&run.frame, bytes);
        if (segments.count == 1) CHECK(checksums_right(&made, run.frame.bytes, bytes) && run.frame.header.flags == 0);
    }
}

static void joins_summed_frames_and_others(void)
{
    static struct segments left;
    cut_frame(false, true, 500, 1500);
    CHECK(cut_with(&made, &left, CHECKSUMS_LEFT));
    CHECK(add(0) && add_frame(left.frames[1], left.bytes[1], true) && add(2));
    CHECK(run_finish(&run) == made.bytes && memcmp(run.frame.bytes, made.vnet.bytes, made.bytes) == 0);
    empty_run();
    CHECK(add_frame(left.frames[0], left.bytes[0], true) && add(1));
    /* A damaged one spoils the run that it begins, whatever follows. */
    empty_run();
    segments.frames[0][made.data] ^= 1;
    CHECK(add(0) && !add_frame(left.frames[1], left.bytes[1], true));
    /* What says that it was not summed is not looked at: that is the tag's part. The IP header is. */
    empty_run();
    left.frames[1][made.ip + 8] ^= 1;
    CHECK(add_frame(left.frames[0], left.bytes[0], true) && !add_frame(left.frames[1], left.bytes[1], true));
}

static void refuses_unsummed_frames_without_a_checksum_to_finish(void)
{
    struct arrival arrival;
    cut_frame(false, true, 500, 1500);
    CHECK(arrival_read(&arrival, segments.frames[0], segments.bytes[0], true));
    CHECK(!arrival_read(&arrival, segments.frames[0], segments.bytes[0] - 1, true));
    segments.frames[0][made.ip + 9] = 1;
    CHECK(!arrival_read(&arrival, segments.frames[0], segments.bytes[0], true));
    CHECK(arrival_read(&arrival, segments.frames[0], segments.bytes[0], false) && !arrival.known);
}

static void has_no_room_where_nothing_may_join(void)
{
    cut_frame(false, true, 500, 700);
    CHECK(run_room(&run, 600) == run.frame.bytes);
    CHECK(add(0) && run_room(&run, 600) != NULL);
    run_clear_room(&run);
    CHECK(run_room(&run, SUPER_FRAME_MAX_BYTES - 500) == NULL);
    CHECK(add(1) && run_room(&run, 600) == NULL);
}

/* Puts both checksums right after a change, so that the change alone can be the reason to refuse. */
static void sum_again(uint8_t *frame, size_t bytes)
{
    uint8_t *ip = frame + made.ip, *field = frame + made.transport + (made.tcp ? 16 : 6);
    const uint8_t *source = ip + (made.ip6 ? 8 : 12);
    size_t address_bytes = made.ip6 ? 16 : 4;
    if (!made.ip6) {
        write16(ip + 10, 0);
        write16(ip + 10, (uint16_t)~plain_sum(0, ip, 20));
    }
    write16(field, 0);
    uint64_t sum = checksum_pseudo(source, source + address_bytes, address_bytes, made.tcp ? 6 : 17,
                                   (uint32_t)(bytes - made.transport));
    uint16_t value = (uint16_t)~checksum_fold(checksum_add(sum, frame + made.transport, bytes - made.transport));
    memcpy(field, &value, 2);
}

/* Is the second segment refused once this bit is changed? */
static bool refused_with(bool ip6, bool tcp, size_t at, uint8_t bits, bool sums_right)
{
    cut_frame(ip6, tcp, 500, 1500);
    uint8_t *frame = segments.frames[1];
    frame[at] ^= bits;
    if (sums_right) sum_again(frame, segments.bytes[1]);
    CHECK(add(0));
    return !add(1);
}

static void joins_only_neighbours_of_one_flow(void)
{
    for (int kind = 0; kind < 4; kind++) {
        bool ip6 = kind & 1, tcp = kind & 2;
        CHECK(!refused_with(ip6, tcp, 0, 0, true));
        size_t ip = made.ip, transport = made.transport, end = tcp ? transport + 32 : transport + 4;
        for (size_t at = 0; at < end; at++) {
            bool length = ip6 ? at >= ip + 4 && at < ip + 6 : at >= ip + 2 && at < ip + 4;
            bool sum = (!ip6 && (at == ip + 10 || at == ip + 11)) ||
                       (tcp && (at == transport + 16 || at == transport + 17));
            if (length || sum) continue;
            for (unsigned bit = 0; bit < 8; bit++) {
                bool push = tcp && at == transport + 13 && 1u << bit == PSH;
                /* The id of the first again, which is another test's. */
                bool same_id = !ip6 && at == ip + 5 && bit == 0;
                if (!push && !same_id) CHECK(refused_with(ip6, tcp, at, (uint8_t)(1u << bit), true));
            }
        }
    }
}

static void joins_nothing_that_is_damaged(void)
{
    for (int kind = 0; kind < 4; kind++) {
        bool ip6 = kind & 1, tcp = kind & 2;
        cut_frame(ip6, tcp, 500, 1500);
        for (size_t at = made.transport; at < segments.bytes[1]; at += 7) {
            CHECK(refused_with(ip6, tcp, at, 0x10, false));
        }
        /* Nor to what is: the first is looked at as well. */
        cut_frame(ip6, tcp, 500, 1500);
        segments.frames[0][made.data] ^= 1;
        CHECK(add(0) && !add(1));
    }
    CHECK(refused_with(false, true, 14 + 10, 1, false));
}

static void ends_with_a_short_segment(void)
{
    cut_frame(false, true, 500, 700);
    CHECK(add(0) && add(1));
    uint8_t next[2048];
    memcpy(next, segments.frames[1], segments.bytes[1]);
    write32(next + made.transport + 4, read32(next + made.transport + 4) + 200);
    write16(next + made.ip + 4, (uint16_t)(read16(next + made.ip + 4) + 1));
    sum_again(next, segments.bytes[1]);
    CHECK(!add_frame(next, segments.bytes[1], false));
}

static void ends_with_a_push(void)
{
    cut_frame(true, true, 500, 1500);
    segments.frames[1][made.transport + 13] |= PSH;
    sum_again(segments.frames[1], segments.bytes[1]);
    CHECK(add(0) && add(1) && !add(2));
    CHECK(run.frame.bytes[made.transport + 13] == (ACK | PSH));
    empty_run();
    CHECK(add(1) && !add(2));
}

static void takes_no_longer_segment_than_the_first(void)
{
    cut_frame(false, false, 500, 1300);
    CHECK(segments.count == 3 && add(2) && !add(0));
}

static bool stands_alone(unsigned number)
{
    empty_run();
    return add(number) && !add(number + 1);
}

static void leaves_frames_with_another_meaning_alone(void)
{
    static const uint8_t flags[] = {ACK | SYN, ACK | URG, ACK | ECE, ACK | CWR, ACK | 1, ACK | 4, 0};
    for (size_t at = 0; at < sizeof flags; at++) {
        cut_frame(false, true, 500, 1500);
        for (unsigned number = 0; number < 2; number++) {
            segments.frames[number][made.transport + 13] = flags[at];
            sum_again(segments.frames[number], segments.bytes[number]);
        }
        CHECK(stands_alone(0));
    }
    made = (struct super_frame){
        .ip6 = true, .tcp = true, .extension_bytes = 8, .segment_data_bytes = 500, .data_bytes = 1500, .tcp_flags = ACK};
    make_super_frame(&made);
    CHECK(cut(&made, &segments) && stands_alone(0));
    /* UDP without a checksum, and what the TAP does not take joined. */
    cut_frame(false, false, 500, 1500);
    for (unsigned number = 0; number < 2; number++) write16(segments.frames[number] + made.transport + 6, 0);
    CHECK(stands_alone(0));
    cut_frame(false, false, 500, 1500);
    run.udp = false;
    CHECK(add(0) && !add(1));
}

static void joins_udp_that_is_sent_with_one_id(void)
{
    cut_frame(false, false, 500, 1500);
    for (unsigned number = 0; number < 3; number++) {
        write16(segments.frames[number] + made.ip + 4, 0);
        sum_again(segments.frames[number], segments.bytes[number]);
    }
    CHECK(add(0) && add(1) && add(2));
}

static void stays_within_what_a_kernel_takes(void)
{
    cut_frame(false, true, 1024, 60 * 1024);
    unsigned joined = 0;
    /* The same flow going on, super-frame after super-frame. */
    for (unsigned number = 0; number < segments.count; number++) joined += add(number);
    CHECK(joined == 60 && run.bytes == made.bytes);
    for (unsigned more = 0; more < 10; more++) {
        uint8_t *frame = segments.frames[59];
        write32(frame + made.transport + 4, read32(frame + made.transport + 4) + 1024);
        write16(frame + made.ip + 4, (uint16_t)(read16(frame + made.ip + 4) + 1));
        sum_again(frame, segments.bytes[59]);
        joined += add(59);
    }
    CHECK(joined == 63 && run.bytes - made.ip <= UINT16_MAX);
}

RUN_TESTS(TEST(gives_back_what_was_cut), TEST(joins_in_its_own_room_what_was_not_summed),
          TEST(joins_summed_frames_and_others), TEST(refuses_unsummed_frames_without_a_checksum_to_finish),
          TEST(has_no_room_where_nothing_may_join), TEST(joins_only_neighbours_of_one_flow), TEST(joins_nothing_that_is_damaged),
          TEST(ends_with_a_short_segment), TEST(ends_with_a_push), TEST(takes_no_longer_segment_than_the_first),
          TEST(leaves_frames_with_another_meaning_alone), TEST(joins_udp_that_is_sent_with_one_id),
          TEST(stays_within_what_a_kernel_takes))
