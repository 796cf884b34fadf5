/* Slices, and how long they took. */
#include "apps/callfand/inspection.h"

#include <time.h>

#define SLICE      256           /* of the check's budget: some 10 us */
#define FULL_SLICE 65536         /* between two beats of the counter that the keeper watches */
#define CALL_NS    INT64_C(1500) /* the full check, for each call and each handle, in a state that lies in no cache */
#define HANDLE_NS  INT64_C(500)
#define UNANSWERED CF_INSPECTION_UNANSWERED_NS

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t turns(const struct cf_engine *engine)
{
    struct cf_engine_totals t;
    cf_engine_totals(engine, &t);
    return t.turns;
}

static int64_t expect_ns(const struct cf_engine *engine)
{
    struct cf_engine_totals t;
    cf_engine_totals(engine, &t);
    return (int64_t)t.calls_live * CALL_NS + (int64_t)t.handles_live * HANDLE_NS;
}

void cf_inspection_begin(struct cf_inspection *inspection, struct cf_engine *engine,
                         const struct cf_inspection_wish *wish)
{
    int64_t now = now_ns(), unanswered_ns = wish->quiet_ns < UNANSWERED ? wish->quiet_ns : UNANSWERED;
    inspection->wish = *wish;
    inspection->expected_ns = expect_ns(engine);
    inspection->refused = wish->full && wish->stand_ns_max != 0 && inspection->expected_ns > wish->stand_ns_max;
    inspection->begun_ns = now;
    inspection->ended_ns = inspection->stood_ns = inspection->step_ns_max = inspection->steps_ns = 0;
    inspection->steps = 0;
    inspection->turn_first = turns(engine);
    cf_check_walk_begin(&inspection->check);
    cf_survey_begin(&inspection->survey, now, wish->quiet_ns, unanswered_ns);
}

static bool slice(struct cf_inspection *inspection, struct cf_engine *engine)
{
    if (inspection->check.part == CF_CHECK_END)
        return cf_engine_survey_step(engine, &inspection->survey, SLICE);
    if (!inspection->wish.full || inspection->refused) {
        cf_engine_check_step(engine, &inspection->check, SLICE);
        return true;
    }
    int64_t begun = now_ns();
    while (cf_engine_check_step(engine, &inspection->check, FULL_SLICE))
        cf_engine_beat(engine);
    inspection->stood_ns = now_ns() - begun;
    return true;
}

bool cf_inspection_step(struct cf_inspection *inspection, struct cf_engine *engine)
{
    int64_t begun = now_ns();
    bool more = slice(inspection, engine);
    int64_t ended = now_ns(), took = ended - begun;
    inspection->steps++;
    inspection->steps_ns += took;
    inspection->step_ns_max = took > inspection->step_ns_max ? took : inspection->step_ns_max;
    inspection->ended_ns = ended;
    inspection->turn_last = turns(engine);
    return more;
}
