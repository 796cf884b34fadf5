/* What the SIP user agent is made of: hash, table, timers, store, writer, cause tables, session descriptions. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/cause.h"
#include "adapters/sip/hash.h"
#include "adapters/sip/net.h"
#include "adapters/sip/out.h"
#include "adapters/sip/sdp.h"
#include "adapters/sip/store.h"
#include "adapters/sip/table.h"
#include "adapters/sip/timer.h"
#include "adapters/sip/trunk.h"
#include "callfan/tapi_const.h"

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- hash: key 00..0f, text 00 01 02 ..., as in the reference's test vectors (here from OpenSSL's SIPHASH) */

static void the_hash_gives_the_reference_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint8_t hash[16];
    } vectors[] = {
        {0, {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93}},
        {1, {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45}},
        {15, {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9}},
        {63, {0x51, 0x50, 0xd1, 0x77, 0x2f, 0x50, 0x83, 0x4a, 0x50, 0x3e, 0x06, 0x9a, 0x97, 0x3f, 0xbd, 0x7c}},
    };
    const struct cf_sip_key secret = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    char text[64];
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)i;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct cf_sip_key key = cf_sip_hash_of(&secret, text, vectors[i].len);
        assert_memory_equal(&key, vectors[i].hash, 16);
    }
}

static void pieces_are_told_apart_and_case_only_where_asked(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}, {"AB", "c"}};
    struct cf_sip_key keys[5];
    for (unsigned i = 0; i < 5; i++) {
        struct cf_sip_hash hash;
        cf_sip_hash_init(&hash, &(struct cf_sip_key){{1, 2}});
        cf_sip_hash_bytes(&hash, pairs[i][0], strlen(pairs[i][0]));
        cf_sip_hash_bytes(&hash, pairs[i][1], strlen(pairs[i][1]));
        keys[i] = cf_sip_hash_end(&hash);
        for (unsigned j = 0; j < i; j++)
            assert_false(cf_sip_key_same(&keys[i], &keys[j]));
    }
    struct cf_sip_key lower[2];
    for (unsigned i = 0; i < 2; i++) {
        struct cf_sip_hash hash;
        cf_sip_hash_init(&hash, &(struct cf_sip_key){{1, 2}});
        cf_sip_hash_lower(&hash, i == 0 ? "Proxy.Example" : "proxy.eXample", 13);
        lower[i] = cf_sip_hash_end(&hash);
    }
    assert_true(cf_sip_key_same(&lower[0], &lower[1]));
}

/* What a piece is to the plain function: its bytes, then its length in two bytes, or in eight and a mark. */
static size_t put_piece(char *to, const char *text, size_t len)
{
    const uint16_t mark = len < 0xffff ? (uint16_t)len : 0xffff;
    const uint64_t number = len;
    size_t at = len;
    memcpy(to, text, len);
    if (mark == 0xffff) {
        memcpy(to + at, &number, sizeof(number));
        at += sizeof(number);
    }
    memcpy(to + at, &mark, sizeof(mark));
    return at + sizeof(mark);
}

static void pieces_are_hashed_as_one_text(void **state)
{
    (void)state;
    static const size_t lens[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,   9,   13,    14,    15,    16,
                                  17, 62, 63, 64, 65, 66, 71, 72, 128, 129, 65533, 65534, 65535, 65536};
    enum { LENS = sizeof(lens) / sizeof(lens[0]), BYTES = 65536 + 16 };
    const struct cf_sip_key secret = {{7, 9}};
    static char text[BYTES], upper[BYTES], whole[2 * BYTES];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i * 7 % 26);
        upper[i] = (char)(text[i] - 'a' + 'A');
    }
    for (unsigned i = 0; i < LENS; i++)
        for (unsigned j = 0; j < LENS; j++) {
            struct cf_sip_hash pieces, lower;
            cf_sip_hash_init(&pieces, &secret);
            cf_sip_hash_init(&lower, &secret);
            cf_sip_hash_bytes(&pieces, text, lens[i]);
            cf_sip_hash_bytes(&pieces, text + 1, lens[j]);
            cf_sip_hash_lower(&lower, upper, lens[i]);
            cf_sip_hash_lower(&lower, upper + 1, lens[j]);
            if (lens[i] > 64 || lens[j] > 64)
                continue; /* in lower case the mark comes sooner */
            size_t len = put_piece(whole, text, lens[i]);
            len += put_piece(whole + len, text + 1, lens[j]);
            const struct cf_sip_key wanted = cf_sip_hash_of(&secret, whole, len);
            const struct cf_sip_key got = cf_sip_hash_end(&pieces);
            const struct cf_sip_key got_lower = cf_sip_hash_end(&lower);
            assert_true(cf_sip_key_same(&got, &wanted));
            assert_true(cf_sip_key_same(&got_lower, &wanted));
        }
    for (unsigned i = 0; i < LENS; i++) {
        struct cf_sip_hash pieces;
        cf_sip_hash_init(&pieces, &secret);
        cf_sip_hash_bytes(&pieces, text, lens[i]);
        const struct cf_sip_key got = cf_sip_hash_end(&pieces);
        const struct cf_sip_key wanted = cf_sip_hash_of(&secret, whole, put_piece(whole, text, lens[i]));
        assert_true(cf_sip_key_same(&got, &wanted));
    }
}

static void a_long_host_in_lower_case_is_one_piece(void **state)
{
    (void)state;
    char upper[200], lower[200];
    memset(upper, 'Q', sizeof(upper));
    memset(lower, 'q', sizeof(lower));
    struct cf_sip_key keys[sizeof(upper) + 1];
    for (size_t len = 0; len <= sizeof(upper); len++) {
        struct cf_sip_hash a, b;
        cf_sip_hash_init(&a, &(struct cf_sip_key){{1, 2}});
        cf_sip_hash_init(&b, &(struct cf_sip_key){{1, 2}});
        cf_sip_hash_lower(&a, upper, len);
        cf_sip_hash_lower(&b, lower, len);
        keys[len] = cf_sip_hash_end(&a);
        const struct cf_sip_key same = cf_sip_hash_end(&b);
        assert_true(cf_sip_key_same(&keys[len], &same));
        for (size_t before = 0; before < len; before++)
            assert_false(cf_sip_key_same(&keys[before], &keys[len]));
    }
}

static void addresses_are_written_as_others_write_them(void **state)
{
    (void)state;
    static const char *const texts[] = {"0.0.0.0",   "1.2.3.4",         "10.0.99.100", "127.0.0.1",
                                        "192.0.2.9", "255.255.255.255", "::1",         "2001:db8::7"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        union cf_sip_addr addr;
        char text[INET6_ADDRSTRLEN];
        assert_true(cf_sip_addr_parse(&addr, texts[i], strlen(texts[i]), 5060));
        cf_sip_addr_text(&addr, text);
        assert_string_equal(text, texts[i]);
    }
}

/* ---- table */

static void the_table_finds_what_is_in_and_nothing_else(void **state)
{
    (void)state;
    enum { NODES = 500 };
    static struct cf_sip_node node[NODES];
    static struct cf_sip_node *bucket[64]; /* far too few: long lists */
    struct cf_sip_table table;
    uint64_t random = 7;
    cf_sip_table_init(&table, bucket, 64);
    for (unsigned step = 0; step < 20000; step++) {
        const unsigned i = (unsigned)(random_next(&random) % NODES);
        const struct cf_sip_key key = {{i * 31, i}};
        struct cf_sip_node *found = cf_sip_table_find(&table, &key);
        assert_ptr_equal(found, node[i].in ? &node[i] : NULL);
        if (node[i].in)
            cf_sip_table_remove(&table, &node[i]);
        else
            cf_sip_table_insert(&table, &node[i], key);
    }
    assert_true(cf_sip_table_check(&table));
    for (unsigned i = 0; i < NODES; i++)
        cf_sip_table_remove(&table, &node[i]); /* a no-op for those that are out */
    assert_int_equal(table.live, 0);
    assert_int_equal(cf_sip_table_buckets(1), 16);
    assert_int_equal(cf_sip_table_buckets(1000), 2048);
}

/* ---- timers */

enum { TIMERS = 300 };

struct model {
    struct cf_sip_wheel wheel;
    struct cf_sip_timer timer[TIMERS];
    uint64_t due[TIMERS]; /* 0: not armed */
    uint64_t now;
};

/* Fires what is due; none early, none later than a slot after the time that was given. */
static unsigned fire(struct model *m)
{
    const uint64_t slot = (uint64_t)1 << CF_SIP_WHEEL_SHIFT;
    struct cf_sip_timer *timer;
    unsigned fired = 0;
    while ((timer = cf_sip_wheel_expired(&m->wheel, m->now)) != NULL) {
        const size_t i = (size_t)(timer - m->timer);
        assert_true(m->due[i] != 0 && m->due[i] <= m->now);
        m->due[i] = 0;
        fired++;
    }
    for (unsigned i = 0; i < TIMERS; i++)
        assert_true(m->due[i] == 0 || m->due[i] + slot > m->now);
    return fired;
}

static void timers_fire_in_time_and_never_early(void **state)
{
    (void)state;
    static struct model m;
    uint64_t random = 11;
    unsigned fired = 0;
    memset(&m, 0, sizeof(m));
    m.now = 123456789;
    cf_sip_wheel_init(&m.wheel, m.now);
    for (unsigned step = 0; step < 40000; step++) {
        const unsigned i = (unsigned)(random_next(&random) % TIMERS);
        const uint64_t spans[] = {1, 1000000, 500000000, 4000000000u, 32000000000u, 200000000000u};
        switch (random_next(&random) % 4) {
        case 0:
        case 1:
            m.due[i] = m.now + random_next(&random) % spans[random_next(&random) % 6];
            cf_sip_wheel_arm(&m.wheel, &m.timer[i], m.due[i]);
            break;
        case 2:
            m.due[i] = 0;
            cf_sip_wheel_disarm(&m.wheel, &m.timer[i]);
            break;
        default:
            m.now += random_next(&random) % (random_next(&random) % 1000 == 0 ? spans[5] : spans[2]);
            fired += fire(&m);
        }
        if (step % 100 == 0)
            assert_true(cf_sip_wheel_check(&m.wheel));
    }
    assert_true(fired > 1000);
}

static void the_deadline_leads_to_the_next_timer(void **state)
{
    (void)state;
    static struct model m;
    memset(&m, 0, sizeof(m));
    m.now = 5000000000u;
    cf_sip_wheel_init(&m.wheel, m.now);
    assert_true(cf_sip_wheel_deadline(&m.wheel) == CF_SIP_TIMER_NEVER);
    const uint64_t spans[] = {700000000, 31000000000u, 34360000000u, 100000000000u, 400000000000u};
    for (unsigned i = 0; i < 5; i++)
        cf_sip_wheel_arm(&m.wheel, &m.timer[i], m.due[i] = m.now + spans[i]);
    unsigned fired = 0, wakes = 0;
    while (cf_sip_wheel_deadline(&m.wheel) != CF_SIP_TIMER_NEVER) {
        const uint64_t next = cf_sip_wheel_deadline(&m.wheel);
        assert_true(next > m.now);
        m.now = next;
        fired += fire(&m);
        assert_true(++wakes < 40); /* far timers cost a wake per turn of the wheel, no more */
    }
    assert_int_equal(fired, 5);
}

/* ---- store */

static void stored_texts_come_back_whole_and_in_pieces(void **state)
{
    (void)state;
    enum { BLOCKS = 40, TEXTS = 12 };
    static struct cf_sip_block block[BLOCKS];
    static char text[TEXTS][4000], back[4000];
    struct cf_sip_stored stored[TEXTS] = {{0, 0}};
    struct cf_sip_store store;
    uint64_t random = 3;
    unsigned refused = 0;
    cf_sip_store_init(&store, block, BLOCKS);
    for (unsigned step = 0; step < 5000; step++) {
        const unsigned i = (unsigned)(random_next(&random) % TEXTS);
        if (stored[i].first != 0) {
            const size_t at = random_next(&random) % stored[i].len;
            const size_t len = cf_sip_store_get(&store, stored[i], at, back, sizeof(back));
            assert_int_equal(len, stored[i].len - at);
            assert_memory_equal(back, text[i] + at, len);
            cf_sip_store_free(&store, &stored[i]);
            continue;
        }
        const size_t len = random_next(&random) % sizeof(text[i]);
        for (size_t k = 0; k < len; k++)
            text[i][k] = (char)random_next(&random);
        const uint32_t before = store.free_count;
        const bool kept = cf_sip_store_put(&store, &stored[i], text[i], len);
        assert_int_equal(kept, cf_sip_store_blocks(len) <= before);
        assert_int_equal(store.free_count, before - (kept ? cf_sip_store_blocks(len) : 0));
        refused += !kept;
    }
    assert_true(refused > 10);
    for (unsigned i = 0; i < TEXTS; i++)
        cf_sip_store_free(&store, &stored[i]);
    assert_int_equal(store.free_count, BLOCKS);
}

/* ---- writer */

static void the_writer_stops_at_its_end(void **state)
{
    (void)state;
    char text[32];
    struct cf_sip_out out = {.text = text, .bytes_max = 24};
    cf_sip_put_number(&out, UINT64_MAX);
    cf_sip_put_value(&out, "a\r\n", 3);
    assert_false(out.full);
    assert_memory_equal(text, "18446744073709551615a  ", 23);
    CF_SIP_PUT(&out, "xy");
    assert_true(out.full);
    CF_SIP_PUT(&out, "x"); /* nothing more, even what would fit */
    assert_int_equal(out.len, 23);
    out = (struct cf_sip_out){.text = text, .bytes_max = 16};
    cf_sip_put_hex64(&out, 0x0123456789abcdefu);
    assert_memory_equal(text, "0123456789abcdef", 16);
}

/* ---- causes */

#define MODE(name) LINEDISCONNECTMODE_##name

static void every_q850_cause_has_its_mode(void **state)
{
    (void)state;
    /* index: cause; 0: UNKNOWN. `ringing` and `talking` where they differ. */
    static const struct {
        unsigned cause;
        uint32_t plain, ringing, talking;
    } table[] = {
        {1, MODE(BADADDRESS), 0, 0},
        {2, MODE(UNREACHABLE), 0, 0},
        {3, MODE(UNREACHABLE), 0, 0},
        {4, MODE(UNKNOWN), 0, 0},
        {5, MODE(BADADDRESS), 0, 0},
        {6, MODE(CONGESTION), 0, 0},
        {16, MODE(NORMAL), 0, 0}, /* a call that came in and was not answered: below */
        {17, MODE(BUSY), 0, 0},
        {18, MODE(UNREACHABLE), MODE(NOANSWER), MODE(NOANSWER)},
        {19, MODE(NOANSWER), 0, 0},
        {20, MODE(UNREACHABLE), 0, 0},
        {21, MODE(REJECT), 0, 0},
        {22, MODE(NUMBERCHANGED), 0, 0},
        {23, MODE(FORWARDED), 0, 0},
        {24, MODE(BLOCKED), 0, 0},
        {25, MODE(UNREACHABLE), 0, 0},
        {26, MODE(PICKUP), 0, 0},
        {27, MODE(OUTOFORDER), 0, 0},
        {28, MODE(BADADDRESS), 0, 0},
        {29, MODE(REJECT), 0, 0},
        {31, MODE(UNKNOWN), MODE(UNKNOWN), MODE(NORMAL)},
        {34, MODE(CONGESTION), 0, 0},
        {38, MODE(UNREACHABLE), 0, 0},
        {41, MODE(TEMPFAILURE), 0, 0},
        {42, MODE(CONGESTION), 0, 0},
        {44, MODE(CONGESTION), 0, 0},
        {46, MODE(BLOCKED), 0, 0},
        {47, MODE(CONGESTION), 0, 0},
        {49, MODE(QOSUNAVAIL), 0, 0},
        {50, MODE(BLOCKED), 0, 0},
        {52, MODE(BLOCKED), 0, 0},
        {53, MODE(BLOCKED), 0, 0},
        {54, MODE(BLOCKED), 0, 0},
        {55, MODE(BLOCKED), 0, 0},
        {57, MODE(BLOCKED), 0, 0},
        {58, MODE(INCOMPATIBLE), 0, 0},
        {62, MODE(TEMPFAILURE), 0, 0},
        {63, MODE(TEMPFAILURE), 0, 0},
        {65, MODE(INCOMPATIBLE), 0, 0},
        {66, MODE(INCOMPATIBLE), 0, 0},
        {69, MODE(INCOMPATIBLE), 0, 0},
        {70, MODE(INCOMPATIBLE), 0, 0},
        {79, MODE(INCOMPATIBLE), 0, 0},
        {87, MODE(BLOCKED), 0, 0},
        {88, MODE(INCOMPATIBLE), 0, 0},
        {91, MODE(UNREACHABLE), 0, 0},
        {102, MODE(TEMPFAILURE), MODE(NOANSWER), MODE(NOANSWER)},
    };
    const struct cf_q850_progress ringing = {.alerted = true};
    const struct cf_q850_progress talking = {.alerted = true, .connected = true};
    size_t row = 0;
    for (unsigned cause = 1; cause <= 127; cause++) {
        uint32_t wanted[3] = {MODE(UNKNOWN), MODE(UNKNOWN), MODE(UNKNOWN)};
        if (row < sizeof(table) / sizeof(table[0]) && table[row].cause == cause) {
            wanted[0] = table[row].plain;
            wanted[1] = table[row].ringing != 0 ? table[row].ringing : table[row].plain;
            wanted[2] = table[row].talking != 0 ? table[row].talking : table[row].plain;
            row++;
        }
        assert_int_equal(cf_q850_mode(cause, (struct cf_q850_progress){0}), wanted[0]);
        assert_int_equal(cf_q850_mode(cause, ringing), wanted[1]);
        assert_int_equal(cf_q850_mode(cause, talking), wanted[2]);
    }
    assert_int_equal(row, sizeof(table) / sizeof(table[0]));
    assert_int_equal(cf_q850_mode(16, (struct cf_q850_progress){.incoming = true}), MODE(CANCELLED));
    assert_int_equal(cf_q850_mode(16, (struct cf_q850_progress){.incoming = true, .connected = true}), MODE(NORMAL));
}

static void every_status_has_its_mode(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        uint32_t plain, ringing;
    } table[] = {
        {301, MODE(NUMBERCHANGED), 0},
        {302, MODE(FORWARDED), 0},
        {400, MODE(TEMPFAILURE), 0},
        {401, MODE(REJECT), 0},
        {402, MODE(REJECT), 0},
        {403, MODE(BLOCKED), 0},
        {404, MODE(BADADDRESS), 0},
        {405, MODE(INCOMPATIBLE), 0},
        {406, MODE(INCOMPATIBLE), 0},
        {407, MODE(REJECT), 0},
        {408, MODE(UNREACHABLE), MODE(NOANSWER)},
        {410, MODE(NUMBERCHANGED), 0},
        {415, MODE(INCOMPATIBLE), 0},
        {416, MODE(BADADDRESS), 0},
        {420, MODE(INCOMPATIBLE), 0},
        {421, MODE(INCOMPATIBLE), 0},
        {433, MODE(BLOCKED), 0},
        {480, MODE(UNREACHABLE), MODE(NOANSWER)},
        {481, MODE(TEMPFAILURE), 0},
        {482, MODE(UNREACHABLE), 0},
        {483, MODE(UNREACHABLE), 0},
        {484, MODE(BADADDRESS), 0},
        {485, MODE(BADADDRESS), 0},
        {486, MODE(BUSY), 0},
        {487, MODE(CANCELLED), 0},
        {488, MODE(INCOMPATIBLE), 0},
        {491, MODE(TEMPFAILURE), 0},
        {500, MODE(TEMPFAILURE), 0},
        {501, MODE(INCOMPATIBLE), 0},
        {502, MODE(OUTOFORDER), 0},
        {503, MODE(CONGESTION), 0},
        {504, MODE(TEMPFAILURE), 0},
        {505, MODE(INCOMPATIBLE), 0},
        {513, MODE(TEMPFAILURE), 0},
        {580, MODE(QOSUNAVAIL), 0},
        {600, MODE(BUSY), 0},
        {603, MODE(REJECT), 0},
        {604, MODE(BADADDRESS), 0},
        {606, MODE(INCOMPATIBLE), 0},
        {607, MODE(REJECT), 0},
        {608, MODE(BLOCKED), 0},
    };
    size_t row = 0;
    for (unsigned status = 300; status < 700; status++) {
        uint32_t plain = MODE(UNKNOWN), ringing = MODE(UNKNOWN);
        if (row < sizeof(table) / sizeof(table[0]) && table[row].status == status) {
            plain = table[row].plain;
            ringing = table[row].ringing != 0 ? table[row].ringing : plain;
            row++;
        }
        assert_int_equal(cf_sip_mode_of_status(status, (struct cf_q850_progress){0}), plain);
        assert_int_equal(cf_sip_mode_of_status(status, (struct cf_q850_progress){.alerted = true}), ringing);
    }
    assert_int_equal(row, sizeof(table) / sizeof(table[0]));
}

static void the_q850_cause_counts_more_than_the_status(void **state)
{
    (void)state;
    const struct cf_q850_progress talking = {.connected = true};
    static const struct {
        struct cf_sip_cause cause;
        uint32_t mode;
        const char *text;
    } table[] = {
        {{CF_SIP_ENDING_STATUS, 17, 603, 480}, MODE(BUSY), "Q.850 17"},
        {{CF_SIP_ENDING_STATUS, 0, 603, 480}, MODE(REJECT), "SIP 603"},
        {{CF_SIP_ENDING_STATUS, 0, 0, 486}, MODE(BUSY), "SIP 486"},
        {{CF_SIP_ENDING_BYE, 0, 0, 0}, MODE(NORMAL), "SIP BYE"},
        {{CF_SIP_ENDING_BYE, 0, 200, 0}, MODE(NORMAL), "SIP 200"},
        {{CF_SIP_ENDING_BYE, 0, 503, 0}, MODE(CONGESTION), "SIP 503"},
        {{CF_SIP_ENDING_CANCEL, 0, 0, 0}, MODE(CANCELLED), "SIP CANCEL"},
        {{CF_SIP_ENDING_CANCEL, 0, 200, 0}, MODE(PICKUP), "SIP 200"},
        {{CF_SIP_ENDING_TIMEOUT, 0, 0, 0}, MODE(TEMPFAILURE), "SIP timeout"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[24];
        assert_int_equal(cf_sip_mode_of(&table[i].cause, talking), table[i].mode);
        assert_int_equal(cf_sip_cause_text(&table[i].cause, text), strlen(table[i].text));
        assert_string_equal(text, table[i].text);
    }
}

/* ---- session descriptions */

#define HEAD    "v=0\r\no=a 1 1 IN IP4 192.0.2.9\r\ns=-\r\n"
#define SESSION HEAD "c=IN IP4 192.0.2.9\r\nt=0 0\r\n"

/* Every status that there can be, against the rows. */
static void every_outcome_of_a_transfer_has_its_error(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        int32_t transfer, other; /* of REFER; of hold, retrieve and digits */
    } table[] = {
        {200, 0, 0},
        {403, LINEERR_ADDRESSBLOCKED, LINEERR_OPERATIONFAILED},
        {404, LINEERR_INVALADDRESS, LINEERR_OPERATIONFAILED},
        {405, LINEERR_OPERATIONUNAVAIL, LINEERR_OPERATIONUNAVAIL},
        {410, LINEERR_INVALADDRESS, LINEERR_OPERATIONFAILED},
        {415, LINEERR_OPERATIONFAILED, LINEERR_OPERATIONUNAVAIL},
        {416, LINEERR_INVALADDRESS, LINEERR_OPERATIONFAILED},
        {420, LINEERR_OPERATIONUNAVAIL, LINEERR_OPERATIONUNAVAIL},
        {433, LINEERR_ADDRESSBLOCKED, LINEERR_OPERATIONFAILED},
        {484, LINEERR_INVALADDRESS, LINEERR_OPERATIONFAILED},
        {485, LINEERR_INVALADDRESS, LINEERR_OPERATIONFAILED},
        {488, LINEERR_OPERATIONFAILED, LINEERR_OPERATIONUNAVAIL},
        {489, LINEERR_OPERATIONUNAVAIL, LINEERR_OPERATIONFAILED},
        {501, LINEERR_OPERATIONUNAVAIL, LINEERR_OPERATIONUNAVAIL},
        {503, LINEERR_RESOURCEUNAVAIL, LINEERR_OPERATIONFAILED},
        {604, LINEERR_INVALADDRESS, LINEERR_OPERATIONFAILED},
        {606, LINEERR_OPERATIONFAILED, LINEERR_OPERATIONUNAVAIL},
        {607, LINEERR_ADDRESSBLOCKED, LINEERR_OPERATIONFAILED},
        {608, LINEERR_ADDRESSBLOCKED, LINEERR_OPERATIONFAILED},
    };
    for (unsigned status = 200; status < 700; status++) {
        int32_t transfer = LINEERR_OPERATIONFAILED, other = LINEERR_OPERATIONFAILED;
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
            transfer = table[i].status == status ? table[i].transfer : transfer;
            other = table[i].status == status ? table[i].other : other;
        }
        assert_int_equal(cf_sip_transfer_result(status), transfer);
        assert_int_equal(cf_sip_link_result(status), other);
    }
}

static void faults_of_descriptions_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cf_sdp_error error;
    } table[] = {
        {SESSION "m=audio 9 RTP/AVP 0\r\n", CF_SDP_ERROR_OK},
        {"v=0\nc=IN IP6 ::1\nm=audio 9 RTP/AVP 0\n\n", CF_SDP_ERROR_OK},
        {HEAD "t=0 0\r\nm=audio 9/2 RTP/AVP 0\r\nc=IN IP4 224.1.1.1/127\r\n", CF_SDP_ERROR_OK},
        {SESSION, CF_SDP_ERROR_OK},
        {"", CF_SDP_ERROR_EMPTY},
        {"v=1\r\n", CF_SDP_ERROR_VERSION},
        {"o=a\r\nv=0\r\n", CF_SDP_ERROR_VERSION},
        {"v=0\r\nnonsense\r\n", CF_SDP_ERROR_LINE},
        {"v=0\r\na=x\ry\r\n", CF_SDP_ERROR_LINE},
        {"v=0\r\nc=IN IP4\r\n", CF_SDP_ERROR_CONNECTION},
        {"v=0\r\nc=ATM IP4 1.2.3.4\r\n", CF_SDP_ERROR_CONNECTION},
        {"v=0\r\nc=IN IP5 1.2.3.4\r\n", CF_SDP_ERROR_CONNECTION},
        {SESSION "m=audio\r\n", CF_SDP_ERROR_MEDIA},
        {SESSION "m=audio x RTP/AVP 0\r\n", CF_SDP_ERROR_MEDIA},
        {SESSION "m=audio 65536 RTP/AVP 0\r\n", CF_SDP_ERROR_MEDIA},
        {SESSION "m=audio 9 RTP/AVP\r\n", CF_SDP_ERROR_MEDIA},
        {SESSION "m= 9 RTP/AVP 0\r\n", CF_SDP_ERROR_MEDIA},
        {HEAD "m=audio 9 RTP/AVP 0\r\n", CF_SDP_ERROR_NO_CONNECTION},
    };
    unsigned reached = 1u << CF_SDP_ERROR_TOO_MANY | 1u << CF_SDP_ERROR_NOTHING; /* below */
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cf_sdp sdp;
        const enum cf_sdp_error error = cf_sdp_scan(table[i].text, strlen(table[i].text), &sdp);
        if (error != table[i].error)
            fail_msg("'%s' instead of '%s' for %s", cf_sdp_error_text(error), cf_sdp_error_text(table[i].error),
                     table[i].text);
        reached |= 1u << error;
    }
    assert_int_equal(reached, (1u << CF_SDP_ERRORS_COUNT) - 1);
    char many[2000] = SESSION;
    struct cf_sdp sdp;
    for (int i = 0; i < CF_SDP_STREAMS_MAX + 1; i++)
        strcat(many, "m=audio 9 RTP/AVP 0\r\n");
    assert_int_equal(cf_sdp_scan(many, strlen(many), &sdp), CF_SDP_ERROR_TOO_MANY);
}

static const struct cf_sdp_local local = {
    .address = "203.0.113.1", .port = 5004, .codecs = 2, .codec = {{0, "PCMU"}, {8, "PCMA"}}};

static void answers_mirror_the_offer(void **state)
{
    (void)state;
    static const struct {
        const char *offer;
        const char *answer; /* from the first m= on; NULL: nothing acceptable */
        bool holds;
    } table[] = {
        {SESSION "m=audio 9 RTP/AVP 8 0 18\r\n",
         "m=audio 5004 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n", false},
        {SESSION "m=audio 9 RTP/AVP 0 0 0 96\r\na=sendonly\r\n",
         "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=recvonly\r\n", true},
        {SESSION "a=recvonly\r\nm=audio 9 RTP/AVP 0\r\n",
         "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\n", false},
        {SESSION "a=recvonly\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n",
         "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n", true},
        {HEAD "c=IN IP4 0.0.0.0\r\nm=audio 9 RTP/AVP 0\r\n",
         "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=recvonly\r\n", true},
        {HEAD "c=IN IP6 ::\r\nm=audio 9 RTP/AVP 0\r\na=recvonly\r\n",
         "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n", true},
        {HEAD "c=IN IP4 0.0.0.0\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n",
         "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n", false},
        {SESSION "m=video 9 RTP/AVP 31\r\nm=audio 0 RTP/AVP 0\r\nm=audio 9 RTP/SAVP 0\r\nm=audio 9 RTP/AVP "
                 "8\r\nm=audio 9 RTP/AVP 0\r\n",
         "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/SAVP 0\r\n"
         "m=audio 5004 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\nm=audio 0 RTP/AVP 0\r\n",
         false},
        {SESSION "m=audio 9 RTP/AVP 18 101\r\n", NULL, false},
        {SESSION "m=video 9 RTP/AVP 0\r\n", NULL, false},
        {SESSION, NULL, false},
    };
    static const char session[] =
        "v=0\r\no=callfan 77 3 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n";
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[2000] = "";
        struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text) - 1};
        struct cf_sdp offer;
        assert_int_equal(cf_sdp_scan(table[i].offer, strlen(table[i].offer), &offer), CF_SDP_ERROR_OK);
        const enum cf_sdp_error error = cf_sdp_answer(&offer, &local, 77, 3, &out);
        assert_int_equal(error, table[i].answer != NULL ? CF_SDP_ERROR_OK : CF_SDP_ERROR_NOTHING);
        if (table[i].answer == NULL) {
            assert_int_equal(out.len, 0);
            continue;
        }
        assert_int_equal(cf_sdp_holds(&offer), table[i].holds);
        assert_memory_equal(text, session, sizeof(session) - 1);
        assert_string_equal(strstr(text, "m="), table[i].answer);
        struct cf_sdp answer; /* and it can be read again */
        assert_int_equal(cf_sdp_scan(text, out.len, &answer), CF_SDP_ERROR_OK);
        assert_int_equal(answer.streams, offer.streams);
    }
}

static void an_offer_of_ours_has_all_codecs(void **state)
{
    (void)state;
    char text[500] = "";
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text) - 1};
    struct cf_sdp_local ipv6 = local;
    ipv6.address = "2001:db8::1";
    ipv6.ipv6 = true;
    cf_sdp_offer(&ipv6, 1, 1, &out);
    assert_non_null(strstr(text, "c=IN IP6 2001:db8::1\r\n"));
    assert_non_null(strstr(text, "m=audio 5004 RTP/AVP 0 8\r\n"));
    struct cf_sdp sdp;
    assert_int_equal(cf_sdp_scan(text, out.len, &sdp), CF_SDP_ERROR_OK);
    assert_int_equal(sdp.audio, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_gives_the_reference_vectors),
        cmocka_unit_test(pieces_are_told_apart_and_case_only_where_asked),
        cmocka_unit_test(pieces_are_hashed_as_one_text),
        cmocka_unit_test(a_long_host_in_lower_case_is_one_piece),
        cmocka_unit_test(addresses_are_written_as_others_write_them),
        cmocka_unit_test(the_table_finds_what_is_in_and_nothing_else),
        cmocka_unit_test(timers_fire_in_time_and_never_early),
        cmocka_unit_test(the_deadline_leads_to_the_next_timer),
        cmocka_unit_test(stored_texts_come_back_whole_and_in_pieces),
        cmocka_unit_test(the_writer_stops_at_its_end),
        cmocka_unit_test(every_q850_cause_has_its_mode),
        cmocka_unit_test(every_status_has_its_mode),
        cmocka_unit_test(the_q850_cause_counts_more_than_the_status),
        cmocka_unit_test(every_outcome_of_a_transfer_has_its_error),
        cmocka_unit_test(faults_of_descriptions_are_named),
        cmocka_unit_test(answers_mirror_the_offer),
        cmocka_unit_test(an_offer_of_ours_has_all_codecs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
