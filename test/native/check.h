/*
 * The tests' own words. A test is a function without arguments; CHECK notes what does not hold and goes on.
 *
 *     int main(void) { return run_tests((struct test[]){TEST(name), ...}, count); }
 *
 * Prints one line for each failure and, last, "N passed, N failed".
 */
#ifndef TINCAN_TEST_CHECK_H
#define TINCAN_TEST_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
};

#define TEST(function) {#function, function}
#define RUN_TESTS(...)                                                                                                 \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct test tests[] = {__VA_ARGS__};                                                                     \
        return run_tests(tests, sizeof tests / sizeof *tests);                                                         \
    }

static const char *current_test;
static bool current_failed;

#define CHECK(condition) check(condition, #condition, __FILE__, __LINE__)
#define CHECK_BYTES(bytes, hex) check_bytes(bytes, hex, __FILE__, __LINE__)

__attribute__((unused)) static void check(bool holds, const char *condition, const char *file, int line)
{
    if (holds) return;
    printf("%s:%d: %s: does not hold: %s\n", file, line, current_test, condition);
    current_failed = true;
}

/* Reads hex digits, spaces allowed; returns the number of bytes. */
__attribute__((unused)) static size_t from_hex(const char *hex, uint8_t *bytes)
{
    size_t count = 0;
    for (; *hex != 0; hex += 2) {
        while (*hex == ' ') hex++;
        if (*hex == 0) break;
        unsigned byte;
        sscanf(hex, "%2x", &byte);
        bytes[count++] = (uint8_t)byte;
    }
    return count;
}

__attribute__((unused)) static void check_bytes(const uint8_t *bytes, const char *hex, const char *file, int line)
{
    uint8_t wanted[4096];
    size_t count = from_hex(hex, wanted);
    if (memcmp(bytes, wanted, count) == 0) return;
    printf("%s:%d: %s: wanted %s\n  got", file, line, current_test, hex);
    for (size_t at = 0; at < count; at++) printf(" %02x", bytes[at]);
    printf("\n");
    current_failed = true;
}

/* xorshift64: the same sequence on every machine, so that a failure can be repeated. */
__attribute__((unused)) static uint64_t next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

__attribute__((unused)) static int run_tests(const struct test *tests, size_t count)
{
    int failed = 0;
    for (size_t at = 0; at < count; at++) {
        current_test = tests[at].name;
        current_failed = false;
        tests[at].run();
        failed += current_failed;
    }
    printf("%d passed, %d failed\n", (int)count - failed, failed);
    return failed == 0 ? 0 : 1;
}

#endif
