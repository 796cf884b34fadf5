/*
 * The providers' programs: started, watched, started again.
 *
 * Shape      one entry per place in the table of providers (port 1 + place)
 * Units      times in CLOCK_MONOTONIC ns, pauses in ms
 * Invariant  a program runs at most once; the pause before a restart doubles from restart_ms_min to restart_ms_max and falls back after
 *            a life longer than restart_ms_max
 * Errors     a program that cannot be started counts as one that died at once; logged
 */
#ifndef CF_CALLFAND_CHILD_H
#define CF_CALLFAND_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfand/channel.h"
#include "apps/callfand/config.h"

enum cf_child_state {
    CF_CHILD_NONE,     /* no such provider */
    CF_CHILD_EXTERNAL, /* somebody else starts it */
    CF_CHILD_WAITS,    /* starts at due_ns */
    CF_CHILD_RUNS,
    CF_CHILD_ENDS,   /* was told to end; SIGKILL at due_ns */
    CF_CHILD_ABORTS, /* hung and was sent SIGABRT; SIGKILL at due_ns */
};

struct cf_child {
    enum cf_child_state state;
    bool again; /* starts again when it has ended; else its place becomes free */
    int32_t pid;
    uint32_t starts, hangs, deaths;
    int32_t last_status;
    uint32_t pause_ms;
    int64_t due_ns, started_ns;
    char token[CF_NAME_MAX];
    struct cf_config_provider settings; /* a copy of its own */
};

/* Makes the door know what changed. False: not now. */
typedef bool cf_children_announce_fn(void *arg);

struct cf_children {
    cf_children_announce_fn *announce; /* called before a program starts: its hello may be faster than we are */
    void *announce_arg;
    const char *socket, *config_path; /* told to every program */
    bool sandbox;                     /* told to every program: confine yourself */
    uint32_t places;                  /* the limit of providers */
    uint64_t changed;                 /* a bit per place whose view changed; the caller clears it */
    struct cf_child of[CF_PROVIDERS_MAX];
};

/* A configuration, the first or a new one: starts, ends and restarts what differs. socket and path of config are borrowed. */
void cf_children_configure(struct cf_children *children, const struct cf_config *config, int64_t now_ns);

/* Starts what is due, kills what did not end in time. */
void cf_children_work(struct cf_children *children, int64_t now_ns);

/* The next time cf_children_work() has something to do; INT64_MAX: none. */
int64_t cf_children_deadline(const struct cf_children *children);

/* A process ended. True when it is one of them. */
bool cf_children_ended(struct cf_children *children, int32_t pid, int status, int64_t now_ns);

/* That provider hangs, in its starts-th life: counted, and a program of ours is aborted and starts again as one that died. */
void cf_children_hung(struct cf_children *children, uint32_t place, uint32_t starts, int64_t now_ns);

/* Tells all of them to end, for good. */
void cf_children_end(struct cf_children *children, int64_t now_ns);

/* Tells that one, if it runs, to end, and starts it anew. */
void cf_children_restart(struct cf_children *children, uint32_t place, int64_t now_ns);

bool cf_children_running(const struct cf_children *children);

/* What the door is told of a place. */
void cf_children_view(const struct cf_children *children, uint32_t place, struct cf_provider_view *ret_view);

#endif
