/*
 * Every command of the provider's contract, given to each adapter as its program does: one that wants a reply gets exactly one, whether it is
 * obeyed, refused, or its call ends meanwhile; the others get none.
 *
 * Shape      one table of all commands, held against callfan/provider.h; four adapters: callfan-sim's model and its scripts, callfan-sip (two
 *            lines that call each other, without and with a conference's focus), callfan-modem (a modem on a pseudo terminal)
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/modem/lines.h"
#include "adapters/sim/model.h"
#include "adapters/sim/player.h"
#include "adapters/sip/trunk.h"
#include "callfan/tapi.h"
#include "tests/support/modem_emulator.h"
#include "tests/support/provider_rig.h"

/* ctest-timeout: 400 */

enum { NUMBERS_MAX = 4096, CALLS_KNOWN = 512, NO_LINE = 99999, CALLS = 600, COMMANDS = 1024 };

/* ------------------------------------------------------------------ the table */

enum shape {
    OF_CALL, /* device, param2 as given */
    OF_TWO,  /* param2: another call */
    OF_LINE, /* param2: line */
    OPENS,   /* param1: line */
    OF_BOTH, /* device, and a line */
};

#define DIGITS(count) (LINEDIGITMODE_DTMF | (uint64_t)(count) << 32)

static const struct row {
    uint16_t id;
    const char *name;
    bool wants;
    enum shape shape;
    uint64_t param2, param3;
} rows[] = {
#define ROW(name, ...)                                                                                                 \
    {                                                                                                                  \
        CF_CMD_##name, #name, __VA_ARGS__                                                                              \
    }
    ROW(MAKE_CALL, true, OF_LINE, 0, 0),
    ROW(ACCEPT, true, OF_CALL, 0, 0),
    ROW(ANSWER, true, OF_CALL, 0, 0),
    ROW(DROP, true, OF_CALL, 0, 0),
    ROW(HOLD, true, OF_CALL, 0, 0),
    ROW(UNHOLD, true, OF_CALL, 0, 0),
    ROW(GENERATE_DIGITS, true, OF_CALL, DIGITS(50), 0),
    ROW(SET_CALL_PARAMS, true, OF_CALL, 0, 0),
    ROW(DIAL, true, OF_CALL, 0, 0),
    ROW(REDIRECT, true, OF_CALL, 0, 0),
    ROW(SECURE_CALL, true, OF_CALL, 0, 0),
    ROW(SWAP_HOLD, true, OF_TWO, 0, 0),
    ROW(SETUP_TRANSFER, true, OF_CALL, 0, 0),
    ROW(COMPLETE_TRANSFER, true, OF_TWO, 0, LINETRANSFERMODE_TRANSFER),
    ROW(BLIND_TRANSFER, true, OF_CALL, 0, 0),
    ROW(SET_MEDIA_MODE, false, OF_CALL, LINEMEDIAMODE_G3FAX, 0),
    ROW(PARK, true, OF_CALL, LINEPARKMODE_NONDIRECTED, 0),
    ROW(CLOSE_CALL, false, OF_CALL, 0, 0),
    ROW(REFUSED, false, OF_CALL, 0, 0),
    ROW(OPEN_LINE, false, OPENS, LINEMEDIAMODE_INTERACTIVEVOICE, 0),
    ROW(CLOSE_LINE, false, OPENS, 0, 0),
    ROW(SETUP_CONFERENCE, true, OF_CALL, 0, 3),
    ROW(PREPARE_ADD, true, OF_CALL, 0, 0),
    ROW(ADD_TO_CONFERENCE, true, OF_TWO, 0, 0),
    ROW(REMOVE_FROM_CONFERENCE, true, OF_CALL, 0, 0),
    ROW(UNPARK, true, OF_LINE, 0, 0),
    ROW(PICKUP, true, OF_LINE, 0, 0),
    ROW(FORWARD, true, OF_LINE, 0, 3),
    ROW(COMPLETE_CALL, true, OF_CALL, LINECALLCOMPLMODE_CALLBACK, 0),
    ROW(UNCOMPLETE_CALL, true, OF_LINE, 0, 1),
    ROW(SEND_USER_USER, true, OF_CALL, 0, 0),
    ROW(RELEASE_USER_USER, true, OF_CALL, 0, 0),
    ROW(SET_CALL_DATA, true, OF_CALL, 0, 0),
    ROW(SET_CALL_TREATMENT, true, OF_CALL, LINECALLTREATMENT_MUSIC, 0),
    ROW(DEV_SPECIFIC, true, OF_BOTH, 0, 0),
    ROW(GATHER_DIGITS, true, OF_CALL, DIGITS(2), UINT64_C(50) << 32 | 50),
    ROW(GENERATE_TONE, true, OF_CALL, LINETONEMODE_BEEP | UINT64_C(50) << 32, 0),
    ROW(MONITOR_DIGITS, false, OF_CALL, LINEDIGITMODE_DTMF, 0),
    ROW(MONITOR_MEDIA, false, OF_CALL, LINEMEDIAMODE_G3FAX, 0),
    ROW(MONITOR_TONES, false, OF_CALL, 1, 0),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const struct row *row_of(uint16_t id)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].id == id)
            return &rows[i];
    return NULL;
}

/* Every CF_CMD_ of the header is in the table, by that number, and as often. */
static void the_table_has_every_command(void **state)
{
    char path[512], line[512], name[64];
    unsigned number, found = 0;
    const char *source = getenv("CALLFAN_SOURCE");
    (void)state;
    assert_non_null(source);
    snprintf(path, sizeof path, "%s/include/callfan/provider.h", source);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        /* ANSWER's line has only its number behind it */
        if (sscanf(line, " CF_CMD_%63[A-Z_] = 0x%x", name, &number) != 2)
            continue;
        const struct row *r = row_of((uint16_t)number);
        if (r == NULL || strcmp(r->name, name) != 0)
            fail_msg("CF_CMD_%s = 0x%x is not in the table", name, number);
        assert_int_equal(cf_command_wants_reply((uint16_t)number), r->wants);
        found++;
    }
    fclose(f);
    assert_int_equal(found, ROWS);
}

/* ------------------------------------------------------------------ the stage */

struct stage;

struct adapter {
    void (*open)(struct stage *s);
    void (*command)(struct stage *s, const struct cf_command *c);
    void (*pass)(struct stage *s); /* some time */
    void (*close)(struct stage *s);
    const char *number; /* that a call is made to */
};

struct known {
    uint64_t call;
    uint32_t state;
};

struct stage {
    const struct adapter *adapter;
    struct provider_rig rig;
    uint64_t number; /* the newest */
    struct {
        uint16_t command;
        unsigned replies;
    } asked[NUMBERS_MAX];
    unsigned drops, dropped; /* of the core's own, and replies with number 0 */
    unsigned open;           /* asked for, not replied to */
    struct known known[CALLS_KNOWN];
    unsigned known_count;
    int64_t now_ns; /* of what has a clock of its own */
    char folder[64], config[96], to[64];
    struct cf_sim_settings sim;
    struct cf_sim_port port;
    struct cf_sim_outlet outlet;
    struct cf_sim_model *model;
    struct cf_script script;
    struct cf_sim_player *player;
    struct cf_sip_trunks trunks;
    struct cf_modem_lines lines;
    struct modem_emulator modem;
};

static struct known *known_of(struct stage *s, uint64_t call)
{
    for (unsigned i = 0; i < s->known_count; i++)
        if (s->known[i].call == call)
            return &s->known[i];
    assert_true(s->known_count < CALLS_KNOWN);
    s->known[s->known_count] = (struct known){call, LINECALLSTATE_UNKNOWN};
    return &s->known[s->known_count++];
}

static void note_reply(struct stage *s, const struct cf_message *m)
{
    if (m->param1 == 0) {
        s->dropped++;
        return;
    }
    if (m->param1 >= NUMBERS_MAX || s->asked[m->param1].command == 0)
        fail_msg("a reply to number %lu, which nobody asked", (unsigned long)m->param1);
    uint16_t command = s->asked[m->param1].command;
    if (!row_of(command)->wants || ++s->asked[m->param1].replies != 1)
        fail_msg("%s was replied to %s", row_of(command)->name, row_of(command)->wants ? "twice" : "and wants none");
    s->open--;
    if (m->param2 == 0 && m->device != 0)
        known_of(s, m->device);
    if (m->param2 == 0 && command == CF_CMD_SETUP_CONFERENCE)
        known_of(s, m->param3);
}

static void collect(struct stage *s)
{
    static struct cf_record r;
    while (provider_core_take(&s->rig.core, &r, true)) {
        if (r.m.id == CF_EV_REPLY)
            note_reply(s, &r.m);
        else if (r.m.id == CF_EV_NEW_CALL)
            known_of(s, r.m.device)->state = (uint32_t)r.m.param2;
        else if (r.m.id == CF_EV_CALL_STATE)
            known_of(s, r.m.device)->state = (uint32_t)r.m.param1;
    }
}

static void pass_until_replied(struct stage *s)
{
    for (int64_t end = cf_clock_ns() + CF_NS_PER_S; s->open != 0 && cf_clock_ns() < end;) {
        s->adapter->pass(s);
        collect(s);
    }
}

static void give(struct stage *s, struct cf_record *r)
{
    struct cf_command c;
    provider_core_send(&s->rig.core, r);
    assert_true(cf_provider_next_command(s->rig.provider, &c));
    assert_int_equal(c.id, r->m.id);
    s->adapter->command(s, &c);
    cf_provider_flush(s->rig.provider);
    collect(s);
}

static void begin_record(struct cf_record *r, uint16_t id, uint64_t call)
{
    memset(&r->m, 0, sizeof r->m);
    r->m.id = id;
    r->m.device = call;
    r->m.time_ns = 1;
    r->payload_bytes = 0;
}

/* The core's own drop: without a number, and replied to so. */
static void drop(struct stage *s, uint64_t call)
{
    struct cf_record r;
    begin_record(&r, CF_CMD_DROP, call);
    s->drops++;
    give(s, &r);
}

static uint64_t ask(struct stage *s, const struct row *row, uint64_t call, uint64_t second, uint32_t line,
                    const char *to)
{
    static struct cf_record r;
    uint64_t number = ++s->number;
    assert_true(number < NUMBERS_MAX);
    begin_record(&r, row->id, row->shape == OF_LINE || row->shape == OPENS ? 0 : call);
    r.m.param1 = row->wants ? number : row->shape == OPENS ? line : 0;
    r.m.param2 = row->shape == OF_TWO ? second : row->shape == OF_LINE || row->shape == OF_BOTH ? line : row->param2;
    r.m.param3 = row->param3;
    cf_fields_append_text(&r, CF_FIELD_DESTINATION, to);
    if (row->id == CF_CMD_GENERATE_DIGITS)
        cf_fields_append_text(&r, CF_FIELD_DIGITS, "12");
    s->asked[number].command = row->id;
    s->open += row->wants;
    give(s, &r);
    for (unsigned i = 0; i < s->known_count && (row->id == CF_CMD_CLOSE_CALL || row->id == CF_CMD_REFUSED); i++)
        if (s->known[i].call == call)
            s->known[i] = s->known[--s->known_count]; /* nothing more is told of it */
    return number;
}

static const struct known *find_state(const struct stage *s, uint32_t states)
{
    for (unsigned i = 0; i < s->known_count; i++)
        if ((s->known[i].state & states) != 0)
            return &s->known[i];
    return NULL;
}

static void answer_what_rings(struct stage *s)
{
    const struct known *k = find_state(s, LINECALLSTATE_OFFERING);
    if (k != NULL)
        ask(s, row_of(CF_CMD_ANSWER), k->call, 0, 0, "");
}

/* A call of line 0, CONNECTED where the adapter gets so far. A line that has not done with the one before is asked again. */
static uint64_t connected(struct stage *s)
{
    int64_t end = provider_rig_soon();
    unsigned before = s->known_count;
    while (s->known_count == before) {
        assert_true(cf_clock_ns() < end);
        for (int i = 0; i < 20; i++)
            s->adapter->pass(s);
        ask(s, row_of(CF_CMD_MAKE_CALL), 0, 0, 0, s->to);
        pass_until_replied(s);
    }
    int64_t start =
        s->now_ns; /* of those with a clock of their own 2 s are soon over: a script's calls get no farther */
    for (end = cf_clock_ns() + 2 * CF_NS_PER_S; cf_clock_ns() < end && s->now_ns - start < 2 * CF_NS_PER_S;
         collect(s)) {
        answer_what_rings(s);
        if (s->known[before].state == LINECALLSTATE_CONNECTED)
            break;
        s->adapter->pass(s);
    }
    return s->known[before].call;
}

/* Every call ends, and the core forgets it. */
static void end_all(struct stage *s)
{
    for (int64_t end = cf_clock_ns() + 40 * CF_NS_PER_S; find_state(s, ~(uint32_t)LINECALLSTATE_IDLE) != NULL;
         collect(s)) {
        assert_true(cf_clock_ns() < end);
        for (unsigned i = 0; i < s->known_count; i++)
            if (s->known[i].state != LINECALLSTATE_IDLE)
                drop(s, s->known[i].call);
        for (int i = 0; i < 20; i++)
            s->adapter->pass(s);
    }
    while (s->known_count != 0)
        ask(s, row_of(CF_CMD_CLOSE_CALL), s->known[0].call, 0, 0, "");
}

static void open_stage(struct stage *s, const struct adapter *adapter)
{
    struct cf_record r;
    struct cf_command c;
    memset(s, 0, sizeof *s);
    s->adapter = adapter;
    snprintf(s->folder, sizeof s->folder, "/tmp/callfan-replies-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->config, sizeof s->config, "%s/callfan.conf", s->folder);
    snprintf(s->to, sizeof s->to, "%s", adapter->number);
    provider_rig_set_up_sized(&s->rig, CALLS, COMMANDS);
    s->port.provider = s->rig.provider;
    s->now_ns = cf_clock_ns();
    adapter->open(s);
    cf_provider_flush(s->rig.provider);
    collect(s);
    /* One that nobody carries out: a reply that nobody asked for would take its place, and be seen. */
    begin_record(&r, CF_CMD_PARK, 1);
    r.m.param1 = NUMBERS_MAX;
    provider_core_send(&s->rig.core, &r);
    assert_true(cf_provider_next_command(s->rig.provider, &c));
}

static void close_stage(struct stage *s)
{
    end_all(s);
    pass_until_replied(s);
    for (uint64_t n = 1; n <= s->number; n++)
        if (s->asked[n].replies != row_of(s->asked[n].command)->wants)
            fail_msg("%s (number %lu) was replied to %u times", row_of(s->asked[n].command)->name, (unsigned long)n,
                     s->asked[n].replies);
    assert_int_equal(s->dropped, s->drops);
    s->adapter->close(s);
    unlink(s->config);
    rmdir(s->folder);
    provider_rig_tear_down(&s->rig);
}

static void write_config(struct stage *s, const char *text)
{
    FILE *f = fopen(s->config, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* ------------------------------------------------------------------ what is asked */

/* Of no call, of one that never was, of a line that is none. */
static void of_nobody(struct stage *s)
{
    const uint64_t never = cf_handle_make(CALLS - 1, CF_KIND_PROVIDER, 77);
    for (size_t i = 0; i < ROWS; i++) {
        ask(s, &rows[i], 0, 0, 0, s->to);
        ask(s, &rows[i], never, never, NO_LINE, s->to);
        ask(s, &rows[i], never, 0, 0, "");
    }
    pass_until_replied(s);
    end_all(s);
}

/* Of a live call, one command after the other has ended; a call that ended by it is followed by another. */
static void of_a_live_call(struct stage *s)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].id == CF_CMD_REFUSED) /* which a call that was made is not */
            continue;
        uint64_t call = connected(s);
        const struct known *second = find_state(s, LINECALLSTATE_CONNECTED | LINECALLSTATE_ONHOLD);
        ask(s, &rows[i], call, second != NULL && second->call != call ? second->call : 0, 0, s->to);
        pass_until_replied(s);
        end_all(s);
    }
}

/* All of them without waiting in between, on one call that ends while some are under way. */
static void all_at_once(struct stage *s)
{
    uint64_t call = connected(s);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].id != CF_CMD_CLOSE_CALL && rows[i].id != CF_CMD_REFUSED && rows[i].id != CF_CMD_DROP)
            ask(s, &rows[i], call, call, 0, s->to);
    ask(s, row_of(CF_CMD_DROP), call, 0, 0, "");
    pass_until_replied(s);
    for (size_t i = 0; i < ROWS; i++) /* it is IDLE, or soon will be */
        if (rows[i].id != CF_CMD_CLOSE_CALL && rows[i].id != CF_CMD_REFUSED)
            ask(s, &rows[i], call, call, 0, "");
    pass_until_replied(s);
}

static void each_gets_what_it_wants(const struct adapter *adapter)
{
    static struct stage s;
    open_stage(&s, adapter);
    of_nobody(&s);
    of_a_live_call(&s);
    all_at_once(&s);
    close_stage(&s);
}

/* ------------------------------------------------------------------ callfan-sim */

static void sim_settings(struct stage *s)
{
    cf_sim_settings_default(&s->sim);
    s->sim.rate = 0;
    s->sim.dial_ms = s->sim.setup_ms = s->sim.answer_ms = 0;
    s->sim.hold_fixed = true;
    s->sim.hold_ms = 3600000;
    s->sim.calls_max = CALLS;
    s->sim.call_features |= LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES;
    s->outlet = cf_sim_port_outlet(&s->port);
}

static void model_open(struct stage *s)
{
    sim_settings(s);
    assert_int_equal(cf_sim_model_new(&s->model, &s->sim, &s->outlet, s->now_ns), 0);
}

static void model_command(struct stage *s, const struct cf_command *c)
{
    cf_sim_model_command(s->model, c, s->now_ns);
}

static void model_pass(struct stage *s)
{
    s->now_ns += 20 * CF_NS_PER_MS;
    cf_sim_model_work(s->model, s->now_ns, 1000);
}

static void model_close(struct stage *s)
{
    char why[200];
    if (!cf_sim_model_check(s->model, why, sizeof why))
        fail_msg("%s", why);
    cf_sim_model_free(s->model);
}

static void player_open(struct stage *s)
{
    static const char text[] = "lines 2\n";
    char why[200] = "";
    sim_settings(s);
    assert_int_equal(cf_script_parse(&s->script, text, strlen(text), why, sizeof why), 0);
    assert_int_equal(cf_sim_player_new(&s->player, &s->script, &s->sim, &s->port, s->now_ns), 0);
}

static void player_command(struct stage *s, const struct cf_command *c)
{
    cf_sim_player_command(s->player, c, s->now_ns);
}

static void player_pass(struct stage *s)
{
    s->now_ns += 20 * CF_NS_PER_MS;
    cf_sim_player_work(s->player, s->now_ns, 1000);
}

static void player_close(struct stage *s)
{
    cf_sim_player_free(s->player);
    cf_script_fini(&s->script);
}

static void by_the_model(void **state)
{
    static const struct adapter model = {model_open, model_command, model_pass, model_close, "100"};
    (void)state;
    each_gets_what_it_wants(&model);
}

static void by_a_script(void **state)
{
    static const struct adapter player = {player_open, player_command, player_pass, player_close, "100"};
    (void)state;
    each_gets_what_it_wants(&player);
}

/* ------------------------------------------------------------------ callfan-sip */

static void sip_open_with(struct stage *s, const char *more)
{
    static struct cf_sip_settings settings;
    const struct cf_options options = {.name = "sip", .config = s->config};
    char why[512] = "", text[512];
    snprintf(
        text, sizeof text,
        "provider sip { command = \"callfan-sip\"\n listen = {\"127.0.0.1:0\", \"127.0.0.1:0\"}\n calls_max = 100\n "
        "tcp = false\n%s }\n",
        more);
    write_config(s, text);
    if (cf_sip_settings_read(&options, &settings, why, sizeof why) < 0 ||
        cf_sip_trunks_open(&s->trunks, &settings, s->rig.provider, s->rig.reactor, why, sizeof why) < 0)
        fail_msg("%s", why);
    assert_true(cf_sip_trunks_announce(&s->trunks));
    snprintf(s->to, sizeof s->to, "sip:1@127.0.0.1:%u", cf_sip_addr_port(&s->trunks.trunk[1].bound));
}

static void sip_open(struct stage *s)
{
    sip_open_with(s, "");
}

static void sip_command(struct stage *s, const struct cf_command *c)
{
    cf_sip_trunks_command(&s->trunks, c, cf_clock_ns());
}

static void turn(struct stage *s, int64_t deadline)
{
    int64_t soon = cf_clock_ns() + 2 * CF_NS_PER_MS;
    assert_true(cf_provider_turn(s->rig.provider, s->rig.reactor, deadline < soon ? deadline : soon) >= 0);
}

static void sip_pass(struct stage *s)
{
    turn(s, cf_sip_trunks_tick(&s->trunks, cf_clock_ns()));
}

static void sip_close(struct stage *s)
{
    cf_provider_leave_reactor(s->rig.provider);
    cf_sip_trunks_close(&s->trunks);
}

/* A socket that answers every request with 200 as a focus does, and tells nothing more of a REFER. */
static int focus;

static void focus_open(struct stage *s)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof own;
    char factory[100];
    focus = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(focus >= 0 && bind(focus, (struct sockaddr *)&own, len) == 0 &&
                getsockname(focus, (struct sockaddr *)&own, &len) == 0);
    snprintf(factory, sizeof factory, "conference = {\"sip:factory@127.0.0.1:%u\"}", ntohs(own.sin_port));
    sip_open_with(s, factory);
}

static void focus_answer(void)
{
    static const char sdp[] =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
    char text[8192], answer[16384];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    for (ssize_t n; (n = recvfrom(focus, text, sizeof text, 0, (struct sockaddr *)&from, &len)) > 0;) {
        struct cf_sip_msg msg;
        if (cf_sip_scan(&msg, text, (size_t)n) != CF_SIP_ERROR_OK || !msg.is_request || msg.method == CF_SIP_ACK)
            continue;
        const bool described = msg.method == CF_SIP_INVITE;
        const int bytes = snprintf(
            answer, sizeof answer,
            "SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
            "Contact: <sip:conference@127.0.0.1:%u>;isfocus\r\nRefer-Sub: false\r\n%sContent-Length: %zu\r\n\r\n%s",
            msg.vias[0].len, cf_sip_ptr(&msg, msg.vias[0]), msg.from.value.len, cf_sip_ptr(&msg, msg.from.value),
            msg.to.value.len, cf_sip_ptr(&msg, msg.to.value), msg.to.tag.len == 0 ? ";tag=focus" : "", msg.call_id.len,
            cf_sip_ptr(&msg, msg.call_id), msg.cseq_value.len, cf_sip_ptr(&msg, msg.cseq_value), ntohs(from.sin_port),
            described ? "Content-Type: application/sdp\r\n" : "", described ? sizeof sdp - 1 : 0, described ? sdp : "");
        sendto(focus, answer, (size_t)bytes, 0, (struct sockaddr *)&from, len);
    }
}

static void focus_pass(struct stage *s)
{
    sip_pass(s);
    focus_answer();
}

static void focus_close(struct stage *s)
{
    sip_close(s);
    close(focus);
}

static void by_sip_with_a_focus(void **state)
{
    static const struct adapter sip = {focus_open, sip_command, focus_pass, focus_close, ""};
    (void)state;
    each_gets_what_it_wants(&sip);
}

static void by_sip(void **state)
{
    static const struct adapter sip = {sip_open, sip_command, sip_pass, sip_close, ""};
    (void)state;
    each_gets_what_it_wants(&sip);
}

/* ------------------------------------------------------------------ callfan-modem */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    (void)format;
}

static void modem_pass(struct stage *s)
{
    modem_turn(&s->modem);
    turn(s, cf_modem_lines_tick(&s->lines, cf_clock_ns()));
    modem_turn(&s->modem);
}

static void modem_open_lines(struct stage *s)
{
    static struct cf_modem_settings settings;
    const struct cf_options options = {.name = "modem", .config = s->config};
    char why[512] = "", text[512], link[96];
    snprintf(link, sizeof link, "%s/modem", s->folder);
    snprintf(
        text, sizeof text,
        "provider modem { command = \"callfan-modem\"\n device = {\"%s\"}\n profile = {\"gsm\"}\n poll_ms = 50 }\n",
        link);
    write_config(s, text);
    modem_open(&s->modem, link);
    if (cf_modem_settings_read(&options, &settings, why, sizeof why) < 0 ||
        cf_modem_lines_open(&s->lines, &settings, s->rig.provider, s->rig.reactor, say, why, sizeof why) < 0)
        fail_msg("%s", why);
    assert_true(cf_modem_lines_announce(&s->lines, cf_clock_ns()));
    for (int64_t end = provider_rig_soon();
         !s->lines.line[0].told_up || s->lines.line[0].modem.chat.state < CF_CHAT_READY; collect(s)) {
        assert_true(cf_clock_ns() < end);
        modem_pass(s);
    }
}

static void modem_command(struct stage *s, const struct cf_command *c)
{
    cf_modem_lines_command(&s->lines, c, cf_clock_ns());
}

static void modem_close_lines(struct stage *s)
{
    cf_provider_leave_reactor(s->rig.provider);
    cf_modem_lines_close(&s->lines);
    modem_close(&s->modem);
}

static void by_a_modem(void **state)
{
    static const struct adapter modem = {modem_open_lines, modem_command, modem_pass, modem_close_lines, "1555"};
    (void)state;
    each_gets_what_it_wants(&modem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_every_command),
        cmocka_unit_test(by_the_model),
        cmocka_unit_test(by_a_script),
        cmocka_unit_test(by_sip),
        cmocka_unit_test(by_sip_with_a_focus),
        cmocka_unit_test(by_a_modem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
