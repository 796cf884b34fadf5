/* The check and the survey: each rule is broken once, in a state that has some of everything, and has to be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "apps/callfand/inspection.h"
#include "callfan/provider.h"
#include "core/check.h"
#include "core/internal.h"
#include "core/survey.h"

#define SLOTS 1024
#define PROVIDER 1
#define APPLICATION 3
#define SECOND 4
#define OPENS 12 /* so that a call has references in a chunk */

struct peer {
    uint32_t port;
    struct cf_port_down *down;
    struct cf_port_up *up;
    struct cf_ring_producer out;
    struct cf_ring_consumer in;
    uint64_t number;
};

static struct cf_engine *e;
static void *private_memory, *state;
static uint64_t state_bytes;
static struct cf_engine_result result;
static int64_t now = INT64_C(100000000000);
static struct peer door, provider, application, second;

static void turns(int n) {
    for (int i = 0; i < n; i++)
        cf_engine_turn(e, now += 1000, &result);
}

static void join(struct peer *p, struct cf_port_down *down, struct cf_port_up *up) {
    p->down = down;
    p->up = up;
    cf_ring_producer_init(&p->out, cf_port_up_ring(up), down->header.up_slots, &down->up.up_ack, 0);
    cf_ring_consumer_init(&p->in, cf_port_down_ring(down, down->header.reply_slots), down->header.down_slots, 0);
}

static void send(struct peer *p, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3) {
    struct cf_record r = {.m = {.sequence = ++p->number, .id = id, .device = device, .param1 = p1, .param2 = p2, .param3 = p3,
                                .time_ns = now, .open_line = CF_INDEX_NONE}};
    assert_true(cf_ring_put(&p->out, &r));
    turns(1);
}

static void attach(struct peer *p, uint32_t port, uint32_t kind) {
    uint32_t replies = kind == CF_PORT_APPLICATION ? CF_REPLY_SLOTS : 0;
    size_t down_bytes = cf_port_down_bytes(replies, SLOTS), up_bytes = cf_port_up_bytes(SLOTS);
    struct cf_port_down *down = aligned_alloc(4096, (down_bytes + 4095) / 4096 * 4096);
    struct cf_port_up *up = aligned_alloc(4096, (up_bytes + 4095) / 4096 * 4096);
    memset(down, 0, down_bytes);
    memset(up, 0, up_bytes);
    struct cf_port_header h = {.kind = kind, .port = port, .generation = 1, .down_slots = SLOTS, .up_slots = SLOTS, .reply_slots = replies};
    cf_port_format(down, &h);
    *p = (struct peer){.port = port};
    join(p, down, up);
    cf_engine_map_port(e, port, down, up);
    send(&door, CF_DOOR_ATTACH, 0, port, kind, 1);
}

static void announce_line(void) {
    struct cf_record line = {.m = {.id = CF_EV_LINE, .sequence = ++provider.number}};
    struct cf_line_caps caps = {.call_features = LINECALLFEATURE_DROP};
    cf_fields_append_text(&line, CF_FIELD_NAME, "trunk");
    cf_fields_append(&line, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    send(&provider, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0);
    assert_true(cf_ring_put(&provider.out, &line));
    line.m.sequence = ++provider.number;
    line.m.param1 = 1;
    assert_true(cf_ring_put(&provider.out, &line));
    send(&provider, CF_EV_SNAPSHOT_END, 0, 0, 0, 0);
}

static uint64_t hline(uint32_t slot) { return cf_handle_of_usage(0, slot, CF_KIND_LINE, 1); }

static void offer_on(uint32_t line, uint32_t index) {
    struct cf_record r = {.m = {.id = CF_EV_NEW_CALL, .sequence = ++provider.number, .device = cf_handle_make(index, CF_KIND_PROVIDER, 1),
                                .param1 = line, .param2 = LINECALLSTATE_OFFERING, .param3 = LINEMEDIAMODE_INTERACTIVEVOICE, .time_ns = now}};
    cf_fields_append_text(&r, CF_FIELD_CALLER, "100");
    cf_fields_append_text(&r, CF_FIELD_CALLER_NAME, "somebody whose name takes a block");
    assert_true(cf_ring_put(&provider.out, &r));
    turns(1);
}

static void offer(uint32_t index) { offer_on(0, index); }

static void end(uint32_t index) {
    send(&provider, CF_EV_CALL_STATE, cf_handle_make(index, CF_KIND_PROVIDER, 1), LINECALLSTATE_IDLE, 0, 0);
}

/* A handle of the first call, by the application's table. */
static uint64_t a_handle(uint32_t port) {
    const struct cf_port_view *v = &e->view[port];
    for (uint32_t i = 0; i < v->p->handles.used; i++)
        if (cf_generation_live(cf_slot_at(v, i)->generation) && cf_slot_at(v, i)->call == 0)
            return cf_port_handle(e, port, i, cf_slot_at(v, i)->generation);
    fail_msg("port %u has no handle of the first call", port);
    return 0;
}

/* Three calls on one line, the last IDLE, each seen by an owner and eleven monitors; a fourth freed; a drop outstanding. */
static int setup(void **unused) {
    (void)unused;
    struct cf_limits l;
    cf_limits_default(&l);
    l.applications = 4;
    l.providers = 2;
    l.lines = l.open_lines = 64;
    l.calls = l.calls_per_provider = 64;
    l.handles = 256;
    state_bytes = cf_engine_state_bytes(&l);
    state = aligned_alloc(4096, state_bytes);
    memset(state, 0, state_bytes);
    private_memory = aligned_alloc(64, cf_engine_private_bytes());
    struct cf_engine_options o = {0};
    e = cf_engine_create(private_memory, state, state_bytes, &l, &o);
    assert_non_null(e);
    door = (struct peer){0};
    join(&door, cf_engine_door_down(e), cf_engine_door_up(e));
    attach(&provider, PROVIDER, CF_PORT_PROVIDER);
    announce_line();
    attach(&application, APPLICATION, CF_PORT_APPLICATION);
    attach(&second, SECOND, CF_PORT_APPLICATION);
    send(&application, CF_REQ_OPEN, hline(0), 0, LINECALLPRIVILEGE_OWNER | (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32, 0x20002);
    for (uint32_t i = 1; i < OPENS; i++)
        send(i < 6 ? &application : &second, CF_REQ_OPEN, hline(i < 6 ? i : i - 6), 0, LINECALLPRIVILEGE_MONITOR, 0x20002);
    for (uint32_t i = 0; i < 4; i++)
        offer(i);
    end(3);
    for (uint32_t port = APPLICATION; port <= SECOND; port++) { /* the fourth call is given back by all */
        struct cf_port_view *v = &e->view[port];
        for (uint32_t i = 0; i < v->p->handles.used; i++)
            if (cf_generation_live(cf_slot_at(v, i)->generation) && cf_slot_at(v, i)->call == 3)
                send(port == SECOND ? &second : &application, CF_REQ_RELEASE, cf_port_handle(e, port, i, cf_slot_at(v, i)->generation),
                     0, 0, 0);
    }
    end(2);
    send(&application, CF_REQ_DROP, a_handle(APPLICATION), 7, 0, 0);
    turns(4);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    struct peer *peers[] = {&provider, &application, &second};
    for (size_t i = 0; i < 3; i++) {
        free(peers[i]->down);
        free(peers[i]->up);
    }
    free(private_memory);
    free(state);
    return 0;
}

/* ------------------------------------------------------------------ damages */

static struct cf_port *port_of(uint32_t port) { return &e->ports[port]; }
static struct cf_call *call(uint32_t index) { return cf_call_at(e, index); }
static struct cf_line *line(void) { return &e->lines[0]; }
static struct cf_open_line *open_line(uint32_t index) { return &e->view[APPLICATION].open_lines[index]; }
static struct cf_call_handle *handle(void) { return cf_slot_at(&e->view[APPLICATION], cf_handle_slot(a_handle(APPLICATION))); }
static uint32_t free_handle(void) {
    for (uint32_t i = 0; i < port_of(APPLICATION)->handles.used; i++)
        if (!cf_generation_live(cf_slot_at(&e->view[APPLICATION], i)->generation))
            return i;
    fail_msg("no handle was given back");
    return 0;
}

static void in_the_middle_of_a_turn(void) { e->control->turn++; }
static void too_many_lines(void) { e->g->lines_used = e->limits.lines + 1; }
static void too_many_chunks(void) { e->g->chunks_used = e->chunks_max + 1; }
static void too_many_blocks(void) { e->g->parties_used = e->parties_max + 1; }
static void too_many_calls(void) { e->call_head->used = e->limits.calls + 1; }
static void kind_of_port(void) { port_of(APPLICATION)->kind = CF_PORT_PROVIDER; }
static void too_many_opens(void) { port_of(APPLICATION)->opens_used = e->limits.open_lines + 1; }
static void too_many_requests(void) { port_of(APPLICATION)->requests_used = 2u * port_of(APPLICATION)->requests_max + 1; }
static void too_many_handles(void) { port_of(APPLICATION)->handles.used = e->limits.handles + 1; }

static void call_on_no_line(void) { call(0)->line = e->g->lines_used; }
static void call_of_too_many(void) { call(0)->refs = CF_OPENS_PER_LINE_MAX + 1; }
static void chunk_nowhere(void) { call(0)->chunk = e->g->chunks_used; }
static void reference_to_no_application(void) {
    uint64_t *open = cf_open_at(e, 0, cf_ref_position(call(0)->ref[0]));
    *open = cf_open_make(PROVIDER, cf_open_line_of(*open), *open & ~UINT64_C(0xFFFFFFFF));
}
static void reference_without_handle(void) { handle()->generation += 2; }
static void handle_of_another_open(void) { handle()->info ^= 1; }
static void two_handles_for_one_open(void) { call(0)->ref[1] = call(0)->ref[2]; }
static void wrong_owners(void) { call(0)->owners++; }
static void nobody_has_it(void) {
    call(0)->refs = 0;
    call(0)->owners = 0;
}
static void neighbour_ahead(void) { call(1)->next = 1; }
static void neighbour_behind(void) { call(1)->previous = CF_INDEX_NONE; }
static void provider_of_call(void) { call(0)->provider = APPLICATION; }
static void provider_map(void) { e->view[PROVIDER].provider_calls[0].call = 2; }
static void provider_index(void) { call(0)->provider_call = cf_handle_make(e->limits.calls_per_provider, CF_KIND_PROVIDER, 1); }
static void parties(void) { e->parties[call(0)->parties].bytes[0] = 0xFF; }
static void parties_nowhere(void) { call(0)->parties = e->g->parties_used; }

static void provider_of_line(void) { line()->provider = APPLICATION; }
static void state_of_line(void) { line()->state = CF_LINE_REMOVED + 1; }
static void ends_of_list(void) { line()->calls_last = CF_INDEX_NONE; }
static void list_of_another(void) { call(line()->calls_last)->line = 1; }
static void position_of_nobody(void) { *cf_open_at(e, 0, 1) = cf_open_make(APPLICATION, e->limits.open_lines, CF_OPEN_LIVE); }
static void position_of_another(void) { open_line(1)->position = 40; }
static void opens_of_line(void) { line()->opens++; }

static void ring_too_full(void) { port_of(APPLICATION)->tail = port_of(APPLICATION)->head_seen + SLOTS + 1; }
static void law(void) { port_of(APPLICATION)->messages++; }
static void law_missed(void) { port_of(SECOND)->missed++; }
static void outlet_past_the_ring(void) { e->outlet[APPLICATION].limit = port_of(APPLICATION)->head_seen + SLOTS + 1; }
static void request_in_no_state(void) { e->view[APPLICATION].requests[0].state = CF_REQUEST_REPLIED + 1; }
static void request_off_its_list(void) { e->view[APPLICATION].requests[0].state = CF_REQUEST_FREE; }
static void requests_counted(void) { port_of(APPLICATION)->requests_live++; }
static void digits_counted(void) { port_of(APPLICATION)->digits_live++; }
static void lines_of_provider(void) { e->view[PROVIDER].provider_lines[0] = 2; }
static void calls_of_provider(void) { port_of(PROVIDER)->calls_live++; }
static void state_of_open(void) { open_line(1)->state = CF_OPEN_CLOSED + 1; }
static void open_not_live(void) { *cf_open_at(e, 0, open_line(1)->position) &= ~CF_OPEN_LIVE; }
static void marked_and_free(void) { cf_marks_set(&e->view[APPLICATION].changed, &e->journal, free_handle()); }
static void notice_and_free(void) { cf_marks_set(&e->view[APPLICATION].notices, &e->journal, free_handle()); }
static void handle_of_no_call(void) { handle()->call = e->call_head->used; }
static void handle_unknown_to_call(void) {
    struct cf_port_view *v = &e->view[APPLICATION];
    uint32_t index = free_handle();
    *cf_slot_at(v, index) = (struct cf_call_handle){.generation = cf_slot_at(v, index)->generation + 1, .call = 0};
}
static void opens_of_port(void) { port_of(APPLICATION)->opens_live++; }
static void idle_handles(void) { port_of(APPLICATION)->idle_handles--; }
static void handles_of_open(void) { open_line(0)->handles++; }

static void table_of_calls(void) { e->call_head->free++; }
static void table_of_handles(void) { port_of(APPLICATION)->handles.free++; }
static void calls_of_line(void) { line()->calls++; }
static void a_chunk_lost(void) { e->g->chunk_free = CF_INDEX_NONE; }
static void a_block_lost(void) { e->g->party_free = CF_INDEX_NONE; }
static void blocks_counted(void) { e->g->parties_live++; }
static void calls_counted(void) {
    e->call_head->live--;
    e->call_head->free++;
}
static void opens_counted(void) { e->g->opens++; }

static const struct damage {
    const char *name;
    void (*make)(void);
    const char *said;
    bool of_sums; /* needs a walk within one turn */
} damages[] = {
#define LOCAL(make, said) {#make, make, said, false}
#define SUM(make, said) {#make, make, said, true}
    LOCAL(in_the_middle_of_a_turn, "in the middle of a turn"),
    LOCAL(too_many_lines, "lines, "),
    LOCAL(too_many_chunks, "reference chunks, "),
    LOCAL(too_many_blocks, "party blocks were used"),
    LOCAL(too_many_calls, "calls were used"),
    LOCAL(kind_of_port, "of kind"),
    LOCAL(too_many_opens, "which is too many"),
    LOCAL(too_many_requests, "which is too many"),
    LOCAL(too_many_handles, "handles were used"),
    LOCAL(call_on_no_line, "lines were used"),
    LOCAL(call_of_too_many, "call 0: 257 references"),
    LOCAL(chunk_nowhere, "its chain of references leads to chunk"),
    LOCAL(reference_to_no_application, "no application"),
    LOCAL(reference_without_handle, "has no handle at port 3"),
    LOCAL(handle_of_another_open, "belongs to another open"),
    LOCAL(two_handles_for_one_open, "two handles for one open"),
    LOCAL(wrong_owners, "owners counted"),
    LOCAL(nobody_has_it, "nobody has a handle, yet it lives"),
    LOCAL(neighbour_ahead, "its list of calls is broken at call 1"),
    LOCAL(neighbour_behind, "its list of calls is broken at call 1"),
    LOCAL(provider_of_call, "is named as its provider"),
    LOCAL(provider_map, "its provider's map does not lead to it"),
    LOCAL(provider_index, "its provider's map does not lead to it"),
    LOCAL(parties, "what is kept of its parties is damaged"),
    LOCAL(parties_nowhere, "what is kept of its parties is damaged"),
    LOCAL(provider_of_line, "line 0: in state 1, of port 3"),
    LOCAL(state_of_line, "line 0: in state 4"),
    LOCAL(ends_of_list, "its list is from call"),
    LOCAL(list_of_another, "call of another line"),
    LOCAL(position_of_nobody, "line 0: position 1 names open"),
    LOCAL(position_of_another, "line 0: position 1 and open 1 of port 3 do not agree"),
    LOCAL(opens_of_line, "line 0: 13 opens and 0 closed ones counted, 12 and 0 found"),
    LOCAL(ring_too_full, "more in the ring than it has slots"),
    LOCAL(law, "do not make sequence"),
    LOCAL(law_missed, "do not make sequence"),
    LOCAL(outlet_past_the_ring, "without a look at it"),
    LOCAL(request_in_no_state, "request 0 is in no state"),
    LOCAL(request_off_its_list, "requests free"),
    LOCAL(requests_counted, "of them apart, counted"),
    LOCAL(digits_counted, "of them apart, counted"),
    LOCAL(lines_of_provider, "port 1: its line 0 is line 1, which is of another"),
    SUM(calls_of_provider, "port 1: 4 calls counted, 3 found"),
    LOCAL(state_of_open, "port 3: open 1 is in state"),
    LOCAL(open_not_live, "port 3: open 1 and its line do not agree"),
    LOCAL(marked_and_free, "is free and marked"),
    LOCAL(notice_and_free, "is free and marked"),
    LOCAL(handle_of_no_call, "of call"),
    LOCAL(handle_unknown_to_call, "which does not know it"),
    SUM(opens_of_port, "port 3: 7 opens"),
    SUM(idle_handles, "idle handles counted"),
    SUM(handles_of_open, "belong to opens"),
    SUM(table_of_calls, "calls: "),
    SUM(table_of_handles, "port 3: "),
    SUM(calls_of_line, "on its list"),
    SUM(a_chunk_lost, "hold references and"),
    SUM(a_block_lost, "in chains and"),
    SUM(blocks_counted, "in chains and"),
    SUM(calls_counted, "live calls counted"),
    SUM(opens_counted, "opens counted"),
};

static bool said(const struct cf_check_walk *w, const char *text) {
    for (uint64_t i = 0; i < w->findings && i < CF_CHECK_TEXTS; i++)
        if (strstr(w->text[i], text) != NULL)
            return true;
    return false;
}

static void each_rule_that_is_broken_is_told(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        char why[CF_CHECK_TEXT_BYTES] = "";
        struct cf_check_walk w;
        setup(NULL);
        if (!cf_engine_check(e, why, sizeof why))
            fail_msg("before %s: %s", damages[i].name, why);
        damages[i].make();
        if (cf_engine_check(e, why, sizeof why))
            fail_msg("%s is not found", damages[i].name);
        cf_check_walk_begin(&w);
        while (cf_engine_check_step(e, &w, 1))
            continue;
        if (!said(&w, damages[i].said))
            fail_msg("%s: '%s' is said first of %llu, '%s' is not", damages[i].name, w.text[0], (unsigned long long)w.findings,
                     damages[i].said);
        if (w.text[0][0] != '\0' && strcmp(w.text[0], why) != 0)
            fail_msg("%s: '%s' in one go, '%s' in slices", damages[i].name, why, w.text[0]);
        teardown(NULL);
    }
}

/* Only what needs no sums: a turn is made between any two steps. */
static void local_rules_are_told_between_turns(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct cf_check_walk w;
        if (damages[i].make == in_the_middle_of_a_turn)
            continue;
        setup(NULL);
        damages[i].make();
        cf_check_walk_begin(&w);
        while (cf_engine_check_step(e, &w, 1)) { /* an empty turn, which does not work on what is damaged */
            e->control->turn++;
            e->control->committed++;
        }
        assert_true(w.turns || w.part == CF_CHECK_END);
        if (said(&w, damages[i].said) == damages[i].of_sums)
            fail_msg("%s: %s", damages[i].name, w.findings == 0 ? "nothing is said" : w.text[0]);
        teardown(NULL);
    }
}

static uint64_t random_state = 88172645463325252u;
static uint64_t random_number(uint64_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* A word of what the engine uses, by piece: at random over all the state it would mostly hit what is free. */
static uint32_t *random_word(void) {
    const struct cf_port_view *v = &e->view[APPLICATION];
    const struct {
        void *at;
        size_t bytes;
    } pieces[] = {
        {e->g, sizeof *e->g},
        {e->call_head, sizeof *e->call_head},
        {e->ports, 5 * sizeof *e->ports},
        {e->lines, 2 * sizeof *e->lines},
        {cf_open_at(e, 0, 0), 8 * sizeof(uint64_t)},
        {call(0), 5 * sizeof(struct cf_call)},
        {e->chunks, 4 * sizeof *e->chunks},
        {e->parties, 5 * sizeof *e->parties},
        {v->requests, 3 * sizeof *v->requests},
        {v->open_lines, 8 * sizeof *v->open_lines},
        {cf_slot_at(v, 0), 24 * sizeof(struct cf_call_handle)},
        {e->view[PROVIDER].provider_calls, 5 * sizeof(struct cf_provider_call)},
        {e->view[PROVIDER].provider_lines, 4 * sizeof(uint32_t)},
    };
    size_t piece = random_number(sizeof pieces / sizeof pieces[0]);
    return (uint32_t *)pieces[piece].at + random_number(pieces[piece].bytes / sizeof(uint32_t));
}

static uint32_t random_value(uint32_t old) {
    const uint32_t values[] = {old + 1, old - 1, old ^ 1u << random_number(32), 0, CF_INDEX_NONE, (uint32_t)random_number(64),
                               (uint32_t)random_number(UINT32_MAX), 1u << random_number(32)};
    return values[random_number(sizeof values / sizeof values[0])];
}

/* Whatever is wrong, neither the check nor the survey leaves the state, runs for ever or changes anything. */
static void damage_of_any_kind_is_survived(void **unused) {
    (void)unused;
    static struct cf_survey s;
    struct {
        uint32_t *at, old;
    } undo[4];
    uint32_t told = 0;
    setup(NULL);
    void *before = malloc(state_bytes);
    for (int round = 0; round < 20000; round++) {
        struct cf_check_walk w;
        uint64_t steps = 0;
        uint32_t n = 1 + (uint32_t)random_number(4);
        for (uint32_t i = 0; i < n; i++) {
            undo[i].at = random_word();
            undo[i].old = *undo[i].at;
            *undo[i].at = random_value(undo[i].old);
        }
        if (round % 1000 == 0)
            memcpy(before, state, state_bytes);
        cf_check_walk_begin(&w);
        while (cf_engine_check_step(e, &w, 64))
            assert_true(steps++ < 1000000);
        cf_survey_begin(&s, now, 0, 0);
        while (cf_engine_survey_step(e, &s, 64))
            assert_true(steps++ < 1000000);
        if (round % 1000 == 0)
            assert_memory_equal(before, state, state_bytes);
        told += w.findings != 0;
        for (uint32_t i = n; i-- > 0;)
            *undo[i].at = undo[i].old;
    }
    free(before);
    assert_true(told > 10000);
    char why[CF_CHECK_TEXT_BYTES] = "";
    if (!cf_engine_check(e, why, sizeof why))
        fail_msg("afterwards: %s", why);
    teardown(NULL);
}

static void a_walk_among_traffic_finds_nothing(void **unused) {
    (void)unused;
    setup(NULL);
    for (int round = 0; round < 50; round++) {
        struct cf_check_walk w;
        cf_check_walk_begin(&w);
        bool more;
        uint32_t steps = 0;
        do {
            more = cf_engine_check_step(e, &w, 3);
            if (steps++ % 4 == 0 && round < 20)
                offer(4 + (uint32_t)round);
            else
                turns(1);
            while (cf_ring_peek(&application.in) != NULL)
                cf_ring_consume(&application.in, cf_ring_peek(&application.in));
            cf_ring_acknowledge(&application.up->down_ack, application.in.head);
        } while (more && steps < 10000);
        assert_false(more);
        assert_true(w.turns);
        if (w.findings != 0)
            fail_msg("%s", w.text[0]);
    }
    teardown(NULL);
}

/* The newest call of the second line, which nobody has open at first. */
static const struct cf_call *on_second_line(void) { return e->lines[1].calls == 0 ? NULL : call(e->lines[1].calls_last); }

static uint64_t newest_handle(void) {
    const struct cf_port_view *v = &e->view[SECOND];
    uint64_t handle = 0;
    for (uint32_t i = 0; i < v->p->handles.used; i++)
        if (cf_generation_live(cf_slot_at(v, i)->generation) && call(cf_slot_at(v, i)->call) == on_second_line())
            handle = cf_port_handle(e, SECOND, i, cf_slot_at(v, i)->generation);
    assert_true(handle != 0);
    return handle;
}

static void holds(void) {
    char why[CF_CHECK_TEXT_BYTES] = "";
    if (!cf_engine_check(e, why, sizeof why))
        fail_msg("%s", why);
}

/* After a cold start they are there before the applications. */
static void calls_that_lived_when_their_provider_came_wait_for_an_owner(void **unused) {
    (void)unused;
    setup(NULL);
    offer_on(1, 10); /* refused: nobody has the line open */
    assert_null(on_second_line());
    send(&provider, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0);
    for (uint32_t i = 11; i < 14; i++)
        offer_on(1, i);
    send(&provider, CF_EV_SNAPSHOT_END, 0, 0, 0, 0);
    offer_on(1, 14); /* as before */
    assert_int_equal(e->lines[1].calls, 3);
    holds();

    end(11); /* unseen */
    assert_int_equal(e->lines[1].calls, 2);
    send(&second, CF_REQ_OPEN, hline(20), 1, LINECALLPRIVILEGE_MONITOR, 0x20002);
    send(&second, CF_REQ_NEW_CALLS, hline(20), LINECALLSELECT_LINE, 0, 16);
    assert_int_equal(on_second_line()->refs, 1);
    holds();
    send(&second, CF_REQ_RELEASE, newest_handle(), 0, 0, 0); /* who only looked leaves it as it was */
    turns(2);
    assert_int_equal(e->lines[1].calls, 2);
    assert_int_equal(on_second_line()->refs, 0);
    holds();

    send(&second, CF_REQ_NEW_CALLS, hline(20), LINECALLSELECT_LINE, 0, 16);
    send(&second, CF_REQ_SET_PRIVILEGE, newest_handle(), LINECALLPRIVILEGE_OWNER, 0, 0);
    assert_int_equal(on_second_line()->owners, 1);
    send(&second, CF_REQ_RELEASE, newest_handle(), 0, 0, 0); /* its last owner takes it with him */
    turns(2);
    assert_int_equal(e->lines[1].calls, 1);
    holds();
    teardown(NULL);
}

static void the_survey_tells_old_calls_idle_handles_and_open_requests(void **unused) {
    (void)unused;
    static struct cf_survey s;
    setup(NULL);
    call(1)->state_time_ns = now - 5000000000;
    call(0)->state_time_ns = now - 9000000000;
    cf_survey_begin(&s, now, 4000000000, 0);
    while (cf_engine_survey_step(e, &s, 1))
        continue;
    assert_int_equal(s.calls_quiet, 2);
    assert_int_equal(s.calls_count, 2);
    assert_int_equal(s.calls[0].call_id, (uint32_t)call(0)->born);
    assert_int_equal(s.calls[0].quiet_ns, 9000000000);
    assert_int_equal(s.calls[0].owners, 1);
    assert_int_equal(s.calls[0].monitors, OPENS - 1);
    assert_int_equal(s.calls[0].holders_count, CF_SURVEY_HOLDERS);
    assert_int_equal(s.calls[0].holders[0].port, APPLICATION);
    assert_int_equal(s.calls[1].quiet_ns, 5000000000);
    assert_int_equal(s.ports[APPLICATION].idle, 6);
    assert_int_equal(s.ports[SECOND].idle, 6);
    assert_int_equal(s.ports[PROVIDER].unanswered, 1);
    assert_int_equal(s.ports[PROVIDER].asked_by, APPLICATION);
    assert_true(s.chunks == 3);
    cf_survey_begin(&s, now, 10000000000, 1000000000);
    while (cf_engine_survey_step(e, &s, 100000))
        continue;
    assert_int_equal(s.calls_quiet, 0);
    assert_int_equal(s.ports[PROVIDER].unanswered, 0);
    teardown(NULL);
}

static void of_many_old_calls_the_oldest_are_kept(void **unused) {
    (void)unused;
    static struct cf_survey s;
    setup(NULL);
    for (uint32_t i = 4; i < 40; i++) {
        offer(i);
        while (cf_ring_peek(&application.in) != NULL)
            cf_ring_consume(&application.in, cf_ring_peek(&application.in));
        cf_ring_acknowledge(&application.up->down_ack, application.in.head);
        while (cf_ring_peek(&second.in) != NULL)
            cf_ring_consume(&second.in, cf_ring_peek(&second.in));
        cf_ring_acknowledge(&second.up->down_ack, second.in.head);
    }
    uint32_t live = 0;
    for (uint32_t i = 0; i < e->call_head->used; i++) {
        if (!cf_generation_live(call(i)->generation) || call(i)->state == LINECALLSTATE_IDLE)
            continue;
        live++;
        call(i)->state_time_ns = now - (int64_t)(i * 7 % 41) * 1000000000;
    }
    cf_survey_begin(&s, now, 0, 0);
    while (cf_engine_survey_step(e, &s, 10))
        continue;
    assert_true(live > CF_SURVEY_CALLS);
    assert_int_equal(s.calls_quiet, live);
    assert_int_equal(s.calls_count, CF_SURVEY_CALLS);
    for (uint32_t i = 1; i < CF_SURVEY_CALLS; i++)
        assert_true(s.calls[i - 1].quiet_ns >= s.calls[i].quiet_ns);
    uint32_t older = 0;
    for (uint32_t i = 0; i < e->call_head->used; i++)
        older += cf_generation_live(call(i)->generation) && call(i)->state != LINECALLSTATE_IDLE &&
                 now - call(i)->state_time_ns > s.calls[CF_SURVEY_CALLS - 1].quiet_ns;
    assert_true(older < CF_SURVEY_CALLS);
    teardown(NULL);
}

static struct cf_inspection inspection;

static void inspect(bool full, int64_t stand_ns_max) {
    const struct cf_inspection_wish wish = {full, 1000000000, stand_ns_max};
    uint64_t beat = *cf_engine_turn_counter(e);
    uint32_t slices = 0;
    cf_inspection_begin(&inspection, e, &wish);
    while (cf_inspection_step(&inspection, e)) {
        turns(1);
        assert_true(++slices < 1000);
    }
    assert_int_equal(inspection.check.part, CF_CHECK_END);
    assert_int_equal(inspection.survey.part, CF_SURVEY_END);
    assert_int_equal(inspection.check.findings, 0);
    assert_true(*cf_engine_turn_counter(e) >= beat + slices);
}

static void a_full_check_that_would_take_too_long_is_made_in_slices(void **unused) {
    (void)unused;
    setup(NULL);
    for (uint32_t i = 4; i < 30; i++) { /* more than a slice */
        offer(i);
        cf_ring_acknowledge(&application.up->down_ack, port_of(APPLICATION)->tail);
        cf_ring_acknowledge(&second.up->down_ack, port_of(SECOND)->tail);
    }
    inspect(true, 1);
    assert_true(inspection.refused);
    assert_true(inspection.expected_ns > 1);
    assert_true(inspection.check.turns);
    inspect(true, 0);
    assert_false(inspection.refused);
    assert_false(inspection.check.turns); /* the sums were compared */
    inspect(false, 0);
    assert_false(inspection.refused);
    assert_true(inspection.check.turns);
    teardown(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_that_is_broken_is_told),
        cmocka_unit_test(local_rules_are_told_between_turns),
        cmocka_unit_test(damage_of_any_kind_is_survived),
        cmocka_unit_test(a_walk_among_traffic_finds_nothing),
        cmocka_unit_test(calls_that_lived_when_their_provider_came_wait_for_an_owner),
        cmocka_unit_test(the_survey_tells_old_calls_idle_handles_and_open_requests),
        cmocka_unit_test(a_full_check_that_would_take_too_long_is_made_in_slices),
        cmocka_unit_test(of_many_old_calls_the_oldest_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
