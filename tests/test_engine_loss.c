/* What becomes of each message to an application that is behind: the table of core/loss.c, row by row, and the same in docs/TAPI.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "core/internal.h"
#include "core/loss.h"
#include "tests/model/rig.h"

static uint64_t filler, handle; /* a call of which the application hears until it is behind, and its handle there */

static int setup(void **unused) {
    (void)unused;
    rig_begin(256, NULL);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    rig_open(RIG_APP, 1, 1);
    filler = rig_offer(0, 0);
    handle = rig_find(RIG_APP, LINE_APPNEWCALL)->param2;
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    rig_end();
    return 0;
}

static uint64_t missed(void) { return rig_status(RIG_APP).missed; }

/* Everything it gets from now on; it ends in step, having been told of exactly what it missed. */
static void catch_up(void) {
    uint64_t told = 0;
    rig_read(RIG_APP);
    for (uint32_t i = 0; i < rig.seen_count; i++)
        if (rig.seen[i].id == CF_LINE_GAP)
            told += rig.seen[i].param2 - rig.seen[i].param1 + 1;
        else if (rig.seen[i].id == CF_LINE_RESYNC_END)
            told += rig.seen[i].param2 - rig.seen[i].param1;
    assert_int_equal(told, missed());
    assert_int_equal(rig_status(RIG_APP).behind, 0);
    assert_int_equal(rig_count(CF_LINE_GAP, 0), 1);
    assert_int_equal(rig_count(CF_LINE_RESYNC_BEGIN, 0), 1);
    assert_int_equal(rig_count(CF_LINE_RESYNC_END, 0), 1);
    assert_int_equal(rig_last(CF_LINE_GAP, 0)->param3, CF_GAP_CAUSE_RING_FULL);
}

static uint32_t place(uint16_t id) { return (uint32_t)(rig_last(id, 0) - rig.seen); }

/* ------------------------------------------------------------------ the table itself */

static void every_row_is_what_the_engine_does(void **unused) {
    (void)unused;
    struct cf_engine *e = rig.core.engine;
    rig_fall_behind(RIG_APP, filler);
    for (uint32_t i = 0; i < cf_loss_rows_count; i++) {
        const struct cf_loss_row *row = &cf_loss_rows[i];
        assert_ptr_equal(cf_loss_of(row->id), row);
        if (row->loss == CF_LOSS_UNSENT)
            continue;
        uint64_t before = e->ports[RIG_APP].missed, device = row->keeper == CF_KEEPER_HANDLE ? handle : rig_hline(1);
        assert_false(cf_output_tell(e, RIG_APP, row->id, device, 1, 2, 3, rig.now_ns, 1));
        assert_int_equal(e->ports[RIG_APP].missed - before, row->loss != CF_LOSS_NEVER);
    }
    const struct cf_call_handle *h = cf_slot_at(&e->view[RIG_APP], cf_handle_slot(handle));
    assert_int_equal(h->owed, 1);
    const struct cf_open_line *o = &e->view[RIG_APP].open_lines[1];
    assert_int_equal(o->due, CF_DUE_CLOSE | CF_DUE_STATE | CF_DUE_ADDRESS | CF_DUE_QUEUED);
    assert_int_equal(o->owed_states, 1);
    assert_int_equal(o->owed_addresses, 1u << 1);
    assert_int_equal(o->owed_address_states, 2);
    assert_int_equal(cf_loss_of(0x2000)->loss, CF_LOSS_UNSENT);
    assert_int_equal(cf_loss_of(LINE_NEWCALL)->loss, CF_LOSS_UNSENT);
}

static void every_message_that_has_a_name_has_a_row(void **unused) {
    (void)unused;
    uint32_t named = 0, rows = 0;
    for (uint32_t id = 0; id < 0x2000; id++) {
        const char *name = cf_message_name(id);
        bool for_applications = strncmp(name, "LINE_", 5) == 0 || strncmp(name, "CF_LINE_", 8) == 0;
        for_applications &= id < TSPI_MESSAGE_BASE || id >= CF_LINE_GAP; /* the others are sent by providers */
        named += for_applications;
        rows += cf_loss_of(id)->loss != CF_LOSS_UNSENT;
        if (for_applications && cf_loss_of(id)->id != id)
            fail_msg("%s has no row", name);
        if (cf_loss_of(id)->loss != CF_LOSS_UNSENT && !for_applications)
            fail_msg("%#x has a row and no name", id);
    }
    assert_true(named >= rows && rows >= 19);
}

static const char *const loss_words[] = {[CF_LOSS_NEVER] = "never lost", [CF_LOSS_MERGED] = "merged", [CF_LOSS_MISSED] = "missed"};
static const char *const keeper_words[] = {"nobody", "the request", "the open line", "the device", "the call handle", "the call", "the port"};
static const char *const merge_words[] = {"", ": the newest", ": bits or-ed"};
_Static_assert(sizeof keeper_words / sizeof *keeper_words == CF_KEEPERS, "a word per keeper");

/* One row of the document: "| `LINE_A`, `LINE_B` | merged: bits or-ed | the call handle | ...". */
static void compare_row(char *line, bool *told) {
    char *cell[4], *rest = line;
    for (int i = 0; i < 4; i++)
        cell[i] = strsep(&rest, "|");
    for (char *id = strtok(cell[1], "`, "); id != NULL; id = strtok(NULL, "`, ")) {
        uint32_t i = 0;
        while (i < cf_loss_rows_count && strcmp(cf_message_name(cf_loss_rows[i].id), id) != 0)
            i++;
        if (i == cf_loss_rows_count)
            fail_msg("docs/TAPI.md tells of %s, the table does not", id);
        const struct cf_loss_row *row = &cf_loss_rows[i];
        char what[64], who[64];
        snprintf(what, sizeof what, " %s%s ", loss_words[row->loss], merge_words[row->merge]);
        snprintf(who, sizeof who, " %s ", keeper_words[row->keeper]);
        if (row->loss == CF_LOSS_UNSENT || strcmp(cell[2], what) != 0 || strcmp(cell[3], who) != 0)
            fail_msg("%s: docs/TAPI.md says '%s' and '%s', the table '%s' and '%s'", id, cell[2], cell[3], what, who);
        told[i] = true;
    }
}

static void the_document_has_the_same_table(void **unused) {
    (void)unused;
    char path[512], line[1024];
    bool told[64] = {0}, inside = false;
    snprintf(path, sizeof path, "%s/docs/TAPI.md", getenv("CALLFAN_SOURCE"));
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "| message | without room |", 26) == 0)
            inside = true;
        else if (inside && strncmp(line, "| `", 3) == 0)
            compare_row(line, told);
        else if (inside && line[0] != '|')
            inside = false;
    }
    fclose(f);
    for (uint32_t i = 0; i < cf_loss_rows_count; i++)
        if (!told[i] && cf_loss_rows[i].loss != CF_LOSS_UNSENT)
            fail_msg("docs/TAPI.md does not tell of %s", cf_message_name(cf_loss_rows[i].id));
}

/* ------------------------------------------------------------------ merged */

static void states_become_the_newest(void **unused) {
    (void)unused;
    rig_fall_behind(RIG_APP, filler);
    uint64_t before = missed();
    rig_state(filler, LINECALLSTATE_BUSY, LINEBUSYMODE_STATION);
    rig_state(filler, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_BUSY);
    assert_int_equal(missed() - before, 2);
    catch_up();
    const struct cf_message *m = rig_last(LINE_CALLSTATE, handle);
    assert_true(place(LINE_CALLSTATE) > place(CF_LINE_RESYNC_BEGIN) && place(LINE_CALLSTATE) < place(CF_LINE_RESYNC_END));
    assert_int_equal(m->param1, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(m->param2, LINEDISCONNECTMODE_BUSY);
    assert_int_equal(m->param3, 0);
    uint32_t after = 0;
    for (uint32_t i = place(CF_LINE_RESYNC_BEGIN); i < rig.seen_count; i++)
        after += rig.seen[i].id == LINE_CALLSTATE;
    assert_int_equal(after, 1);
}

static void a_privilege_survives_merging(void **unused) {
    (void)unused;
    struct cf_record *r = rig_record(CF_REQ_MAKE_CALL, rig_hline(1), 7, 0, 0);
    r->m.open_line = 1;
    rig_put(RIG_APP, r);
    rig_turns(1);
    uint64_t number = rig_find(RIG_PROVIDER, CF_CMD_MAKE_CALL)->param1, made = cf_handle_make(9, CF_KIND_PROVIDER, 1);
    rig_fall_behind(RIG_APP, filler);
    rig_send(RIG_PROVIDER, CF_EV_REPLY, made, number, 0, 0);
    rig_turns(1);
    rig_state(made, LINECALLSTATE_DIALING, 0);
    rig_state(made, LINECALLSTATE_PROCEEDING, 0);
    catch_up();
    const struct cf_message *reply = rig_last(LINE_REPLY, 0);
    assert_int_equal(reply->param1, 7);
    assert_int_equal(rig_count(LINE_CALLSTATE, reply->device), 1);
    const struct cf_message *m = rig_last(LINE_CALLSTATE, reply->device);
    assert_int_equal(m->param1, LINECALLSTATE_PROCEEDING);
    assert_int_equal(m->param3, LINECALLPRIVILEGE_OWNER);
    rig_state(made, LINECALLSTATE_CONNECTED, 0);
    rig_read(RIG_APP);
    assert_int_equal(rig_last(LINE_CALLSTATE, 0)->param3, 0);
}

static void what_changed_of_a_call_is_or_ed(void **unused) {
    (void)unused;
    rig_fall_behind(RIG_APP, filler);
    uint64_t before = missed();
    rig_send(RIG_PROVIDER, CF_EV_CALL_INFO, filler, LINECALLINFOSTATE_CALLERID, 0, 0);
    rig_send(RIG_PROVIDER, CF_EV_CALL_INFO, filler, LINECALLINFOSTATE_CONNECTEDID, 0, 0);
    rig_turns(1);
    assert_int_equal(missed() - before, 2);
    catch_up();
    assert_int_equal(rig_count(LINE_CALLINFO, handle), 1);
    assert_int_equal(rig_last(LINE_CALLINFO, handle)->param1, LINECALLINFOSTATE_CALLERID | LINECALLINFOSTATE_CONNECTEDID);
}

static void states_of_a_line_are_or_ed(void **unused) {
    (void)unused;
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_STATUS_MESSAGES, rig_hline(1), LINEDEVSTATE_RINGING | LINEDEVSTATE_OUTOFSERVICE, 0, 0), 0);
    rig_fall_behind(RIG_APP, filler);
    uint64_t before = missed();
    rig_send(RIG_PROVIDER, CF_EV_LINE_STATE, 0, 1, LINEDEVSTATE_RINGING, 5);
    rig_send(RIG_PROVIDER, CF_EV_LINE_STATE, 0, 1, LINEDEVSTATE_OUTOFSERVICE, 0);
    rig_send(RIG_PROVIDER, CF_EV_LINE_STATE, 0, 1, LINEDEVSTATE_MSGWAITON, 0); /* not asked for */
    rig_turns(1);
    assert_int_equal(missed() - before, 2);
    catch_up();
    assert_int_equal(rig_count(LINE_LINEDEVSTATE, rig_hline(1)), 1);
    const struct cf_message *m = rig_last(LINE_LINEDEVSTATE, 0);
    assert_int_equal(m->param1, LINEDEVSTATE_RINGING | LINEDEVSTATE_OUTOFSERVICE);
    assert_int_equal(m->param2, 0);
}

static void a_new_call_is_told_when_it_lives_and_counted_when_not(void **unused) {
    (void)unused;
    rig_fall_behind(RIG_APP, filler);
    uint64_t before = missed(), brief = rig_offer(1, 1);
    rig_offer(1, 2);
    rig_state(brief, LINECALLSTATE_DISCONNECTED, 0);
    rig_state(brief, LINECALLSTATE_IDLE, 0);
    assert_int_equal(missed() - before, 4); /* two messages each that announce a call; who has no handle is offered no states */
    catch_up();
    assert_int_equal(rig_count(LINE_APPNEWCALL, 0), 1);
    const struct cf_message *m = rig_last(LINE_APPNEWCALL, 0);
    assert_int_equal(m[1].id, LINE_CALLSTATE);
    assert_int_equal(m[1].device, m->param2);
    assert_int_equal(m[1].param1, LINECALLSTATE_OFFERING);
    assert_true(place(LINE_APPNEWCALL) > place(CF_LINE_RESYNC_BEGIN) && place(LINE_APPNEWCALL) < place(CF_LINE_RESYNC_END));
    assert_int_equal(rig_last(CF_LINE_RESYNC_END, 0)->param3, 1);
    assert_int_equal(rig_status(RIG_APP).calls_unseen, 1);
}

/* ------------------------------------------------------------------ never lost */

static void replies_wait_and_come_first(void **unused) {
    (void)unused;
    rig_send(RIG_APP, CF_REQ_ANSWER, handle, 11, 0, 0);
    rig_turns(1);
    uint64_t number = rig_find(RIG_PROVIDER, CF_CMD_ANSWER)->param1;
    rig_fall_behind(RIG_APP, filler);
    uint64_t before = missed();
    rig_send(RIG_PROVIDER, CF_EV_REPLY, 0, number, 0, 0);
    rig_turns(1);
    rig_send(RIG_APP, CF_REQ_DROP, handle + (UINT64_C(2) << 32), 12, 0, 0);
    rig_turns(1);
    assert_int_equal(missed(), before);
    catch_up();
    assert_int_equal(rig_count(LINE_REPLY, 0), 2);
    const struct cf_message *m = rig_last(LINE_REPLY, 0);
    assert_true(place(LINE_REPLY) < place(CF_LINE_GAP));
    assert_int_equal(m[0].param1, 12);
    assert_int_equal((int32_t)(uint32_t)m[0].param2, LINEERR_INVALCALLHANDLE);
    assert_int_equal(m[-1].param1, 11);
    assert_int_equal(m[-1].param2, 0);
}

static void the_end_of_digits_waits(void **unused) {
    (void)unused;
    struct cf_record *r = rig_record(CF_REQ_GENERATE_DIGITS, handle, LINEDIGITMODE_DTMF, 0, 0);
    r->m.flags = 0;
    cf_fields_append_text(r, CF_FIELD_DIGITS, "123");
    rig_put(RIG_APP, r);
    rig_turns(1);
    uint64_t number = rig_find(RIG_PROVIDER, CF_CMD_GENERATE_DIGITS)->param1;
    rig_fall_behind(RIG_APP, filler);
    uint64_t before = missed();
    rig_send(RIG_PROVIDER, CF_EV_REPLY, 0, number, 0, 0);
    rig_turns(1);
    assert_int_equal(missed(), before);
    catch_up();
    assert_int_equal(rig_count(LINE_GENERATE, handle), 1);
    assert_int_equal(rig_last(LINE_GENERATE, 0)->param1, LINEGENERATETERM_DONE);
    assert_true(place(LINE_GENERATE) < place(CF_LINE_GAP));
}

static void closes_and_devices_wait(void **unused) {
    (void)unused;
    rig_read(RIG_APP); /* LINE_CREATE of the lines that were there */
    rig_fall_behind(RIG_APP, filler);
    uint64_t before = missed();
    rig_line(RIG_PROVIDER, 2);
    rig_line(RIG_PROVIDER, 3);
    rig_send(RIG_PROVIDER, CF_EV_LINE_CLOSE, 0, 1, 0, 0);
    rig_send(RIG_PROVIDER, CF_EV_LINE_REMOVE, 0, 3, 0, 0);
    rig_turns(1);
    assert_int_equal(missed(), before);
    catch_up();
    assert_int_equal(rig_count(LINE_CLOSE, 0), 1);
    assert_int_equal(rig_last(LINE_CLOSE, 0)->device, rig_hline(1));
    assert_int_equal(rig_count(LINE_CREATE, 0), 1);
    assert_int_equal(rig_last(LINE_CREATE, 0)->param1, 2);
    assert_int_equal(rig_count(LINE_REMOVE, 0), 1); /* created and removed meanwhile: the last of them */
    assert_int_equal(rig_last(LINE_REMOVE, 0)->param1, 3);
}

/* ------------------------------------------------------------------ announced once */

/*
 * A resync announces some of the calls, the application gives their handles back without making room, and falls behind again: what it was
 * told of is not told again.
 */
static void what_was_given_back_is_not_announced_again(void **unused) {
    (void)unused;
    enum { CALLS = 100 };
    uint32_t told = 0, given_back = 0;
    rig_fall_behind(RIG_APP, filler);
    for (uint32_t i = 1; i <= CALLS; i++)
        rig_offer(1, i);
    while (rig_status(RIG_APP).behind == 1) {
        assert_non_null(rig_next(RIG_APP));
        rig_turns(1);
    }
    rig_turns(10); /* the resync announces until half the ring is full */
    struct cf_ring_consumer ahead = rig.down[RIG_APP];
    for (const struct cf_message *m; (m = cf_ring_peek(&ahead)) != NULL; cf_ring_consume(&ahead, m))
        if (m->id == LINE_APPNEWCALL) {
            rig_send(RIG_APP, CF_REQ_RELEASE, m->param2, 0, 0, 0);
            given_back++;
        }
    rig_turns(4);
    assert_int_equal(rig_status(RIG_APP).behind, 2);
    assert_true(given_back > 3 && given_back < CALLS);
    rig_fall_behind(RIG_APP, filler);
    rig_read(RIG_APP);
    for (uint32_t i = 0; i < rig.seen_count; i++)
        told += rig.seen[i].id == LINE_APPNEWCALL;
    assert_int_equal(told, CALLS);
    assert_int_equal(rig_count(CF_LINE_RESYNC_BEGIN, 0), 2);
    assert_int_equal(rig_count(CF_LINE_RESYNC_END, 0), 1);
    assert_int_equal(rig_status(RIG_APP).behind, 0);
}

/* ------------------------------------------------------------------ requests of closed lines */

enum { REQUESTS = 64 }; /* outstanding at most, with a ring of 256 */

static void ask_drops(uint32_t first) {
    for (uint32_t i = 0; i < REQUESTS; i++)
        rig_send(RIG_APP, CF_REQ_DROP, handle, first + i, 0, 0);
    rig_turns(4);
}

static void requests_of_a_closed_line_take_no_place_from_others(void **unused) {
    (void)unused;
    for (uint32_t round = 0; round < 5; round++) { /* far more than the table has places */
        uint64_t line = cf_handle_of_usage(0, 2 + round, CF_KIND_LINE, 1);
        rig_open(RIG_APP, 2 + round, 1);
        rig_fall_behind(RIG_APP, filler);
        for (uint32_t i = 0; i < REQUESTS; i++) {
            struct cf_record *r = rig_record(CF_REQ_MAKE_CALL, line, 100 * round + i + 1, 0, 0);
            r->m.open_line = 2 + round;
            rig_put(RIG_APP, r);
        }
        rig_turns(4);
        rig_send(RIG_APP, CF_REQ_CLOSE, line, 0, 0, 0);
        rig_turns(1); /* its library has forgotten them: it may ask as many again */
    }
    ask_drops(1000);
    rig_send(RIG_APP, CF_REQ_DROP, handle, 2000, 0, 0);
    rig_turns(1);
    assert_int_equal(rig_status(RIG_APP).bad_records, 1); /* the one that its library does not let it ask, for want of room: counted */
    const struct cf_message *m;
    uint32_t drops = 0, replied = 0;
    while ((m = rig_next(RIG_PROVIDER)) != NULL) /* as many commands as there is room for beside those kept for closes */
        if (m->id == CF_CMD_DROP && m->param1 != 0) {
            rig_send(RIG_PROVIDER, CF_EV_REPLY, 0, m->param1, 0, 0);
            drops++;
        }
    rig_turns(4);
    assert_int_equal(drops, REQUESTS);
    rig_read(RIG_APP);
    for (uint32_t i = 0; i < rig.seen_count; i++)
        if (rig.seen[i].id == LINE_REPLY) {
            assert_int_equal(rig.seen[i].param1, 1000 + replied);
            assert_int_equal(rig.seen[i].param2, 0);
            replied++;
        }
    assert_int_equal(replied, REQUESTS);
}

static void kept_replies_of_a_closed_line_give_way(void **unused) {
    (void)unused;
    rig_fall_behind(RIG_APP, filler);
    for (uint32_t round = 0; round < 5; round++) {
        rig_open(RIG_APP, 2 + round, 1);
        rig_offer(1, 10 + round);
        for (uint32_t i = 0; i < REQUESTS; i++) {
            struct cf_record *r = rig_record(CF_REQ_MAKE_CALL, rig_hline(2 + round), 100 * round + i + 1, 99, 0);
            struct cf_call_params params = {.address_id = 77}; /* refused at once: a reply that waits for room */
            cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
            rig_put(RIG_APP, r);
        }
        rig_turns(4);
        rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(2 + round), 0, 0, 0);
        rig_turns(1);
    }
    for (uint32_t i = 0; i < REQUESTS; i++)
        rig_send(RIG_APP, CF_REQ_DROP, 0, 1000 + i, 0, 0);
    rig_turns(4);
    assert_int_equal(rig_status(RIG_APP).bad_records, 0);
    rig_read(RIG_APP);
    uint32_t replied = 0;
    for (uint32_t i = 0; i < rig.seen_count; i++)
        if (rig.seen[i].id == LINE_REPLY)
            assert_int_equal(rig.seen[i].param1, 1000 + replied++);
    assert_int_equal(replied, REQUESTS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(every_row_is_what_the_engine_does),
        cmocka_unit_test(every_message_that_has_a_name_has_a_row),
        cmocka_unit_test(the_document_has_the_same_table),
        CASE(states_become_the_newest),
        CASE(a_privilege_survives_merging),
        CASE(what_changed_of_a_call_is_or_ed),
        CASE(states_of_a_line_are_or_ed),
        CASE(a_new_call_is_told_when_it_lives_and_counted_when_not),
        CASE(replies_wait_and_come_first),
        CASE(the_end_of_digits_waits),
        CASE(closes_and_devices_wait),
        CASE(what_was_given_back_is_not_announced_again),
        CASE(requests_of_a_closed_line_take_no_place_from_others),
        CASE(kept_replies_of_a_closed_line_give_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
