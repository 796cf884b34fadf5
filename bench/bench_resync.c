/*
 * Question: an application was behind while N calls came, or changed. How long until a resync has told it of all of them, what does a call
 * cost, and what do the other applications notice meanwhile? The goal: 2 M calls within 2 s, the others' p99 moved by at most 10 %.
 *
 * Expected: to announce a call is a handle (a line of the application's table), a reference (one of the call's lines), three slots of the ring
 * (announcement with two numbers, state) and two bits of marks: some six lines, of which three or four are cold at 2 M calls: 200 to 400 ns, so
 * 2 M calls take 0.4 to 0.8 s. To tell the state of a changed handle is a slot, the handle and the call: 100 ns. A turn does resync_slice of
 * them (512 by default): events of others wait up to 100 to 200 us for it.
 *
 * Method: the engine of the product over the product's layout (support/engine_bed.h), 8 applications. Application 0 stands still until its ring
 * is full; then N calls come (announce) or change (state). Then it reads all that there is after each turn, and the turns until RESYNC_END are
 * what is timed, with no other traffic. One resync per run, each with a new engine. The second argument is resync_slice.
 * beside: meanwhile there is traffic (support/beside.h), and the same for as many events again after RESYNC_END: counters with_ and without_. In a
 * service the others' wake-ups (up to 250 us) come on top of both.
 */
#include "bench/support/beside.h"
#include "bench/support/engine_bed.h"
#include "callfan/tapi_const.h"

enum { PORTS = 8 };

/* ---- the outage ---- */

static bool behind(const struct cf_bed *b) { return b->apps[0].down->down.behind != 0; }

static void others_read(struct cf_bed *b) {
    for (uint32_t p = 1; p < b->ports; p++)
        cf_bed_acknowledge(&b->apps[p]);
}

/* Call 0 toggles until the ring of application 0 is full. */
static void fill_ring(struct cf_bed *b) {
    for (uint64_t i = 0; !behind(b); i += CF_BED_EVENTS) {
        cf_bed_must(i < 2 * CF_BED_RING_BYTES / CF_SLOT_BYTES, "the ring does not fill");
        for (uint32_t j = 0; j < CF_BED_EVENTS; j++)
            cf_bed_state(b, cf_bed_call(0, 0), j & 1 ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED);
        cf_bed_turn(b);
        others_read(b);
    }
}

static void change_all(struct cf_bed *b) {
    for (uint64_t i = 1; i < b->calls; i++) {
        cf_bed_state(b, cf_bed_call(i, 0), LINECALLSTATE_CONNECTED);
        if (i % CF_BED_EVENTS != 0 && i + 1 != b->calls)
            continue;
        cf_bed_turn(b);
        others_read(b);
    }
}

/* Application 0 is behind, and was told nothing of `calls` calls, or of their newest states. */
static struct cf_bed *bed_behind(uint64_t calls, uint32_t slice, bool known) {
    struct cf_bed *b = cf_bed_new(&(struct cf_bed_options){.ports = PORTS, .calls = calls + 1, .resync_slice = slice});
    cf_bed_offer(b, known ? calls + 1 : 1, 0);
    fill_ring(b);
    if (known)
        change_all(b);
    else
        cf_bed_offer(b, calls, 1);
    cf_bed_must(behind(b), "it is not behind");
    return b;
}

/* Everybody has a handle of every call, and nobody is behind. */
static void check_end(const struct cf_bed *b) {
    struct cf_engine_totals t;
    cf_engine_totals(b->engine, &t);
    cf_bed_must(t.calls_live == b->calls && t.handles_live == b->calls * b->ports, "not every call was announced");
}

static struct cf_bed *bed_unknown(uint64_t calls, uint32_t slice) { return bed_behind(calls, slice, false); }
static struct cf_bed *bed_changed(uint64_t calls, uint32_t slice) { return bed_behind(calls, slice, true); }

#define ANNOUNCE(calls, slice) {"announce", bed_unknown, behind, check_end, false, calls, slice}
#define STATE(calls, slice) {"state", bed_changed, behind, check_end, false, calls, slice}
#define BESIDE(calls, slice) {"beside", bed_unknown, behind, check_end, true, calls, slice}

static const struct cf_beside_work works[] = {
    ANNOUNCE(10000, 512), ANNOUNCE(100000, 512), ANNOUNCE(1000000, 512), ANNOUNCE(2000000, 512), ANNOUNCE(2000000, 32),
    STATE(10000, 512),    STATE(100000, 512),    STATE(1000000, 512),    STATE(2000000, 512),    BESIDE(100000, 512),
    BESIDE(2000000, 512), BESIDE(2000000, 64),   BESIDE(2000000, 32),
};

int main(int argc, char **argv) { return cf_beside_main(argc, argv, works, sizeof works / sizeof works[0]); }
