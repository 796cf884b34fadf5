/*
 * The survey: what of a healthy state somebody may have to look after. Calls without an event for long, handles of calls in IDLE, requests
 * that no provider answers. In slices, as the check.
 *
 * Units      ages in ns, counted from now_ns; budget as in core/check.h
 * Invariant  the CF_SURVEY_CALLS calls that have been quiet for longest are kept, the longest first; all are counted
 * Overlap    the engine's thread, between turns; each line of the report was true at some turn boundary
 * Trust      times of events come from providers: one from the future is of now, one before the machine began of its beginning
 */
#ifndef CF_CORE_SURVEY_H
#define CF_CORE_SURVEY_H

#include "core/engine.h"

#define CF_SURVEY_CALLS 20
#define CF_SURVEY_HOLDERS 8

struct cf_survey_call {
    uint32_t call_id; /* LINECALLINFO.dwCallID */
    uint32_t line, state, mode;
    uint32_t provider; /* port, 0 when it is gone */
    uint32_t owners, monitors;
    uint32_t holders_count; /* of holders; owners + monitors may be more */
    int64_t quiet_ns;
    struct {
        uint32_t port;
        bool owner;
    } holders[CF_SURVEY_HOLDERS];
};

/* Of one port. */
struct cf_survey_port {
    uint64_t idle;        /* application: handles of calls in IDLE */
    int64_t idle_ns;      /* since the longest of them is IDLE */
    uint64_t unanswered;  /* provider: requests that wait for its reply for longer than asked */
    int64_t unanswered_ns; /* the longest of them */
    uint32_t asked_by;    /* port whose request that is */
};

enum cf_survey_part { CF_SURVEY_OF_CALLS, CF_SURVEY_OF_HANDLES, CF_SURVEY_OF_REQUESTS, CF_SURVEY_END };

struct cf_survey {
    int64_t now_ns, quiet_ns, unanswered_ns; /* asked: from when on a call and a request counts */
    enum cf_survey_part part;
    uint32_t port, at;
    uint64_t calls_quiet;
    uint64_t chunks; /* reference chunks in use, of chunks_max */
    uint64_t chunks_max;
    uint32_t calls_count;
    struct cf_survey_call calls[CF_SURVEY_CALLS];
    struct cf_survey_port ports[CF_PORTS_MAX];
};

void cf_survey_begin(struct cf_survey *survey, int64_t now_ns, int64_t quiet_ns, int64_t unanswered_ns);

/* Goes on for about budget. False: it is at its end. */
bool cf_engine_survey_step(struct cf_engine *e, struct cf_survey *survey, uint64_t budget);

#endif
