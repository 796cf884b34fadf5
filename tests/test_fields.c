/* Fields: what is appended is found; no list of bytes, however made, is read past its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/fields.h"

/* A record whose payload array ends at a page without access. */
static struct cf_record *record_at_the_edge(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (sizeof(struct cf_record) + page - 1) / page * page;
    uint8_t *memory = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(mprotect(memory + bytes, page, PROT_NONE), 0);
    return (struct cf_record *)(void *)(memory + bytes - sizeof(struct cf_record));
}

static void record_at_the_edge_free(struct cf_record *r)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (sizeof(struct cf_record) + page - 1) / page * page;
    munmap((uint8_t *)r + sizeof *r - bytes, bytes + page);
}

static void appended_fields_come_back_in_order(void **state)
{
    (void)state;
    static struct cf_record r;
    struct cf_field f;
    r = (struct cf_record){0};
    assert_true(cf_fields_append_text(&r, CF_FIELD_CALLER, "+15551234567"));
    assert_true(cf_fields_append_text(&r, CF_FIELD_CALLED, NULL)); /* nothing to say: no field */
    assert_true(cf_fields_append_text(&r, CF_FIELD_CALLED, ""));
    assert_true(cf_fields_append(&r, CF_FIELD_USER_USER, "\0\1\2", 3));
    assert_true(cf_fields_append(&r, CF_FIELD_NAME, NULL, 0));
    struct cf_fields list = cf_fields_of(&r);
    assert_true(cf_fields_next(&list, &f));
    assert_int_equal(f.tag, CF_FIELD_CALLER);
    assert_int_equal(f.bytes, 12);
    assert_memory_equal(f.data, "+15551234567", 12);
    assert_true(cf_fields_next(&list, &f));
    assert_int_equal(f.tag, CF_FIELD_USER_USER);
    assert_memory_equal(f.data, "\0\1\2", 3);
    assert_true(cf_fields_next(&list, &f));
    assert_int_equal(f.tag, CF_FIELD_NAME);
    assert_int_equal(f.bytes, 0);
    assert_false(cf_fields_next(&list, &f));
    assert_false(list.bad);
    assert_true(cf_fields_find(&r, CF_FIELD_USER_USER, &f));
    assert_int_equal(f.bytes, 3);
    assert_false(cf_fields_find(&r, CF_FIELD_CALLED, &f));
}

static void an_append_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    struct cf_record *r = record_at_the_edge();
    static uint8_t data[70000];
    r->payload_bytes = 0;
    assert_false(cf_fields_append(r, 1, data, CF_RECORD_PAYLOAD_MAX - 3));
    assert_false(cf_fields_append(r, 1, data, 65536)); /* no 16-bit length */
    assert_false(cf_fields_append(r, 1, data, UINT32_MAX));
    assert_int_equal(r->payload_bytes, 0);
    assert_true(cf_fields_append(r, 1, data, CF_RECORD_PAYLOAD_MAX - 4)); /* exactly full */
    assert_int_equal(r->payload_bytes, CF_RECORD_PAYLOAD_MAX);
    assert_false(cf_fields_append(r, 1, data, 0));
    for (uint32_t left = 0; left <= 5; left++) {
        r->payload_bytes = CF_RECORD_PAYLOAD_MAX - left;
        assert_int_equal(cf_fields_append(r, 1, data, 0), left >= 4);
        assert_int_equal(r->payload_bytes, CF_RECORD_PAYLOAD_MAX - left + (left >= 4 ? 4 : 0));
    }
    record_at_the_edge_free(r);
}

static void put(struct cf_record *r, uint32_t at, uint16_t tag, uint16_t bytes)
{
    uint16_t head[2] = {tag, bytes};
    memcpy(r->payload + at, head, 4);
}

static void a_length_beyond_the_end_makes_the_list_bad(void **state)
{
    (void)state;
    struct cf_record *r = record_at_the_edge();
    struct cf_field f;
    memset(r, 0, sizeof *r);
    r->payload_bytes = CF_RECORD_PAYLOAD_MAX;
    for (uint32_t at = 0; at + 4 <= CF_RECORD_PAYLOAD_MAX; at += 28) {
        uint32_t left = CF_RECORD_PAYLOAD_MAX - at - 4;
        if (at != 0)
            put(r, 0, CF_FIELD_CALLER, (uint16_t)(at - 4));
        for (uint32_t over = 0; over < 2; over++) {
            put(r, at, CF_FIELD_CALLED, (uint16_t)(left + over));
            struct cf_fields list = cf_fields_of(r);
            if (at != 0)
                assert_true(cf_fields_next(&list, &f));
            assert_int_equal(cf_fields_next(&list, &f), over == 0);
            assert_int_equal(list.bad, over == 1);
            if (over == 1)
                assert_false(cf_fields_next(&list, &f)); /* and it stays so */
        }
        memset(r->payload, 0, sizeof r->payload);
    }
    record_at_the_edge_free(r);
}

static void a_head_cut_short_ends_the_list(void **state)
{
    (void)state;
    struct cf_record *r = record_at_the_edge();
    struct cf_field f;
    memset(r->payload, 0xFF, sizeof r->payload);
    for (uint32_t bytes = 0; bytes < 4; bytes++) {
        r->payload_bytes = bytes;
        struct cf_fields list = cf_fields_of(r);
        assert_false(cf_fields_next(&list, &f));
    }
    record_at_the_edge_free(r);
}

static void tag_zero_ends_the_list(void **state)
{
    (void)state;
    static struct cf_record r;
    struct cf_field f;
    r = (struct cf_record){.payload_bytes = 112};
    put(&r, 0, CF_FIELD_CALLER, 2);
    put(&r, 10, CF_FIELD_CALLED, 2); /* after the end: padding of a slot, or what a peer hid there */
    struct cf_fields list = cf_fields_of(&r);
    assert_true(cf_fields_next(&list, &f));
    assert_false(cf_fields_next(&list, &f));
    assert_false(list.bad);
}

static void random_bytes_never_lead_outside(void **state)
{
    (void)state;
    struct cf_record *r = record_at_the_edge();
    uint64_t seed = 12345, fields = 0, bad = 0;
    for (int round = 0; round < 20000; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t bytes = 1 + (uint32_t)(seed >> 33) % CF_RECORD_PAYLOAD_MAX;
        for (uint32_t at = 0; at + 4 <= bytes;) { /* heads with small and sometimes large lengths */
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint16_t length = (uint16_t)(seed >> 40) & (seed >> 60 == 0 ? 0xFFFF : 0x3F);
            put(r, at, (uint16_t)(1 + (seed >> 33) % 20), length);
            at += 4 + length;
        }
        r->payload_bytes = bytes;
        struct cf_fields list = cf_fields_of(r);
        struct cf_field f;
        uint32_t sum = 0;
        while (cf_fields_next(&list, &f)) {
            for (uint32_t i = 0; i < f.bytes; i++)
                sum += f.data[i]; /* touches every byte: outside would end the program */
            assert_true(f.data >= r->payload && f.data + f.bytes <= r->payload + bytes);
            assert_true(++fields != 0 && sum < UINT32_MAX);
        }
        bad += list.bad;
    }
    assert_true(fields > 1000 && bad > 1000);
    record_at_the_edge_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_fields_come_back_in_order),
        cmocka_unit_test(an_append_that_does_not_fit_changes_nothing),
        cmocka_unit_test(a_length_beyond_the_end_makes_the_list_bad),
        cmocka_unit_test(a_head_cut_short_ends_the_list),
        cmocka_unit_test(tag_zero_ends_the_list),
        cmocka_unit_test(random_bytes_never_lead_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
