/*
 * rogue: a provider that breaks its contract in a named way for some seconds, as the external provider of that name in the
 * configuration. Attached again whenever it was shown out.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>

#include "callfan/provider.h"
#include "tests/e2e/raw_port.h"

#define FIRST_NS INT64_C(20000000000)

enum { LINES = 4, MANY_LINES = 8192, CALLS = 4096, BURST = 512 };

struct rogue {
    const char *path;
    int64_t end_ns;
    uint64_t random;
    struct cf_hello hello;
    struct raw_port port;
    uint32_t call, generation; /* of the last call that it named */
    uint64_t command;          /* number of the last command that it was given */
    uint64_t acts, commands, attached, refused, shown_out;
};

static bool goes_on(const struct rogue *r)
{
    return raw_now_ns() < r->end_ns;
}

/* ------------------------------------------------------------------ what it says */

static bool say(struct rogue *r, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3)
{
    struct cf_record record;
    r->acts++;
    return raw_put(&r->port, raw_record(&record, id, device, p1, p2, p3), r->end_ns);
}

static bool say_line(struct rogue *r, uint32_t number)
{
    struct cf_record record;
    char name[32];
    struct cf_line_caps caps = {.line_features = LINEFEATURE_MAKECALL,
                                .call_features = LINECALLFEATURE_DROP | LINECALLFEATURE_ANSWER};
    snprintf(name, sizeof name, "rogue %u", number);
    raw_record(&record, CF_EV_LINE, 0, number, 0, 0);
    cf_fields_append_text(&record, CF_FIELD_NAME, name);
    cf_fields_append(&record, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    r->acts++;
    return raw_put(&r->port, &record, r->end_ns);
}

static bool announce(struct rogue *r, uint32_t lines)
{
    bool said = say(r, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0);
    for (uint32_t i = 0; i < lines && said; i++)
        said = say_line(r, i);
    return said && say(r, CF_EV_SNAPSHOT_END, 0, 0, 0, 0);
}

static void read_commands(struct rogue *r)
{
    const struct cf_message *m;
    while ((m = raw_next(&r->port)) != NULL) {
        r->commands++;
        if (m->id < CF_CMD_CLOSE_CALL && m->param1 != 0)
            r->command = m->param1;
    }
}

static uint64_t call_id(uint32_t index, uint32_t generation)
{
    return cf_handle_make(index, CF_KIND_PROVIDER, generation);
}

/* An identifier that it may use, as far as it knows. */
static uint64_t fresh_call(struct rogue *r)
{
    if (++r->call == CALLS) {
        r->call = 0;
        r->generation += 2;
    }
    return call_id(r->call, r->generation);
}

static bool say_call(struct rogue *r, uint64_t call, uint64_t line)
{
    return say(r, CF_EV_NEW_CALL, call, line, LINECALLSTATE_OFFERING, LINEMEDIAMODE_INTERACTIVEVOICE);
}

static uint64_t any_call(struct rogue *r)
{
    return call_id((uint32_t)raw_below(&r->random, CALLS), (uint32_t)raw_below(&r->random, r->generation + 4));
}

/* ------------------------------------------------------------------ modes: one step each */

static void flood(struct rogue *r)
{
    uint64_t call = fresh_call(r);
    say_call(r, call, r->call % LINES);
    say(r, CF_EV_CALL_STATE, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE, 0);
    say(r, CF_EV_CALL_STATE, call, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, 0);
    say(r, CF_EV_CALL_STATE, call, LINECALLSTATE_IDLE, 0, 0);
}

static void reorder(struct rogue *r)
{
    uint64_t call = fresh_call(r);
    static const uint32_t states[] = {LINECALLSTATE_IDLE, LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED,
                                      LINECALLSTATE_OFFERING};
    for (int i = 0; i < 6; i++) {
        if (raw_below(&r->random, 3) == 0)
            say_call(r, call, raw_below(&r->random, LINES));
        say(r, CF_EV_CALL_STATE, call, states[raw_below(&r->random, 4)], 0, 0);
    }
}

static void invent(struct rogue *r)
{
    static const enum cf_handle_kind kinds[] = {CF_KIND_LINE, CF_KIND_CALL, CF_KIND_USAGE, CF_KIND_NONE};
    uint64_t any = raw_random(&r->random);
    say(r, CF_EV_CALL_STATE, call_id((uint32_t)any, (uint32_t)(any >> 32)), LINECALLSTATE_CONNECTED, 0, 0);
    say(r, CF_EV_CALL_INFO, any, LINECALLINFOSTATE_CALLERID, 0, 0);
    say(r, CF_EV_NEW_CALL, cf_handle_make((uint32_t)any, kinds[any >> 62], 1), 0, LINECALLSTATE_OFFERING, 0);
    say_call(r, fresh_call(r), LINES + raw_below(&r->random, UINT32_MAX));
    say(r, CF_EV_LINE_STATE, 0, raw_random(&r->random), UINT32_MAX, any);
    say(r, CF_EV_LINE_CLOSE, 0, LINES + raw_below(&r->random, 4096), 0, 0);
    say(r, (uint16_t)any, any, any, any, any);
}

static void reuse(struct rogue *r)
{
    uint64_t call = fresh_call(r);
    say_call(r, call, 0);
    say_call(r, call, 1);                                /* while it lives */
    say_call(r, call_id(r->call, r->generation + 2), 1); /* the next of the same place, unasked */
    say_call(r, call_id(r->call, r->generation - 2), 2); /* a former life */
    say_call(r, call_id(r->call, r->generation + 1), 2); /* none at all */
    say(r, CF_EV_CALL_STATE, any_call(r), LINECALLSTATE_IDLE, 0, 0);
}

static void lines(struct rogue *r)
{
    uint32_t number = (uint32_t)raw_below(&r->random, MANY_LINES);
    say_line(r, number);
    say_line(r, number);
    say(r, CF_EV_LINE_STATE, 0, number, LINEDEVSTATE_RINGING | LINEDEVSTATE_OUTOFSERVICE, 1);
    say(r, CF_EV_LINE_REMOVE, 0, number, 0, 0);
    say_line(r, number);
}

static void replies(struct rogue *r)
{
    uint64_t port = raw_below(&r->random, 400), at = raw_below(&r->random, 2048),
             generation = raw_below(&r->random, 64);
    say(r, CF_EV_REPLY, any_call(r), generation << 32 | port << 16 | at, 0, 0);
    say(r, CF_EV_REPLY, 0, raw_random(&r->random), raw_random(&r->random), 0);
    for (int i = 0; i < 2; i++) /* one that was asked for, twice */
        say(r, CF_EV_REPLY, any_call(r), r->command,
            raw_below(&r->random, 2) == 0 ? 0 : (uint32_t)LINEERR_OPERATIONFAILED, 0);
    say_call(r, fresh_call(r), 0);
}

static void states(struct rogue *r)
{
    uint64_t call = fresh_call(r);
    say(r, CF_EV_NEW_CALL, call, raw_below(&r->random, LINES), LINECALLSTATE_OFFERING | raw_random(&r->random) << 32,
        raw_random(&r->random));
    for (int i = 0; i < 4; i++)
        say(r, CF_EV_CALL_STATE, call,
            raw_below(&r->random, 2) == 0 ? UINT64_C(1) << raw_below(&r->random, 64) : raw_random(&r->random),
            raw_random(&r->random), raw_random(&r->random));
    say(r, CF_EV_NEW_CALL, fresh_call(r), raw_random(&r->random), raw_random(&r->random), raw_random(&r->random));
}

static void huge(struct rogue *r)
{
    static const uint16_t tags[] = {CF_FIELD_CALLER, CF_FIELD_CALLER_NAME, CF_FIELD_CALLED,      CF_FIELD_CONNECTED,
                                    CF_FIELD_NAME,   CF_FIELD_RAW_CAUSE,   CF_FIELD_REDIRECTION, CF_FIELD_LINE_CAPS};
    static const uint16_t ids[] = {CF_EV_NEW_CALL, CF_EV_CALL_INFO, CF_EV_CALL_STATE, CF_EV_LINE};
    struct cf_record record;
    uint8_t text[CF_RECORD_PAYLOAD_MAX];
    memset(text, 0xFF, sizeof text);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        uint64_t call = i == 0 ? fresh_call(r) : call_id(r->call, r->generation);
        raw_record(&record, ids[i], call,
                   ids[i] == CF_EV_LINE         ? LINES
                   : ids[i] == CF_EV_CALL_STATE ? LINECALLSTATE_CONNECTED
                                                : 0,
                   LINECALLSTATE_OFFERING, 0);
        while (cf_fields_append(&record, tags[raw_below(&r->random, sizeof tags / sizeof tags[0])], text,
                                (uint32_t)raw_below(&r->random, 1500)))
            ;
        for (int n = 0; n < 4; n++) /* lengths that are not */
            record.payload[raw_below(&r->random, record.payload_bytes)] = (uint8_t)raw_random(&r->random);
        record.payload_bytes = sizeof record.payload - (uint32_t)raw_below(&r->random, 64);
        r->acts++;
        if (!raw_put(&r->port, &record, r->end_ns))
            return;
    }
}

static void endless(struct rogue *r)
{
    if (raw_below(&r->random, 8) == 0)
        say(r, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0);
    say_call(r, fresh_call(r), raw_below(&r->random, LINES));
}

/* A record without its later slots, or of a wrong length; now and then it dies within one. */
static void half(struct rogue *r)
{
    struct raw_port *p = &r->port;
    uint64_t at = cf_load_acquire_64(&p->down->up.up_ack);
    struct cf_message m = {.id = CF_EV_NEW_CALL, .device = fresh_call(r), .param2 = LINECALLSTATE_OFFERING};
    m.slots = (uint8_t)(2 + raw_below(&r->random, 80));
    for (uint64_t i = raw_below(&r->random, 4); i > 0; i--) {
        raw_write_slot(p, at + i, &m);
        raw_commit(p, at + i, at + i + raw_below(&r->random, 2));
    }
    raw_write_slot(p, at, &m);
    raw_commit(p, at, at + 1);
    raw_ring_bell(p);
    p->out.tail = at + 1;
    r->acts++;
    if (raw_below(&r->random, 4096) == 0)
        raw_detach(p);
}

static const struct mode {
    const char *name;
    void (*step)(struct rogue *);
    bool deaf; /* never reads its commands */
    const char *text;
} modes[] = {
    {"flood", flood, false, "calls as fast as they go"},
    {"reorder", reorder, false, "events repeated and in any order"},
    {"invent", invent, false, "calls, lines, identifiers and ids that never were"},
    {"reuse", reuse, false, "identifiers of live calls and of former lives"},
    {"lines", lines, false, "thousands of lines again and again"},
    {"deaf", flood, true, "never reads a command"},
    {"replies", replies, false, "replies nobody asked for, and twice"},
    {"states", states, false, "states that are none"},
    {"huge", huge, false, "fields as large as they go, and of wrong lengths"},
    {"endless", endless, false, "a snapshot that never ends"},
    {"half", half, false, "half-written records"},
};
enum { MODES = sizeof modes / sizeof modes[0] };

/* ------------------------------------------------------------------ the program */

/* Attached, its lines announced. False: the time is over. */
static bool join(struct rogue *r)
{
    if (r->port.socket >= 0 && !raw_hung_up(&r->port))
        return goes_on(r);
    r->shown_out += r->port.socket >= 0;
    raw_detach(&r->port);
    for (; goes_on(r); raw_sleep_us(2000)) { /* its former life may still be being ended */
        if (raw_attach(&r->port, r->path, &r->hello) != 0) {
            r->refused++;
            continue;
        }
        r->attached++;
        r->call = 0;
        r->generation = 1;
        if (announce(r, LINES))
            return true;
        raw_detach(&r->port);
    }
    return false;
}

/* The time counts from its first port on: until then the life of whoever had the name before is still being ended. */
static void run(struct rogue *r, const struct mode *m, int64_t ns)
{
    r->end_ns = raw_now_ns() + FIRST_NS;
    if (join(r))
        r->end_ns = raw_now_ns() + ns;
    while (join(r)) {
        for (int i = 0; i < BURST && r->port.socket >= 0 && goes_on(r); i++)
            m->step(r);
        if (r->port.socket >= 0 && !m->deaf)
            read_commands(r);
    }
    raw_detach(&r->port);
}

static void usage(FILE *out)
{
    fprintf(out, "usage: rogue --socket PATH --name NAME --mode MODE --seconds N [--seed N]\n\n");
    for (int i = 0; i < MODES; i++)
        fprintf(out, "  %-8s %s\n", modes[i].name, modes[i].text);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"mode", required_argument, NULL, 'm'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = getenv("CALLFAN_SOCKET"), *name = "rogue", *mode = NULL;
    double seconds = 0;
    uint64_t seed = (uint64_t)raw_now_ns() % 1000000;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's')
            path = optarg;
        else if (c == 'n')
            name = optarg;
        else if (c == 'm')
            mode = optarg;
        else if (c == 't')
            seconds = strtod(optarg, NULL);
        else if (c == 'r')
            seed = strtoull(optarg, NULL, 10);
        else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    const struct mode *m = NULL;
    for (int i = 0; i < MODES && mode != NULL; i++)
        if (strcmp(mode, modes[i].name) == 0)
            m = &modes[i];
    if (m == NULL || path == NULL || seconds <= 0) {
        usage(stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int64_t start = raw_now_ns();
    struct rogue r = {.path = path, .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
    r.hello = raw_hello(CF_HELLO_PROVIDER, name);
    raw_none(&r.port);
    run(&r, m, (int64_t)(seconds * 1e9));
    printf("rogue %s: seed %" PRIu64 ", %.1f s, %" PRIu64 " acts, %" PRIu64 " commands read, attached %" PRIu64
           ", refused %" PRIu64 ", shown out %" PRIu64 "\n",
           m->name, seed, (double)(raw_now_ns() - start) / 1e9, r.acts, r.commands, r.attached, r.refused, r.shown_out);
    return r.attached != 0 ? 0 : 1;
}
