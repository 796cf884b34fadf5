/* What an application may ask for, without measure. */
#include "tests/e2e/hostile/hostile.h"

#define SLOW_NS INT64_C(1000000000)

/* ------------------------------------------------------------------ churn */

/* A handle for every live call of the line, as lineGetNewCalls gives them. False: the port is gone. */
static bool list_calls(struct hostile *h, uint32_t slot)
{
    struct cf_reply_new_calls head = {0};
    struct cf_record r;
    do {
        raw_record(&r, CF_REQ_NEW_CALLS, hostile_hline(h, slot), LINECALLSELECT_LINE, head.cursor, UINT32_MAX);
        r.m.open_line = slot;
        const struct cf_reply_slot *answer = raw_ask(&h->port, &r, h->end_ns);
        if (answer == NULL)
            return false;
        if (answer->result != 0)
            return true;
        memcpy(&head, answer->data, sizeof head);
        h->acts += head.entries;
        hostile_read(h, 4096);
    } while (head.cursor != 0 && hostile_goes_on(h));
    return true;
}

static void close_lines(struct hostile *h)
{
    struct cf_record r;
    for (; h->opened != 0; h->opened--) {
        raw_record(&r, CF_REQ_CLOSE, hostile_hline(h, h->opened - 1), 0, 0, 0);
        if (!raw_put(&h->port, &r, h->end_ns))
            break;
    }
}

void hostile_churn(struct hostile *h)
{
    while (hostile_join(h)) {
        if (!hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        for (uint32_t i = 0; i < h->opened && list_calls(h, i); i++)
            ;
        close_lines(h);
        hostile_read(h, UINT32_MAX);
    }
}

/* ------------------------------------------------------------------ hoard, slow */

void hostile_hoard(struct hostile *h)
{
    while (hostile_join(h)) {
        if (h->opened == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        uint64_t before = h->read;
        const struct cf_message *m;
        while ((m = raw_next(&h->port)) != NULL) {
            h->read++;
            if (m->id == LINE_CLOSE) { /* shown that it has too many: opened again */
                h->opened = 0;
                h->shown_out++;
                break;
            }
        }
        h->acts += h->read - before;
        if (h->read == before)
            raw_sleep_us(200);
    }
}

void hostile_slow(struct hostile *h)
{
    while (hostile_join(h)) {
        if (h->opened == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            continue;
        hostile_read(h, 1);
        h->acts++;
        for (int64_t until = raw_now_ns() + SLOW_NS; raw_now_ns() < until && hostile_goes_on(h);)
            raw_sleep_us(10000);
    }
}

/* ------------------------------------------------------------------ requests */

/* The HLINE of a device on which it makes calls, or of none. */
static uint64_t any_hline(struct hostile *h)
{
    uint32_t span = h->opened > h->first_device ? h->opened - h->first_device : 0;
    return hostile_hline(h, h->first_device + (uint32_t)raw_below(&h->random, span + 1));
}

static void make_calls(struct hostile *h)
{
    struct cf_record r;
    for (int i = 0; i < CF_REQUESTS_PER_PORT_MAX + 64; i++, h->acts++) {
        raw_record(&r, CF_REQ_MAKE_CALL, any_hline(h), 1 + h->acts % 0x7FFFFFFF, hostile_number(h), 0);
        cf_fields_append_text(&r, CF_FIELD_DESTINATION, "5551234");
        if (!raw_put(&h->port, &r, h->end_ns))
            return;
    }
}

/* Requests of every kind with handles of others, of former lives, of nobody. */
static void ask_anything(struct hostile *h)
{
    static const uint16_t ids[] = {
        CF_REQ_ACCEPT,      CF_REQ_ANSWER,          CF_REQ_DROP,        CF_REQ_HOLD,
        CF_REQ_UNHOLD,      CF_REQ_SET_CALL_PARAMS, CF_REQ_RELEASE,     CF_REQ_CLOSE,
        CF_REQ_SHUTDOWN,    CF_REQ_MAKE_CALL,       CF_REQ_OPEN,        CF_REQ_DEV_CAPS,
        CF_REQ_LINE_STATUS, CF_REQ_STATUS_MESSAGES, CF_REQ_CALL_INFO,   CF_REQ_CALL_STATUS,
        CF_REQ_NEW_CALLS,   CF_REQ_SET_PRIVILEGE,   CF_REQ_RELEASE_ASK, CF_REQ_GENERATE_DIGITS,
        CF_REQ_GATHER_DIGITS, CF_REQ_GENERATE_TONE, CF_REQ_MONITOR_DIGITS, CF_REQ_MONITOR_MEDIA,
        CF_REQ_MONITOR_TONES};
    struct cf_record r;
    raw_record(&r, ids[raw_below(&h->random, sizeof ids / sizeof ids[0])],
               raw_below(&h->random, 3) == 0 ? any_hline(h) : hostile_handle(h),
               raw_below(&h->random, 2) == 0 ? raw_below(&h->random, 8) : hostile_number(h), hostile_number(h),
               hostile_number(h));
    if (r.m.id == CF_REQ_MAKE_CALL) /* others count the calls of theirs */
        r.m.device = any_hline(h);
    if (r.m.id == CF_REQ_OPEN)
        r.m.param1 = h->first_device + raw_below(&h->random, 8);
    if (r.m.id < CF_REQ_MAKE_CALL)
        r.m.flags = (uint8_t)raw_below(&h->random, CF_REPLY_SLOTS);
    if (raw_below(&h->random, 2) == 0) {
        uint8_t text[512];
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)raw_random(&h->random);
        cf_fields_append(&r, (uint16_t)raw_below(&h->random, 24), text, (uint32_t)raw_below(&h->random, sizeof text));
    }
    if (!raw_put(&h->port, &r, h->end_ns))
        return;
    h->acts++;
}

void hostile_requests(struct hostile *h)
{
    while (hostile_join(h)) {
        if (h->opened == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER))
            continue;
        make_calls(h);
        for (int i = 0; i < 1024 && !raw_hung_up(&h->port); i++)
            ask_anything(h);
        if (raw_below(&h->random, 4) == 0)
            hostile_read(h, UINT32_MAX);
        if (raw_below(&h->random, 64) == 0) /* dies with all of it outstanding */
            hostile_leave(h);
    }
}
