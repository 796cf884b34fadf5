/*
 * Marks: moments named by SIGUSR1 (a process was killed), and how long they were felt.
 *
 * Shape      with a file, each line of it is the time of a mark (seconds of CLOCK_REALTIME, with a point; EPOCHREALTIME of bash), written
 *            before the signal that makes us read it; without one, a mark is when the signal came. A line with a name behind the time is no
 *            mark: there the phase of that name begins (phases.h)
 * Units      CLOCK_MONOTONIC ns
 * Writers    the signal's handler counts; all else the one thread that takes messages
 */
#ifndef CF_APPS_CALLFAN_MARKS_H
#define CF_APPS_CALLFAN_MARKS_H

#include <stdint.h>
#include <stdio.h>

#include "apps/callfan/phases.h"

enum { CF_MARKS_MAX = 4096 }; /* later ones are not looked at */

struct cf_mark {
    int64_t at_ns;
    int64_t silence_ns; /* the longest time without a message that began within 3 s and before the next mark */
    int64_t first_ns;   /* until the first event arrived that is newer than the mark; 0: none yet */
};

struct cf_marks {
    const char *path; /* NULL: no file */
    FILE *file;
    unsigned heard; /* signals */
    unsigned count;
    struct cf_mark mark[CF_MARKS_MAX];
    struct cf_phases phases; /* of the file */
};

void cf_marks_catch(void);
void cf_marks_end(struct cf_marks *m);

/* Reads the marks that are new. Messages that arrive do so too: at the end it is for those that none followed. */
void cf_marks_take(struct cf_marks *m);

/* Writes a line into the file, which there is: a phase begins now. Whoever reads it has to be told by the signal. */
void cf_marks_write(const struct cf_marks *m, const char *phase);

/* Messages arrived at now_ns, the ones before at before_ns. */
void cf_marks_arrived(struct cf_marks *m, int64_t before_ns, int64_t now_ns);

/* One of them is of an event at event_ns. */
void cf_marks_event(struct cf_marks *m, int64_t event_ns, int64_t now_ns);

#endif
