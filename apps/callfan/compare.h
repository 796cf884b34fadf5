/*
 * One monitor's view of every call against the sender's list.
 */
#ifndef CF_APPS_CALLFAN_COMPARE_H
#define CF_APPS_CALLFAN_COMPARE_H

#include <stdint.h>
#include <stdio.h>

#include "apps/callfan/away.h"
#include "apps/callfan/sender.h"
#include "apps/callfan/view.h"

/* When the monitor could not see everything, through nobody's fault. */
struct cf_compare_times {
    int64_t ready_ns; /* its lines were open */
    int64_t end_ns;   /* it stopped reading */
    struct cf_away away;
};

/* How a call's view and the sender's list agree. */
struct cf_compare_result {
    uint64_t same;   /* every state, in order, once */
    uint64_t folded; /* the same but for states that a resync folded */
    uint64_t open;   /* not ended when the monitor stopped, and right so far */
    uint64_t early;  /* began before the monitor was ready or while its line was away */
    uint64_t
        cut; /* all that its provider had sent before it died, then IDLE once (or LINE_CLOSE, if messages were missed) */
    uint64_t refused; /* the core did not take it */
    uint64_t unseen;  /* not seen at all */
    /* findings */
    uint64_t different; /* a state that was not sent, twice, or out of order */
    uint64_t lost;      /* a state that was sent is missing */
    uint64_t unknown;   /* the sender knows no such call */
};

/* Prints the first findings to `to` (NULL: none). */
void cf_compare(const struct cf_view *v, const struct cf_sender *s, const struct cf_compare_times *t, FILE *to,
                struct cf_compare_result *ret_result);

/* "OFFERING,(ACCEPTED),CONNECTED,DISCONNECTED,IDLE": states in order, those in brackets optional. */
struct cf_expected_states {
    uint32_t count;
    struct {
        DWORD state;
        bool optional;
    } step[CF_VIEW_STATES_MAX];
};
bool cf_expected_states_parse(const char *text, struct cf_expected_states *ret_expected);

/* Every call of the view went through the expected states: counts into same, open (a part so far) and different. */
void cf_compare_expected(const struct cf_view *v, const struct cf_expected_states *expected, FILE *to,
                         struct cf_compare_result *ret_result);

#endif
